/**
 * An adapter as a GGUF, which llama.cpp loads beside its base and Ollama takes by ADAPTER: the pairs of each adapted map under the name
 * that llama.cpp gives the map. llama.cpp scales by alpha / r; what is scaled by alpha / sqrt(r) has its alpha written accordingly.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { adapterScale, baseSha256, loadAdapter, type ModelConfig } from '@tunan/model';
import { noGrad, scope, type Tensor, tensor } from '@tunan/torch';
import { ExportError } from './errors.ts';
import { architectureOf } from './gguf/config-metadata.ts';
import { type WrittenTensor, writeGguf } from './gguf/gguf-writer.ts';
import { float32, type Metadata, string } from './gguf/metadata.ts';
import { interleavedRows, type PlannedTensor, tensorPlan } from './gguf/tensor-plan.ts';
import { WEIGHTS_SHA256 } from './gguf/weights-key.ts';

/** f16 rounds to about three digits. */
export const adapterTypes = { f32: 'F32', f16: 'F16' } as const;
export type AdapterGgufType = keyof typeof adapterTypes;

/**
 * @param directory of the adapter, of PEFT's form
 * @param config of its base
 * @param file to write; nothing may stand there
 * @returns how many maps it adds to
 * @throws ModelError, WriteError, ExportError
 */
export function exportAdapter(
  directory: string,
  config: ModelConfig,
  file: string,
  type: AdapterGgufType = 'f32',
): number {
  if (existsSync(file)) {
    const said = { en: `${file} is there already: give another --out`, zh: `${file} 已存在：请换一个 --out` };
    throw new ExportError('EXPORT_EXISTS', said);
  }
  using layers = loadAdapter(directory, config);
  const sha256 = baseSha256(directory);
  const metadata: Metadata = new Map([
    ['general.architecture', string(architectureOf(config))],
    ['general.type', string('adapter')],
    ['general.name', string(path.basename(path.resolve(directory)))],
    ['adapter.type', string('lora')],
    ['adapter.lora.alpha', float32(adapterScale(layers.config) * layers.config.rank)],
    ...(sha256 === undefined ? [] : ([[WEIGHTS_SHA256, string(sha256)]] as const)),
  ]);
  const planned = new Map(tensorPlan(config).map((one) => [one.parameter, one]));
  const tensors = [...layers.pairs].flatMap(([map, { a, b }]) => {
    const place = planned.get(`${map}.weight`)!;
    return [written(`${place.name}.lora_a`, a, type), written(`${place.name}.lora_b`, arranged(b, place), type)];
  });
  writeGguf(file, metadata, tensors);
  return layers.pairs.size;
}

/** B (out, r) with its rows in the order of the map's. */
function arranged(b: Tensor, { arrangement }: PlannedTensor): Tensor {
  if (arrangement.kind !== 'interleaved') return b;
  const rows = tensor(interleavedRows(0, b.shape[0]!, arrangement.headDim), { dtype: 'int64' });
  return noGrad(() => b.indexSelect(0, rows));
}

function written(name: string, matrix: Tensor, type: AdapterGgufType): WrittenTensor {
  const numbers = noGrad(() => scope(() => matrix.detach().contiguous().toArray())) as Float32Array;
  const columns = matrix.shape[1]!;
  const rows = (first: number, count: number) => numbers.subarray(first * columns, (first + count) * columns);
  return { name, type: adapterTypes[type], shape: matrix.shape, rows };
}
