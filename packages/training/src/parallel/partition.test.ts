import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { holds, type ModelConfigInput, parametersOf, parseModelConfig, sizesOf } from '@tunan/model';
import { arange, scope } from '@tunan/torch';
import { deviceParameters } from '../planner/cluster/memory.ts';
import { shapeOf } from '../planner/cluster/shape.ts';
import { modelPieces } from './pipeline-partition.ts';
import { TensorPartition, tensorMisfits } from './tensor-partition.ts';

const small = { vocabularySize: 61, contextLength: 16, layers: 2, width: 24 };
const configs: ModelConfigInput[] = [
  { ...small, heads: 6 },
  { ...small, family: 'llama', heads: 6, kvHeads: 3, mlpWidth: 50 },
  { ...small, family: 'llama', variant: 'qwen2', heads: 12, kvHeads: 2, headDim: 4, tiedHead: false },
  { ...small, family: 'llama', variant: 'llama', heads: 8, kvHeads: 1, width: 32 },
];
const sizes = [1, 2, 3, 4, 5];

/** Every parameter of a config, its elements numbered, over every number of devices that it can be divided over. */
function eachPartition(check: (partition: TensorPartition, name: string, shape: readonly number[]) => void): void {
  let checked = 0;
  for (const config of configs.map((one) => parseModelConfig(one))) {
    for (const size of sizes.filter((one) => tensorMisfits(config, one).length === 0)) {
      const partition = new TensorPartition(config, size);
      for (const { name, shape } of parametersOf(config)) scope(() => check(partition, name, shape));
      checked++;
    }
  }
  assert.ok(checked >= 16, `${checked}`);
}

const numbered = (shape: readonly number[]) =>
  arange(
    0,
    shape.reduce((product, size) => product * size, 1),
  ).view(...shape);

test('parts put together are the whole, whatever the family and the number of devices', () => {
  eachPartition((partition, name, shape) => {
    const whole = numbered(shape);
    const parts = Array.from({ length: partition.size }, (_, rank) => partition.cut(name, whole, rank));
    for (const [rank, part] of parts.entries()) assert.deepEqual(part.shape, partition.shapeOf(name, rank), name);
    const joined = partition.join(name, parts);
    assert.deepEqual(joined.shape, shape, name);
    assert.equal(joined.sub(whole).abs().sum().item(), 0, `${name} over ${partition.size}`);
    // Nothing is held twice but what is said to be.
    const elements = parts.reduce((sum, { size }) => sum + size, 0);
    const isDivided = partition.parameters.get(name)!.division !== undefined;
    if (isDivided && !partition.isCopied(name)) assert.equal(elements, whole.size, name);
    if (!isDivided) assert.equal(elements, partition.size * whole.size, name);
  });
});

test('every rank has the keys and values that its queries read, and as many queries to each', () => {
  for (const config of configs.map((one) => parseModelConfig(one))) {
    const { heads, kvHeads } = sizesOf(config);
    for (const size of sizes.filter((one) => tensorMisfits(config, one).length === 0)) {
      const partition = new TensorPartition(config, size);
      let queries = 0;
      for (let rank = 0; rank < size; rank++) {
        const [own, keys] = [partition.unitsOf('queries', rank), partition.unitsOf('keys-values', rank)];
        const group = (own.end - own.first) / (keys.end - keys.first);
        assert.ok(own.end > own.first && Number.isInteger(group));
        for (let query = own.first; query < own.end; query++) {
          // The attention kernel gives query i the keys i / group; of the whole model it is query / (H / Hkv).
          const read = keys.first + Math.floor((query - own.first) / group);
          assert.equal(read, Math.floor(query / (heads / kvHeads)), `${query} of rank ${rank} of ${size}`);
        }
        queries += own.end - own.first;
      }
      assert.equal(queries, heads);
    }
  }
});

test('more devices than heads, or than queries of a head of keys, are refused with the numbers', () => {
  const config = parseModelConfig({ ...small, family: 'llama', heads: 6, kvHeads: 3 });
  assert.deepEqual(
    sizes.concat(6, 7).map((size) => tensorMisfits(config, size).length),
    [0, 0, 0, 0, 0, 0, 1],
  );
  assert.match(tensorMisfits(config, 7)[0]!.en, /tensor 7: 6 heads with 3 of keys and values go to at most 6/);
  const uneven = parseModelConfig({ ...small, family: 'llama', heads: 4, kvHeads: 2 });
  assert.equal(tensorMisfits(uneven, 4).length, 0);
});

test('pieces of a pipeline hold every layer once, sizes differ by one, and the ends have the ends', () => {
  for (const layers of [2, 3, 5, 8, 13]) {
    for (let count = 1; count <= layers; count++) {
      const pieces = modelPieces(layers, count);
      const held = pieces.flatMap((piece) => {
        const { first, end } = piece.layers;
        return Array.from({ length: end - first }, (_, layer) => first + layer);
      });
      assert.deepEqual(
        held,
        Array.from({ length: layers }, (_, layer) => layer),
      );
      const lengths = pieces.map((piece) => piece.layers.end - piece.layers.first);
      assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 1);
      assert.ok(
        count < 3 || lengths.at(-1)! <= lengths[1]!,
        'the piece with the output matrix is no longer than others',
      );
    }
  }
  const config = parseModelConfig({ ...small, layers: 3, heads: 6 });
  const [first, last] = modelPieces(3, 2);
  const names = (piece: typeof first) =>
    parametersOf(config)
      .filter((parameter) => holds(piece!, parameter))
      .map(({ name }) => name);
  assert.deepEqual(new Set([...names(first), ...names(last)]).size, parametersOf(config).length);
  assert.deepEqual(
    names(first).filter((name) => names(last).includes(name)),
    ['transformer.wte.weight'],
  );
});

/** Elements that the fullest device of a layout holds. */
function counted(input: ModelConfigInput, tensor: number, pipeline: number): number {
  const config = parseModelConfig(input);
  const partition = new TensorPartition(config, tensor);
  const [piece] = modelPieces(sizesOf(config).layers, pipeline);
  return parametersOf(config)
    .filter((parameter) => holds(piece!, parameter))
    .reduce((sum, { name }) => sum + partition.shapeOf(name, 0).reduce((product, size) => product * size, 1), 0);
}

test('the planner counts the parameters that a device of a run holds, but for norms and biases', () => {
  const recipe = new URL('../../../../recipes/model/yuan-245b.json', import.meta.url);
  const { description: _, ...yuan } = JSON.parse(readFileSync(recipe, 'utf8'));
  const model = { vocabularySize: 151_936, contextLength: 4096, layers: 36, width: 4096, heads: 32, kvHeads: 8 };
  const qwen = { ...model, family: 'llama', headDim: 128, mlpWidth: 12_288, tiedHead: false } as const;
  for (const [config, tensor, pipeline] of [
    [{ ...yuan, vocabularySize: 53_248 }, 8, 38],
    [qwen, 8, 4],
    [qwen, 16, 1],
    [qwen, 1, 1],
  ] as const) {
    const real = counted(config, tensor, pipeline);
    const planned = deviceParameters(shapeOf(parseModelConfig(config)), { tensor, pipeline });
    assert.ok(Math.abs(planned / real - 1) < 1e-3, `${tensor} x ${pipeline}: planned ${planned}, held ${real}`);
  }
});
