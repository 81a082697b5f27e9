/**
 * Holds the planner's device `cpu` against runs of this machine: small models over Gloo in layouts of one, two and four processes.
 *
 *   node bench/planner-cpu.ts --measure FILE [--steps 13] [--warm 2] [--processes 1,2,4] [--only PART]
 *   node bench/planner-cpu.ts --judge FILE [--fit] [--json]
 *
 * --measure adds one round to FILE: for each number of processes the planner measures the machine, then every row is trained, in the
 * processes of that number. Run it some times (rounds take turns with whatever else the machine does), pinned to the cores that are meant
 * (`taskset -c 1`): on one core several processes share it. --judge compares medians over all rounds with what the planner predicts from
 * the medians of its figures; the constants of the CPU are fitted with --fit to the rows that rows.ts names, and printed.
 */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { IndexedDatasetWriter } from '@tunan/tokenizer/shards';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import { measureCpu } from '@tunan/training/planner';
import { judge } from './planner-cpu/judge.ts';
import { ROWS, type Row } from './planner-cpu/rows.ts';

const EOD = 4;
const program = fileURLToPath(new URL('./planner-cpu/rank.ts', import.meta.url));
const { values: options } = parseArgs({
  options: {
    measure: { type: 'string' },
    steps: { type: 'string', default: '13' },
    warm: { type: 'string', default: '2' },
    processes: { type: 'string', default: '1,2,4' },
    only: { type: 'string', default: '' },
    judge: { type: 'string' },
    fit: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

if (options.measure !== undefined) await measure(options.measure);
if (options.judge !== undefined) {
  const lines = readFileSync(options.judge, 'utf8').trim().split('\n');
  judge(
    lines.map((line) => JSON.parse(line)),
    options,
  );
}

async function measure(file: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-planner-cpu-'));
  try {
    for (const size of new Set(ROWS.map(({ model }) => model.vocabularySize))) writeShards(folder, size);
    for (const processes of options.processes.split(',').map(Number)) {
      const figures = await measureCpu(processes, 'bfloat16');
      appendFileSync(file, `${JSON.stringify({ figures })}\n`);
      const rows = ROWS.filter(({ layout, name }) => processesOf(layout) === processes && name.includes(options.only));
      const given = {
        rows,
        folder,
        file: path.resolve(file),
        steps: Number(options.steps),
        warm: Number(options.warm),
      };
      for (const { code, stderr } of await runRanks(program, [JSON.stringify(given)], { size: processes }))
        if (code !== 0) throw new Error(stderr);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function processesOf({ data, tensor, pipeline }: Row['layout']): number {
  return data * tensor * pipeline;
}

/** Words in turn: what they are costs no time. */
function writeShards(folder: string, vocabularySize: number): void {
  const directory = path.join(folder, `tokens-${vocabularySize}`);
  mkdirSync(directory);
  using writer = new IndexedDatasetWriter(path.join(directory, 'train'), vocabularySize);
  for (let document = 0; document < 60; document++) {
    const words = Array.from({ length: 600 }, (_, at) => 5 + ((document * 7919 + at * 104_729) % (vocabularySize - 5)));
    writer.addDocument([...words, EOD]);
  }
  const tokenizer = { sha256: 'a tokenizer of numbers', vocabularySize, eod: EOD };
  const splits = { train: { prefix: 'train', ...writer.finish() } };
  writeFileSync(
    path.join(directory, 'tokens.json'),
    JSON.stringify({ format: 'tunan-tokens', formatVersion: 1, tokenizer, splits }),
  );
}
