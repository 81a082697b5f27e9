/**
 * The client class of Yuan 1.0's open API: a prompt is put behind solved examples, each between its prefixes and suffixes, and the answer is
 * cleaned and cut. Query text, defaults and cleaning are the original's.
 *
 * Who answers is given: the original's own protocol (yuan-endpoint.ts), or a model behind the open API (`answerer`).
 */
import type { OpenApi } from './open-api.ts';

/** A solved example. */
export class Example {
  readonly id = globalThis.crypto.randomUUID();
  readonly input: string;
  readonly output: string;

  constructor(input: string, output: string) {
    this.input = input;
    this.output = output;
  }
}

/** How answers are drawn. */
export interface YuanSampling {
  /** 0 to 1; 0.9 when absent. */
  readonly temperature: number;
  /** Most tokens of an answer; 100 when absent. */
  readonly maxTokens: number;
  /** 0 is off; 1 when absent. */
  readonly topK: number;
  /** 0 is off; 0.9 when absent. */
  readonly topP: number;
  /** At most 1 is off; 1.2 when absent. */
  readonly frequencyPenalty: number;
  /** At most 1 is off; 1.2 when absent. Not used while frequencyPenalty is above 1. */
  readonly responsePenalty: number;
  /** Below 1 is off; 2 when absent. */
  readonly noRepeatNgramSize: number;
}

/** What stands around inputs and outputs of a query. */
export interface YuanForm {
  /** Before an input; empty when absent. */
  readonly inputPrefix: string;
  /** Behind it; a line feed when absent. */
  readonly inputSuffix: string;
  /** Before an output; «答:» when absent. */
  readonly outputPrefix: string;
  /** Behind it; two line feeds when absent. */
  readonly outputSuffix: string;
  /** Whether the query ends with the output prefix; not when absent. */
  readonly appendOutputPrefixToQuery: boolean;
}

/** @param stops where the answer may end early: it is cut before the first of them anyway. @returns what comes behind the query */
export type YuanAnswerer = (
  query: string,
  sampling: YuanSampling,
  stops: readonly string[],
  signal?: AbortSignal,
) => Promise<string>;

const SAMPLING: YuanSampling = {
  ...{ temperature: 0.9, maxTokens: 100, topK: 1, topP: 0.9 },
  ...{ frequencyPenalty: 1.2, responsePenalty: 1.2, noRepeatNgramSize: 2 },
};
const FORM: YuanForm = {
  ...{ inputPrefix: '', inputSuffix: '\n', outputPrefix: '答:', outputSuffix: '\n\n' },
  appendOutputPrefixToQuery: false,
};

export class Yuan {
  readonly sampling: YuanSampling;
  readonly form: YuanForm;
  readonly #answer: YuanAnswerer;
  readonly #examples = new Map<string, Example>();

  constructor(answer: YuanAnswerer, options: Partial<YuanSampling & YuanForm> = {}) {
    this.#answer = answer;
    this.sampling = chosen(SAMPLING, options);
    this.form = chosen(FORM, options);
  }

  addExample(example: Example): void {
    this.#examples.set(example.id, example);
  }

  /** @returns whether there was one */
  deleteExample(id: string): boolean {
    return this.#examples.delete(id);
  }

  getExample(id: string): Example | undefined {
    return this.#examples.get(id);
  }

  /** In the order in which they were added. */
  get examples(): readonly Example[] {
    return [...this.#examples.values()];
  }

  /** The examples as they stand before a prompt. */
  get primeText(): string {
    const { inputPrefix, inputSuffix, outputPrefix, outputSuffix } = this.form;
    return this.examples
      .map(({ input, output }) => inputPrefix + input + inputSuffix + outputPrefix + output + outputSuffix)
      .join('');
  }

  /** What is sent for a prompt. */
  craftQuery(prompt: string): string {
    const { inputPrefix, inputSuffix, outputPrefix, appendOutputPrefixToQuery } = this.form;
    return this.primeText + inputPrefix + prompt + inputSuffix + (appendOutputPrefixToQuery ? outputPrefix : '');
  }

  /** @param stops the answer ends before the first of them; the output suffix when absent. @throws EndpointError */
  async submit(
    prompt: string,
    stops: readonly string[] = [this.form.outputSuffix],
    signal?: AbortSignal,
  ): Promise<string> {
    const cuts = stops.filter((stop) => stop !== '');
    return cleanAnswer(await this.#answer(this.craftQuery(prompt), this.sampling, cuts, signal), cuts);
  }
}

/** The marks of Yuan's vocabulary and of its text, and spaces, half and full width. */
const REMOVED = /<unk>|<eod>|[#▃▁▂ \u3000]/g;

/** What the original's client makes of an answer. */
export function cleanAnswer(text: string, stops: readonly string[]): string {
  return stops.reduce((left, stop) => left.split(stop, 1)[0] ?? '', text.replace(REMOVED, ''));
}

/** A model of the open API answers. @param model may be absent where a server has a single one */
export function answerer(api: OpenApi, model?: string): YuanAnswerer {
  return async (query, { maxTokens, topK, topP, noRepeatNgramSize, ...sampling }, stops, signal) => {
    const body = {
      ...{ model, prompt: query, max_tokens: maxTokens, top_k: topK },
      // At OpenAI a top_p of 0 takes the likeliest token; with Yuan it is off.
      top_p: topP === 0 ? 1 : topP,
      ...sampling,
      frequencyPenalty: Math.max(1, sampling.frequencyPenalty),
      responsePenalty: Math.max(1, sampling.responsePenalty),
      noRepeatNgramSize: Math.max(0, noRepeatNgramSize),
      // Cleaning may make a stop of what was none; what it removes cannot be stopped at.
      stop: stops.filter((stop) => stop.search(REMOVED) < 0),
    };
    const { choices } = await api.complete(body, signal);
    return choices[0]?.text ?? '';
  };
}

/** Those of the options that the defaults name, where they are given. */
function chosen<Options extends object>(defaults: Options, given: Partial<Options>): Options {
  const names = Object.keys(defaults) as (keyof Options)[];
  return Object.fromEntries(names.map((name) => [name, given[name] ?? defaults[name]])) as Options;
}
