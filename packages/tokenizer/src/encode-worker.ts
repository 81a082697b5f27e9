/**
 * The program of one thread of EncodePool: takes the tokenizer's file as `workerData`, then answers each request in
 * order. Anything thrown ends the thread and so reaches the pool.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Tokenizer } from './tokenizer.ts';
import type { TokenizerFile } from './tokenizer-file.ts';

export interface EncodeRequest {
  texts: string[];
  specials: boolean;
}

export interface EncodeReply {
  /** Ids of all texts, one after the other. */
  ids: Uint32Array<ArrayBuffer>;
  /** Number of ids of each text. */
  lengths: Uint32Array<ArrayBuffer>;
}

if (isMainThread || !parentPort) throw new Error('encode-worker is started by EncodePool');

const port = parentPort;
const tokenizer = Tokenizer.fromFile(workerData as TokenizerFile);

port.on('message', ({ texts, specials }: EncodeRequest) => {
  const encoded = texts.map((text) => tokenizer.encode(text, { specials }));
  const lengths = Uint32Array.from(encoded, (ids) => ids.length);
  const ids = new Uint32Array(lengths.reduce((sum, length) => sum + length, 0));
  let start = 0;
  for (const part of encoded) {
    ids.set(part, start);
    start += part.length;
  }
  port.postMessage({ ids, lengths } satisfies EncodeReply, [ids.buffer, lengths.buffer]);
});
