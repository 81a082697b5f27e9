/** Adapters for a model of llama.cpp: those of PEFT's form become a GGUF, which is there while llama.cpp reads it. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ModelError } from '@tunan/model';
import { ExportError } from '../../export/errors.ts';
import { exportAdapter } from '../../export/export-adapter.ts';
import { configFromMetadata } from '../../export/gguf/config-from-metadata.ts';
import { GgufFile } from '../../export/gguf/gguf-file.ts';
import { MetadataReader } from '../../export/gguf/metadata-reader.ts';
import { WEIGHTS_SHA256 } from '../../export/gguf/weights-key.ts';
import { type AdapterBaseModel, type AdapterPlace, isGguf } from '../adapters.ts';
import type { Pointer } from './abi.ts';
import { badGguf } from './bad-gguf.ts';
import type { LlamaLibrary } from './library.ts';

/** What adapters are checked against. A GGUF of another program does not say what it was made of. */
export function ggufBase(file: string): AdapterBaseModel {
  try {
    using gguf = new GgufFile(file);
    const sha256 = new MetadataReader(gguf.metadata, file).stringIfThere(WEIGHTS_SHA256);
    return { place: file, config: configFromMetadata(gguf), takesGguf: true, sha256: () => sha256 };
  } catch (error) {
    if (error instanceof ExportError || error instanceof ModelError)
      return { place: file, config: undefined, takesGguf: true, sha256: () => undefined };
    throw error;
  }
}

/** @param model goes with its adapters @throws InferenceError INFERENCE_BAD_GGUF, ModelError */
export async function loadAdapters(
  library: LlamaLibrary,
  model: Pointer,
  base: AdapterBaseModel,
  adapters: readonly AdapterPlace[],
): Promise<ReadonlyMap<string, Pointer>> {
  const loaded = new Map<string, Pointer>();
  const aside = mkdtempSync(path.join(os.tmpdir(), 'tunan-adapter-'));
  try {
    for (const [place, { name, directory }] of adapters.entries()) {
      const file = isGguf(directory) ? directory : path.join(aside, `${place}.gguf`);
      if (file !== directory) exportAdapter(directory, base.config!, file);
      loaded.set(name, await loadAdapter(library, model, file, directory));
      if (file !== directory) rmSync(file);
    }
  } finally {
    rmSync(aside, { recursive: true });
  }
  return loaded;
}

async function loadAdapter(library: LlamaLibrary, model: Pointer, file: string, place: string): Promise<Pointer> {
  const { result, error } = await library.collectingErrors(() =>
    library.functions.llama_adapter_lora_init(model, file),
  );
  if (result !== null) return result;
  const reason = error ?? 'unknown error';
  throw badGguf(place, {
    en: `llama.cpp does not load it beside this model: ${reason}`,
    zh: `llama.cpp 无法与此模型一同加载：${reason}`,
  });
}
