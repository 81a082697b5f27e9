/**
 * OpenAI's best_of: more answers are made than are wanted, and those with the highest log-probability per token are given.
 *
 * The mean is over the tokens of the answer, before temperature, penalties and bias, and counts what ended the text; of equal ones the
 * earlier is better. Of a prompt the best answer stands first. Nothing can be shown before all candidates have ended.
 */
import type { Engine } from './engine.ts';
import { collect, type GeneratedSequence } from './generate.ts';
import { type Generation, type GenerationChunk, withChunks } from './generation.ts';
import type { GenerationRequest } from './request.ts';

/**
 * @param candidates made for each prompt; `request.choices` of them are given
 * @returns one chunk for each answer; its usage counts the tokens of all candidates
 * @throws InferenceError as `submit` does
 */
export function submitBestOf(
  engine: Pick<Engine, 'submit'>,
  request: GenerationRequest,
  candidates: number,
  signal?: AbortSignal,
): Generation {
  const { logprobs, echo = false, choices = 1 } = request;
  const asked = { ...request, choices: candidates, logprobs: logprobs ?? 0, echo: false };
  const generation = engine.submit(asked, signal);

  async function* best(): AsyncGenerator<GenerationChunk, void, void> {
    const { sequences } = await collect(generation);
    const prompts = echo ? await promptsOf(engine, request, signal) : undefined;
    for (let place = 0; place < request.prompts.length; place++) {
      const made = sequences.slice(place * candidates, (place + 1) * candidates);
      const prompt = prompts?.[place];
      for (const [rank, { text, tokens, ...rest }] of bestFirst(made).slice(0, choices).entries()) {
        const start = prompt?.text ?? '';
        const own = tokens.map((token) => ({ ...token, offset: token.offset + start.length }));
        yield {
          ...rest,
          index: place * choices + rank,
          text: start + text,
          tokens: logprobs === undefined ? [] : [...(prompt?.tokens ?? []), ...own],
        };
      }
    }
  }

  return withChunks(generation, best);
}

/** What echo puts in front, once for each prompt. */
async function promptsOf(
  engine: Pick<Engine, 'submit'>,
  request: GenerationRequest,
  signal: AbortSignal | undefined,
): Promise<readonly GeneratedSequence[]> {
  const { prompts, logprobs, beginDocument = false } = request;
  const asked = { prompts, logprobs, beginDocument, echo: true, maxTokens: 0 };
  return (await collect(engine.submit(asked, signal))).sequences;
}

function bestFirst(sequences: readonly GeneratedSequence[]): GeneratedSequence[] {
  const means = new Map(sequences.map((sequence) => [sequence, meanLogprob(sequence)]));
  return sequences.toSorted((a, b) => Number(means.get(b)! > means.get(a)!) - Number(means.get(b)! < means.get(a)!));
}

function meanLogprob({ tokens }: GeneratedSequence): number {
  if (tokens.length === 0) return Number.NEGATIVE_INFINITY;
  return tokens.reduce((sum, { logprob }) => sum + (logprob ?? Number.NEGATIVE_INFINITY), 0) / tokens.length;
}
