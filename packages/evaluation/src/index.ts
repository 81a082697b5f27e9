/** @packageDocumentation Bits per character, n-gram baselines, and form and theme of generated poems. */

export { type BaselineRequest, type BaselineScores, scoreBaselines, scoreBaselinesInWorker } from './baselines.ts';
export { type BitsPerCharacter, bitsPerCharacter, characterBits } from './bits-per-character.ts';
export { type CharacterNgram, type CharacterNgramOptions, trainCharacterNgram } from './character-ngram.ts';
export { EvaluationError, type EvaluationErrorCode } from './errors.ts';
export { evaluateBitsPerCharacter, type ModelBits } from './model-bits.ts';
export {
  type PoemSample,
  type PoemStudy,
  type PoemStudyOptions,
  studyPoems,
  type ThemeContrast,
} from './poem-study.ts';
export { parseQuatrain, type Quatrain } from './quatrain.ts';
export { ThemeAssociation, type TitledPoem, themeOverlap } from './theme-overlap.ts';
export { POEM_THEMES, SHOWN_THEMES } from './themes.ts';
export { type TokenLossOptions, tokenLosses } from './token-losses.ts';
