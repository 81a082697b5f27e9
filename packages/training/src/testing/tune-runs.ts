/** Tuning in layouts of processes, whose curves are to be those of one process. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LanguageModel, StoredWeights } from '@tunan/model';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import { assertSameCurve, type Layout } from './layout-runs.ts';
import { temporaryDirectory } from './tiny-corpus.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('./tune-rank.ts'));
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const sizes = { vocabularySize: 32, contextLength: 24, layers: 2, width: 32, heads: 4, initStd: 0.2 };

/** The letter that the prompt begins with; pairs prefer it to another. */
const rowsOf = (pairs: boolean) =>
  Array.from({ length: 32 }, (_, i) => {
    const [own, other] = [LETTERS[i % 26]!, LETTERS[(i + 7) % 26]!];
    const [prompt, answer] = [`${own}${LETTERS[(3 * i) % 26]}?`, own.repeat(1 + (i % 3))];
    return pairs ? { prompt, chosen: answer, rejected: other } : { prompt, completion: answer };
  });

export interface TuneCase {
  readonly way: 'lora' | 'full';
  readonly lora?: { readonly rank: number };
  /** Whether it learns which of two answers is preferred. */
  readonly pairs: boolean;
  readonly optimizer?: 'muon';
}

interface Told {
  readonly status: string;
  readonly step: number;
  readonly output?: string;
  readonly before: number;
  readonly after?: number;
}

/**
 * Runs in layouts beside one of one process: loss, what is held out, and what comes out.
 * @param isStopped whether they are stopped on the way, and go on
 */
export async function checkTuning(
  t: TestContext,
  { pairs, ...asked }: TuneCase,
  layouts: readonly Layout[],
  isStopped: boolean,
): Promise<void> {
  const home = temporaryDirectory(t);
  const model = path.join(home, 'base');
  {
    using made = LanguageModel.create(sizes, { seed: 1 });
    made.save(model);
  }
  const data = path.join(home, 'data.jsonl');
  writeFileSync(
    data,
    rowsOf(pairs)
      .map((row) => JSON.stringify(row))
      .join('\n'),
  );
  const run = async (directory: string, { data: copies = 1, ...parallel }: Layout, more: object): Promise<Told> => {
    const size = copies * (parallel.tensor ?? 1) * (parallel.pipeline ?? 1);
    const options = {
      model,
      data,
      directory,
      parallel,
      ...asked,
      ...(pairs && { preference: { beta: 0.5 } }),
      ...more,
    };
    const ends = await runRanks(PROGRAM, [JSON.stringify(options)], { size });
    for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
    const [first, ...others] = ends.map(({ stdout }) => JSON.parse(stdout) as Told);
    for (const other of others) assert.deepEqual(other, first);
    return first!;
  };
  const near = (one: number, other: number) =>
    assert.ok(Math.abs(one - other) <= 1e-5 * Math.abs(other), `${one} and ${other}`);
  const one = path.join(home, 'one');
  const alone = await run(one, {}, {});
  assert.equal(alone.status, 'finished');
  for (const [at, layout] of layouts.entries()) {
    const directory = path.join(home, `layout ${at}`);
    if (isStopped) {
      const { status, step } = await run(directory, layout, { until: 2 });
      assert.deepEqual([status, step], ['stopped', 2]);
    }
    const ended = await run(directory, layout, { resume: 'if-present' });
    assertSameCurve(directory, one, JSON.stringify(layout));
    near(ended.before, alone.before);
    near(ended.after!, alone.after!);
    assert.deepEqual(filesOf(ended.output!), filesOf(alone.output!));
  }
}

/** But for weights, which processes that share a model write in parts: those of a model are asked for by their names. */
function filesOf(output: string): string[] {
  const beside = readdirSync(output).filter((name) => !name.startsWith('model'));
  if (beside.includes('adapter_config.json')) return beside;
  using weights = StoredWeights.open(output);
  return [...beside, ...weights.names()];
}
