/** Work that reads tokens and writes none, held to limits and counted as generation is: reserved before it runs, settled when it ends. */
import { InferenceError } from '@tunan/inference';
import type { Ledger } from './ledger.ts';
import type { Subjects } from './limits.ts';
import type { Allowance } from './refusal.ts';

export interface MeteredWork extends Subjects {
  readonly ledger: Ledger;
  readonly model: string;
  /** The id of the request, and its route. */
  readonly request: string;
  readonly route: string;
  readonly promptTokens: number;
  /** Told once, before anything runs. */
  readonly onAllowance: (allowance: Allowance) => void;
}

/** @throws QuotaError, StorageError; what the work throws */
export async function metered<T>({ ledger, onAllowance, ...asked }: MeteredWork, work: () => Promise<T>): Promise<T> {
  const { id, allowance } = await ledger.reserve({ ...asked, completionTokens: 0 });
  onAllowance(allowance);
  const spent = { promptTokens: asked.promptTokens, completionTokens: 0 };
  let result: T;
  try {
    result = await work();
  } catch (error) {
    const left = error instanceof InferenceError && error.code === 'INFERENCE_ABORTED';
    await ledger.settle(id, { ...spent, outcome: left ? 'left' : 'failed' });
    throw error;
  }
  // An answer that could not be written down is not seen.
  await ledger.finish(id, spent);
  return result;
}
