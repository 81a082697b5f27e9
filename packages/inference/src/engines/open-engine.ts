/** A model directory or the address of a server becomes an engine. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { ModelOptions } from '@tunan/model';
import { isEndpointUrl } from '@tunan/protocol/client';
import type { Engine } from '../engine.ts';
import { RemoteEngine, type RemoteEngineOptions } from './remote/remote-engine.ts';
import { TorchEngine, type TorchEngineOptions } from './torch/torch-engine.ts';

export interface OpenOptions {
  /** For a directory. */
  readonly torch?: TorchEngineOptions & ModelOptions;
  /** For an address. */
  readonly remote?: RemoteEngineOptions;
}

export interface OpenedEngine {
  readonly engine: Engine;
  /** What the model is called where it comes from: its folder, or the server's id. */
  readonly name: string;
}

/**
 * @param source directory, or the address of an OpenAI-compatible server as RemoteEngine.connect takes it
 * @throws ModelError, TokenizerError, InferenceError
 */
export async function openEngine(source: string, { torch, remote }: OpenOptions = {}): Promise<OpenedEngine> {
  if (!isEndpointUrl(source)) {
    const engine = TorchEngine.load(source, torch);
    return { engine, name: path.basename(realpathSync(source)) };
  }
  const engine = await RemoteEngine.connect(source, remote);
  return { engine, name: engine.model };
}
