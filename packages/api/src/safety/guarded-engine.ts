/** An engine whose prompts and answers are looked over, and whose texts end with the notice of generated content where that is wanted. */
import { type Generation, type GenerationChunk, type GenerationRequest, withChunks } from '@tunan/inference';
import type { Submitter } from '../quotas/metered-engine.ts';
import { type ContentMark, NOTICE } from './content-mark.ts';
import type { Examined, Safety } from './safety.ts';

export interface Guard {
  readonly safety: Safety | undefined;
  readonly mark: ContentMark | undefined;
  readonly of: Examined;
}

/** Prompts that are token ids are taken as they are: what became of messages was looked over before. */
export function guardedEngine(engine: Submitter, { safety, mark, of }: Guard): Submitter {
  if (safety === undefined && mark?.notice !== true) return engine;
  return {
    submit: (request, signal) => {
      const prompts = request.prompts.map((prompt) =>
        typeof prompt === 'string' && safety !== undefined ? safety.checkText(prompt, of, 'prompt') : prompt,
      );
      const generation = engine.submit({ ...request, prompts }, signal);
      const checked = safety?.checkOutput(generation, sequencesOf(request), of) ?? generation;
      return mark?.notice === true && takesNotice(request) ? withNotice(checked) : checked;
    },
  };
}

const sequencesOf = ({ prompts, messages, choices = 1 }: GenerationRequest): number =>
  (messages === undefined ? prompts.length : 1) * choices;

/** A text that has to be JSON, or to match a pattern, would not any more; one that is only a prompt was not generated. */
const takesNotice = ({ constraint, maxTokens }: GenerationRequest): boolean =>
  constraint === undefined && maxTokens !== 0;

function withNotice(generation: Generation): Generation {
  async function* chunks(): AsyncGenerator<GenerationChunk, void, void> {
    for await (const chunk of generation) {
      yield chunk.finishReason === undefined ? chunk : { ...chunk, text: chunk.text + NOTICE };
    }
  }
  return withChunks(generation, chunks);
}
