/**
 * What the choice of a token costs beside the model: microseconds a draw by option set, and the masks of constraints: building one,
 * going to the next state, and applying a mask that is known.
 *
 *   node packages/inference/scripts/sampling-speed.ts [--sizes 20000,50000] [--rounds 5] [--json]
 *
 * Logits are random with the spread of a trained model's. The vocabulary of the masks is trained here, on poems of the npm package
 * chinese-poetry; texts under a constraint are drawn at random among the tokens that it allows.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { type AnswerConstraint, ConstraintCompiler } from '../src/constraints/compile-constraint.ts';
import { seededRandom } from '../src/constraints/testing/walk.ts';
import { type DrawOptions, DrawScratch, drawToken } from '../src/sampling/sampling.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '20000,50000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const sizes = values.sizes.split(',').map(Number);
const rounds = Number(values.rounds);
const random = seededRandom(7);

const OFF: DrawOptions = { temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1 };
const DRAWS: Readonly<Record<string, Partial<DrawOptions>>> = {
  greedy: { temperature: 0 },
  temperature: { temperature: 0.8 },
  'top_k 40': { topK: 40 },
  'top_p 0.9': { topP: 0.9 },
  'top_k 40, top_p 0.9': { topK: 40, topP: 0.9 },
  'min_p 0.05': { minP: 0.05 },
  'typical_p 0.9': { typicalP: 0.9 },
};

const CONSTRAINTS: Readonly<Record<string, AnswerConstraint>> = {
  'JSON object': { kind: 'json-object' },
  'JSON schema': {
    kind: 'json',
    schema: {
      type: 'object',
      properties: {
        题目: { type: 'string', maxLength: 20 },
        朝代: { enum: ['唐', '宋', '元'] },
        行数: { type: 'integer', minimum: 1, maximum: 100 },
        词语: { type: 'array', items: { type: 'string' }, maxItems: 8 },
      },
      required: ['题目', '朝代', '行数', '词语'],
    },
  },
  'regular expression': { kind: 'regex', pattern: '(?:[一-龥]{5}，[一-龥]{5}。\\n?){2,4}' },
};

interface Line {
  readonly what: string;
  readonly vocabulary: number;
  readonly microseconds: number;
}
const lines: Line[] = [];
const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
function report(what: string, vocabulary: number, microseconds: number): void {
  lines.push({ what, vocabulary, microseconds });
  console.log(`${what.padEnd(48)} ${String(vocabulary).padStart(7)} ${microseconds.toFixed(1).padStart(10)} µs`);
}

/** Normal, by the central limit theorem. */
const normal = (): number => Array.from({ length: 12 }, random).reduce((sum, one) => sum + one, -6);

for (const size of sizes) {
  const rows = Array.from({ length: 16 }, () => Float32Array.from({ length: size }, () => 2.5 * normal()));
  const scratch = new DrawScratch(size);
  const times = new Map(Object.keys(DRAWS).map((name) => [name, [] as number[]]));
  for (let round = -3; round < rounds; round++) {
    for (const [name, options] of Object.entries(DRAWS)) {
      const begin = performance.now();
      for (const row of rows) drawToken(row, { ...OFF, ...options }, random(), scratch);
      // The first rounds are for the compiler.
      if (round >= 0) times.get(name)!.push(((performance.now() - begin) * 1000) / rows.length);
    }
  }
  for (const [name, all] of times) report(`draw: ${name}`, size, median(all));
}

function poems(): string[] {
  const root = path.join(
    path.dirname(createRequire(import.meta.url).resolve('chinese-poetry/package.json')),
    'dist/quantangshi',
  );
  const files = readdirSync(root).filter((name) => /^poet\..*json$/.test(name));
  const read = (name: string): { paragraphs?: string[] }[] => JSON.parse(readFileSync(path.join(root, name), 'utf8'));
  return files.slice(0, 40).flatMap((name) => read(name).map(({ paragraphs = [] }) => paragraphs.join('\n')));
}

const tokenizer = Tokenizer.fromFile(await trainBpe(poems(), { vocabularySize: sizes[0]! }));
const size = tokenizer.vocabularySize;
for (const [name, asked] of Object.entries(CONSTRAINTS)) {
  const isText = (id: number) => tokenizer.hasToken(id) && !tokenizer.isSpecial(id);
  const compiler = new ConstraintCompiler({ size, tokenBytes: (id) => tokenizer.tokenBytes(id), isText });
  const begin = performance.now();
  const constraint = compiler.compile(asked);
  report(`${name}: compile, and the first time the vocabulary`, size, (performance.now() - begin) * 1000);
  const fresh: number[] = [];
  const known: number[] = [];
  const steps: number[] = [];
  const logits = new Float32Array(size);
  for (let text = 0; text < 40; text++) {
    let state = constraint.start;
    for (let step = 0; step < 100 && state.places.length > 0; step++) {
      const isKnown = state.mask !== undefined;
      logits.fill(0);
      const before = performance.now();
      constraint.apply(state, logits);
      (isKnown ? known : fresh).push((performance.now() - before) * 1000);
      const allowed = Array.from(logits.keys()).filter((id) => logits[id] === 0);
      if (allowed.length === 0 || (state.accepts && random() < 0.3)) break;
      const id = allowed[Math.floor(random() * allowed.length)]!;
      const then = performance.now();
      state = constraint.after(state, tokenizer.tokenBytes(id))!;
      steps.push((performance.now() - then) * 1000);
    }
  }
  report(`${name}: mask of a new state (${fresh.length}), median`, size, median(fresh));
  report(`${name}: mask of a new state, the slowest`, size, Math.max(...fresh));
  report(`${name}: mask of a known state (${known.length}), median`, size, median(known));
  report(`${name}: to the next state, median`, size, median(steps));
}
if (values.json) console.log(JSON.stringify(lines));
