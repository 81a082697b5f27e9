/** A model directory, or the addresses of servers, becomes an engine. */
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
  /** For addresses. */
  readonly remote?: RemoteEngineOptions;
}

export interface OpenedEngine {
  readonly engine: Engine;
  /** What the model is called where it comes from: its folder, or the server's id. */
  readonly name: string;
}

/**
 * @param source directory, or the address of an OpenAI-compatible server as RemoteEngine.connect takes it; several with commas between
 * @throws ModelError, TokenizerError, InferenceError
 */
export async function openEngine(source: string, { torch, remote }: OpenOptions = {}): Promise<OpenedEngine> {
  if (!addressesOf(source).every(isEndpointUrl)) {
    const engine = TorchEngine.load(source, torch);
    return { engine, name: path.basename(realpathSync(source)) };
  }
  const engine = await RemoteEngine.connect(addressesOf(source), remote);
  return { engine, name: engine.model };
}

/** The addresses in `http://a/v1,http://b/v1`. */
export const addressesOf = (source: string): string[] => source.split(/,(?=https?:\/\/)/i);
