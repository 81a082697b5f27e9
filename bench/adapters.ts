/**
 * What adapters cost in libtorch: processor time of a step of 16 sequences and of a prompt, without adapters, and with 1, 4 and 16 of rank 16 on
 * all maps among the rows. Random weights; cases interleaved, medians.
 *
 *     node bench/adapters.ts [--layers 4] [--rounds 5] [--threads 1]
 */
import { parseArgs } from 'node:util';
import {
  AdapterBank,
  type BankedAdapter,
  KeyValueCache,
  LanguageModel,
  LoraLayers,
  PackedForward,
  targetsOf,
} from '@tunan/model';
import { noGrad, rand, scope, setThreads } from '@tunan/torch';

const { values } = parseArgs({
  options: {
    layers: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1' },
  },
});
setThreads(Number(values.threads));

const ROWS = 16;
const PROMPT = 240;
const shape = {
  family: 'llama',
  vocabularySize: 8192,
  contextLength: 256,
  width: 768,
  heads: 12,
  headDim: 64,
} as const;
const bank = new AdapterBank();
const plain = LanguageModel.create({ ...shape, layers: Number(values.layers) }, { seed: 1 });
const banked = LanguageModel.fromParameters(plain.config, plain.namedParameters(), { adapterBank: bank });
const targets = targetsOf(['all'], plain.config, 'bench');
const adapters = Array.from({ length: ROWS }, (_, index) => {
  using layers = LoraLayers.fresh({ rank: 16, alpha: 32, rankStabilized: false, targets }, plain.config, index + 1);
  for (const { b } of layers.pairs.values())
    scope(() =>
      noGrad(
        () =>
          void b.copy_(
            rand([...b.shape])
              .sub(0.5)
              .mul(0.02),
          ),
      ),
    );
  return bank.add(layers);
});

const first = (count: number) => (row: number) => adapters[row % count];
const cases: Record<string, readonly [LanguageModel, (row: number) => BankedAdapter | undefined]> = {
  'no adapters loaded': [plain, () => undefined],
  '16 loaded, none named': [banked, () => undefined],
  '1 adapter': [banked, first(1)],
  '4 adapters': [banked, first(4)],
  '16 adapters': [banked, first(16)],
};

/** Milliseconds of all threads. */
function processorTime(body: () => void): number {
  const begin = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

const runs = Object.entries(cases).map(([name, [model, adapterOf]]) => {
  const forward = new PackedForward(model);
  const caches = Array.from({ length: ROWS }, () => new KeyValueCache(model));
  const step = () =>
    forward.extend(caches.map((cache, row) => ({ cache, ids: [5 + row], logits: 'last', adapter: adapterOf(row) })));
  const prompt = () => {
    using cache = new KeyValueCache(model);
    const ids = Array.from({ length: PROMPT }, (_, place) => place + 1);
    forward.extend([{ cache, ids, logits: 'last', adapter: adapterOf(0) }]);
  };
  return { name, step, prompt, steps: [] as number[], prompts: [] as number[] };
});
for (let round = -1; round < Number(values.rounds); round++) {
  for (const { step, prompt, steps, prompts } of runs) {
    step(); // with the matrices of this case
    const times = [processorTime(step), processorTime(prompt)] as const;
    if (round < 0) continue;
    steps.push(times[0]);
    prompts.push(times[1]);
  }
}
const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[times.length >> 1]!.toFixed(0);
const millions = (plain.sizes.parameters.total / 1e6).toFixed(1);
console.log(`${millions} M parameters, float32; ms of processor time`);
for (const { name, steps, prompts } of runs)
  console.log(`${name.padEnd(24)} step of ${ROWS}: ${median(steps)}   prompt of ${PROMPT}: ${median(prompts)}`);
