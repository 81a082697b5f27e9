/**
 * Forms of Chinese verse: lines, tones, rhymes, couplets, acrostics. Nothing here needs a model.
 *
 * @module @tunan/applications/verse
 */
/** @public */
export { judgeAcrostic } from './acrostic.ts';
/** @public */
export { judgeCouplet } from './couplet.ts';
/** @public */
export type { Judgement } from './judgement.ts';
/** @public */
export { judgeMeter, type Meter, type MeterOptions, readMeter } from './meter.ts';
/** @public */
export { judgeParallel } from './parallel.ts';
/** @public */
export { judgeRegulated, type RegulatedOptions } from './regulated.ts';
/** @public */
export { areNeighbours, type Rhyme, RhymeBook, rhymeBook, type Tone } from './rhyme-book.ts';
/** @public */
export { isHan, isRegular, parseQuatrain, type Quatrain, versesOf } from './verses.ts';
