/** The stages of a generation as its reader meets them: until the engine has begun, until the first part comes, until the last. */
import { type Generation, type GenerationChunk, withChunks } from '@tunan/inference';
import type { RequestTrace, Stage } from './request-trace.ts';

/** @param begun performance.now() when it was submitted */
export function withStages(generation: Generation, trace: RequestTrace, begun: number): Generation {
  let stage: Stage = 'queue';
  let since = begun;
  const next = (following: Stage) => {
    const now = performance.now();
    trace.addStage({ stage, begun: since, ended: now, error: undefined });
    stage = following;
    since = now;
  };
  const accepted = generation.accepted.then(
    () => next('prefill'),
    (error: unknown) => trace.addStage({ stage, begun: since, ended: performance.now(), error: codeOf(error) }),
  );
  async function* chunks(): AsyncGenerator<GenerationChunk, void, void> {
    // A reader who leaves ends it in `finally`.
    let error: string | undefined = 'left';
    let isBegun = false;
    try {
      for await (const chunk of generation) {
        if (!isBegun) {
          isBegun = true;
          await accepted;
          next('decode');
        }
        yield chunk;
      }
      error = undefined;
    } catch (thrown) {
      error = codeOf(thrown);
      throw thrown;
    } finally {
      // What was never accepted has said so above.
      if (stage !== 'queue') trace.addStage({ stage, begun: since, ended: performance.now(), error });
    }
  }
  return withChunks(generation, chunks);
}

/** Messages may name what a caller wrote; codes do not. */
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unexpected';
