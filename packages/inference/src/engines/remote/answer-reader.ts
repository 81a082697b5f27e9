/**
 * The parts of an answer that another server streams, written into a generation.
 *
 * Texts are passed on as they come: that server cuts them at stop strings. Where a token begins is counted anew, in UTF-16 units,
 * unless the server is one of ours: others count code points, or tokens as they are written.
 */
import type { Endpoint, ServedChatPart, ServedChoice, ServedLogprobs, ServedPart } from '@tunan/protocol/client';
import type { FinishReason, GenerationWriter, TokenReport } from '../../generation.ts';
import type { CheckedRequest } from '../../request.ts';

/** What has come of one sequence. */
interface Progress {
  /** UTF-16 units of its text, and of its tokens as they are written. */
  text: number;
  written: number;
  finished: boolean;
}

export class AnswerReader {
  readonly #endpoint: Endpoint;
  readonly #request: CheckedRequest;
  readonly #generation: GenerationWriter;
  readonly #trustsOffsets: boolean;
  readonly #sequences: readonly Progress[];
  #begun = false;

  constructor(endpoint: Endpoint, request: CheckedRequest, generation: GenerationWriter, trustsOffsets: boolean) {
    this.#endpoint = endpoint;
    this.#request = request;
    this.#generation = generation;
    this.#trustsOffsets = trustsOffsets;
    const count = sequencesOf(request);
    this.#sequences = Array.from({ length: count }, () => ({ text: 0, written: 0, finished: false }));
  }

  /** Whether a reader has something of the answer. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whether every sequence has its end. */
  get isWhole(): boolean {
    return this.#sequences.every(({ finished }) => finished);
  }

  /** @throws EndpointError for what does not belong into an answer to this request */
  take({ choices = [], usage }: ServedPart): void {
    for (const choice of choices) this.#takeChoice(choice);
    if (usage == null) return;
    this.#generation.note({
      promptTokens: usage.prompt_tokens,
      cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? undefined,
      completionTokens: usage.completion_tokens,
    });
  }

  /** The server has said all. @throws EndpointError when something is missing */
  end(): void {
    if (this.isWhole) return;
    throw this.#endpoint.malformed({ en: 'an answer without its end', zh: '没有结尾的回答' });
  }

  #takeChoice({ index = 0, text, logprobs, finish_reason }: ServedChoice): void {
    const sequence = this.#sequences[index];
    if (sequence === undefined) {
      const most = this.#sequences.length;
      throw this.#endpoint.malformed({ en: `choice ${index} of ${most}`, zh: `${most} 个结果中的第 ${index} 个` });
    }
    if (sequence.finished) return;
    const isPrompt = this.#request.echo && sequence.text === 0;
    sequence.text += text.length;
    const tokens = this.#reports(logprobs, text, sequence);
    const finishReason = this.#reasonOf(finish_reason);
    sequence.finished = finishReason !== undefined;
    // A part has one token at least; how many there were in all is said at the end.
    if (text !== '' && !isPrompt) this.#generation.countToken();
    if (text === '' && tokens.length === 0 && finishReason === undefined) return;
    this.#begun = true;
    this.#generation.push({ index, text, tokens, finishReason });
  }

  #reports(logprobs: ServedChoice['logprobs'], added: string, sequence: Progress): TokenReport[] {
    const count = this.#request.logprobs;
    if (count === undefined) return [];
    if (logprobs == null) {
      if (added === '') return [];
      throw this.#endpoint.malformed({ en: 'a text without logprobs', zh: '没有 logprobs 的文本' });
    }
    return logprobs.tokens.map((text, place) => {
      const offset = this.#trustsOffsets ? logprobs.text_offset?.[place] : undefined;
      const report = {
        id: undefined,
        text,
        offset: offset ?? Math.min(sequence.written, sequence.text),
        logprob: logprobs.token_logprobs[place] ?? undefined,
        rank: undefined,
        alternatives: alternativesOf(logprobs, place, count),
      };
      sequence.written += text.length;
      return report;
    });
  }

  #reasonOf(given: string | null | undefined): FinishReason | undefined {
    if (given == null) return undefined;
    if (given === 'stop' || given === 'length' || given === 'content_filter') return given;
    throw this.#endpoint.malformed({ en: `the end ${given}`, zh: `结束原因 ${given}` });
  }
}

/** How many answers a request asks for: a conversation is one prompt. */
export function sequencesOf({ prompts, messages, choices }: CheckedRequest): number {
  return (messages === undefined ? prompts.length : 1) * choices;
}

/** A part of a chat answer in the form of a completion's. */
export function completionPart({ choices, ...rest }: ServedChatPart): ServedPart {
  return {
    ...rest,
    choices: choices?.map(({ delta, logprobs, ...choice }) => ({
      ...choice,
      text: delta.content ?? '',
      logprobs: logprobs?.content && {
        tokens: logprobs.content.map(({ token }) => token),
        token_logprobs: logprobs.content.map(({ logprob }) => logprob),
        top_logprobs: logprobs.content.map(({ top_logprobs: others }) =>
          Object.fromEntries((others ?? []).map(({ token, logprob }) => [token, logprob])),
        ),
      },
    })),
  };
}

/** The likeliest tokens; the one that was taken stands among them even where it is none of these. */
function alternativesOf({ tokens, top_logprobs }: ServedLogprobs, place: number, count: number) {
  const all = Object.entries(top_logprobs?.[place] ?? {}).map(([text, logprob]) => ({ id: undefined, text, logprob }));
  return all.length > count ? all.filter(({ text }) => text !== tokens[place]) : all;
}
