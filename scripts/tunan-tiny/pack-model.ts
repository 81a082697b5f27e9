/**
 * Packs a finished run as models/tunan-tiny:
 *
 *   npm run tunan-tiny:pack -- --run runs/tunan-tiny --corpora data/tunan-tiny/prose,data/tunan-tiny/poems
 *     [--adapter NAME=DIR …] [--score NAME=FILE …] [--card FILE] [--out models/tunan-tiny] [--unfinished]
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { UserMistake } from '@tunan/files';
import { NAME, packModel } from './model-package.ts';

const root = path.resolve(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    run: { type: 'string', default: `runs/${NAME}` },
    corpora: { type: 'string', default: `data/${NAME}/prose,data/${NAME}/poems` },
    recipe: { type: 'string', default: path.join(root, 'recipes/run', `${NAME}.json`) },
    adapter: { type: 'string', multiple: true, default: [] },
    score: { type: 'string', multiple: true, default: [] },
    card: { type: 'string' },
    out: { type: 'string', default: path.join('models', NAME) },
    unfinished: { type: 'boolean', default: false },
  },
});

function named(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      process.stderr.write(`${pair}: write NAME=PLACE\n`);
      return process.exit(2);
    }),
  );
}

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
try {
  const { bytes, step } = packModel({
    ...values,
    corpora: values.corpora.split(','),
    adapters: named(values.adapter),
    scores: named(values.score),
    version,
  });
  process.stdout.write(`${values.out}: step ${step}, ${(bytes / 1e6).toFixed(1)} MB\n`);
} catch (error) {
  if (!(error instanceof UserMistake)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
}
