/**
 * How far the quality classifier can be believed: rotated unseen sources, good pages turned away, recall of spam, speed.
 *
 *   node packages/corpus/scripts/quality-labels/build-labels.ts --data ../shared/data --out build/labels.jsonl
 *   node bench/quality.ts build/labels.jsonl [--data DIR] [--seeds 1,2,3] [--only rotations|sources|spam|speed] [--sources A,B] [--json]
 *
 * rotations  trains anew for each seed and each choice of unseen sources (bench/quality/rotations.ts); thresholds from other sources again.
 *            Gold pages of DIR/web (default ../shared/data) that no training document comes from go through stage `quality` as they are.
 * sources    each source (or those named) in turn is taken out of training alone; its recall.
 * spam       pages of our own sentences, of kinds that are taken out of training (a quarter of the kinds at a time), alone and hidden in a gold
 *            page; Chinese pages of DIR/web/raw/warc with host names taken out. By stage `quality`, by stage `sensitive`, by either.
 * speed      documents and UTF-8 bytes a second of one core, whole pages through stage `quality`.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { LabelledDocument } from './quality/labelled-document.ts';
import { measureRotations } from './quality/rotations.ts';
import { measureSources } from './quality/sources.ts';
import { measureSpam } from './quality/spam.ts';
import { measureSpeed } from './quality/speed.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data') },
    seeds: { type: 'string', default: '1,2,3' },
    only: { type: 'string' },
    sources: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const [file] = positionals;
if (file === undefined)
  throw new Error('usage: node bench/quality.ts LABELS [options]; LABELS is made by build-labels.ts');
const documents = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as LabelledDocument);
const seeds = options.seeds.split(',').map(Number);

const parts = {
  rotations: () => measureRotations(documents, options.data, seeds),
  sources: () => measureSources(documents, seeds[0]!, options.sources?.split(',')),
  spam: () => measureSpam(documents, options.data, seeds[0]!),
  speed: () => measureSpeed(documents, options.data),
};
const results: Record<string, unknown> = {};
for (const [name, measure] of Object.entries(parts)) {
  if (options.only === undefined || options.only === name) results[name] = await measure();
}
if (options.json) console.log(JSON.stringify(results));
