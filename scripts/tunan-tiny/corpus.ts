/**
 * Everything that tunan-tiny is trained on, by one command: two corpora (prose and poems), the vocabulary of the prose, and the token
 * shards of both. Each step is a command of tunan and is said before it runs; what is there already stays, so the program goes on where it was stopped.
 *
 *   npm run tunan-tiny:corpus -- --base DIR [--out data/tunan-tiny] [--local DIR,…] [--with PART,…] [--workers N]
 *
 * `--base` holds the folder `fewclue`, which the prose is cleared of; `--local` and `--with` are those of `tunan corpus build`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const tunan = fileURLToPath(new URL('../../packages/cli/bin/tunan.mjs', import.meta.url));

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'data/tunan-tiny' },
    base: { type: 'string' },
    local: { type: 'string' },
    with: { type: 'string' },
    workers: { type: 'string' },
    vocabulary: { type: 'string', default: '8192' },
  },
});

/** Of the options given, those that the command takes. */
function given(...names: ('base' | 'local' | 'with' | 'workers')[]): string[] {
  return names.flatMap((name) => (values[name] === undefined ? [] : [`--${name}`, values[name]]));
}

function run(...args: string[]): void {
  process.stderr.write(`tunan ${args.join(' ')}\n`);
  const { status, signal } = spawnSync(process.execPath, [tunan, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? (signal === null ? 1 : 130));
}

const prose = path.join(values.out, 'prose');
const poems = path.join(values.out, 'poems');
const tokenizer = path.join(values.out, 'tokenizer.json');

run('corpus', 'build', 'tunan-tiny', '--out', prose, ...given('base', 'local', 'with', 'workers'));
run('corpus', 'build', 'tiny-poet', '--out', poems, ...given('workers'));
if (!existsSync(tokenizer)) {
  run('tokenizer', 'train', prose, '--vocabulary', values.vocabulary, '--out', tokenizer);
}
for (const corpus of [prose, poems]) {
  if (!existsSync(path.join(corpus, 'tokens', 'tokens.json'))) run('corpus', 'shard', corpus, '--tokenizer', tokenizer);
}
process.stderr.write(`the run: tunan train run tunan-tiny --tokenizer ${tokenizer} --out runs/tunan-tiny\n`);
