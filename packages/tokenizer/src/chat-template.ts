/**
 * Conversations as a model has learnt to read them: the Jinja template of a model directory, chat_template.jinja or the chat_template of
 * tokenizer_config.json, as transformers renders it.
 *
 * What people write is data: a special token that stands in a message is encoded as the characters it consists of, so that nobody can end
 * their own turn or speak for another. Messages are texts; tools and pictures are not rendered.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Template } from '@huggingface/jinja';
import { TokenizerError } from './errors.ts';
import { readJsonBeside } from './json-file.ts';
import type { EncodeOptions, Tokenizer } from './tokenizer.ts';

export interface ChatMessage {
  /** `system`, `user`, `assistant`, or what else the template knows. */
  readonly role: string;
  readonly content: string;
}

/** A whole conversation in ids, and where in it the model speaks. */
export interface Conversation {
  readonly ids: readonly number[];
  /** Of each message of the role `assistant`, what follows the text that asks for it; `end` is not part of it. */
  readonly answers: readonly { readonly start: number; readonly end: number }[];
}

/** What turns the text of a conversation into ids. */
export interface TemplateCoder {
  /** As they stand in a text that is encoded with specials. */
  readonly specialTexts: readonly string[];
  encode(text: string, options?: EncodeOptions): Uint32Array;
}

const FILE = 'chat_template.jinja';
const CONFIG = 'tokenizer_config.json';

export class ChatTemplate {
  /** The text of the template, in Jinja. */
  readonly source: string;
  readonly #template: Template;
  readonly #place: string;
  readonly #tokens: Readonly<Record<string, string>>;
  readonly #tokenizer: TemplateCoder;

  private constructor(
    source: string,
    place: string,
    tokens: Readonly<Record<string, string>>,
    tokenizer: TemplateCoder,
  ) {
    this.source = source;
    this.#place = place;
    this.#tokens = tokens;
    this.#tokenizer = tokenizer;
    this.#template = this.#guarded(() => new Template(source));
  }

  /**
   * That of a model directory; undefined where it has none.
   * @param tokenizer of the same directory
   * @param instead file of a template that takes the place of the directory's, with the special tokens of the directory
   * @throws TokenizerError TOKENIZER_CHAT_TEMPLATE where it is no template
   */
  static load(directory: string, tokenizer: Tokenizer, instead?: string): ChatTemplate | undefined {
    const config = readJsonBeside(directory, CONFIG) ?? {};
    const tokens = Object.fromEntries(
      Object.entries(config).flatMap(([name, token]) => {
        const text = typeof token === 'object' && token !== null && 'content' in token ? token.content : token;
        return name.endsWith('_token') && typeof text === 'string' ? [[name, text]] : [];
      }),
    );
    const file = instead ?? path.join(directory, FILE);
    if (existsSync(file)) return new ChatTemplate(readFileSync(file, 'utf8'), file, tokens, tokenizer);
    const source = defaultOf(config.chat_template);
    return source === undefined ? undefined : new ChatTemplate(source, path.join(directory, CONFIG), tokens, tokenizer);
  }

  /**
   * One that stands elsewhere than in a model directory.
   * @param place what to call it in errors
   * @param tokens that it can name: `bos_token`, `eos_token` …
   * @throws TokenizerError TOKENIZER_CHAT_TEMPLATE where it is no template
   */
  static of(
    source: string,
    place: string,
    tokens: Readonly<Record<string, string>>,
    coder: TemplateCoder,
  ): ChatTemplate {
    return new ChatTemplate(source, place, tokens, coder);
  }

  /**
   * The text of a conversation, up to where the model's turn begins.
   * @throws TokenizerError TOKENIZER_CHAT_TEMPLATE where the template does not take these messages
   */
  render(messages: readonly ChatMessage[]): string {
    return this.#render(messages, true);
  }

  #render(messages: readonly ChatMessage[], asks: boolean): string {
    const values = { ...this.#tokens, messages, tools: null, documents: null, add_generation_prompt: asks };
    return this.#guarded(() => this.#template.render(values));
  }

  /** Its ids. @throws TokenizerError as `render` */
  encode(messages: readonly ChatMessage[]): number[] {
    const { marked, idsOf } = this.#marked(messages);
    return idsOf(this.render(marked));
  }

  /**
   * A whole conversation, to learn from: the ids in front of an answer are those of the prompt that asks for it. Templates that show
   * earlier answers otherwise than the last one (some leave thoughts out) give the last one alone.
   * @param messages the last one by `assistant`
   * @throws TokenizerError as `render`, and where the template does not put an answer behind what asks for it
   */
  encodeConversation(messages: readonly ChatMessage[]): Conversation {
    const { marked, idsOf } = this.#marked(messages);
    const whole = this.#render(marked, false);
    const ids: number[] = [];
    const answers: { start: number; end: number }[] = [];
    let done = 0;
    const take = (end: number) => {
      ids.push(...idsOf(whole.slice(done, end)));
      done = end;
      return ids.length;
    };
    for (const [index, { role }] of marked.entries()) {
      if (role !== 'assistant') continue;
      const asking = this.#render(marked.slice(0, index), true);
      const answered = index === marked.length - 1 ? whole : this.#render(marked.slice(0, index + 1), false);
      if (asking.length < done || !answered.startsWith(asking) || !whole.startsWith(answered)) continue;
      const start = take(asking.length);
      answers.push({ start, end: take(answered.length) });
    }
    if (done === whole.length && answers.length > 0) return { ids, answers };
    throw new TokenizerError('TOKENIZER_CHAT_TEMPLATE', {
      en: `${this.#place}: the chat template does not put the last answer behind the prompt that asks for it`,
      zh: `${this.#place}：对话模板没有把最后的回答放在提问的提示之后`,
    });
  }

  /** Messages in which special tokens are broken by a mark, and the ids of a text that was rendered of them. */
  #marked(messages: readonly ChatMessage[]): { marked: ChatMessage[]; idsOf: (text: string) => number[] } {
    const mark = this.#unusedCharacter(messages);
    const specials = this.#tokenizer.specialTexts;
    const asText = (content: string) =>
      specials.reduce((text, special) => text.replaceAll(special, special[0]! + mark + special.slice(1)), content);
    const idsOf = (text: string) =>
      text.split(mark).flatMap((piece) => [...this.#tokenizer.encode(piece, { surroundings: false })]);
    return { marked: messages.map((message) => ({ ...message, content: asText(message.content) })), idsOf };
  }

  /** Of the private use area; what stands nowhere can be put in and found again. */
  #unusedCharacter(messages: readonly ChatMessage[]): string {
    const text = this.source + messages.map(({ content }) => content).join('');
    for (let code = 0xe000; code < 0xf8ff; code++) {
      const character = String.fromCharCode(code);
      if (!text.includes(character)) return character;
    }
    throw new Error('the messages have every character of the private use area');
  }

  #guarded<T>(body: () => T): T {
    try {
      return body();
    } catch (cause) {
      const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
      const message = {
        en: `${this.#place}: the chat template does not take these messages: ${reason}`,
        zh: `${this.#place}：对话模板不接受这些消息：${reason}`,
      };
      throw new TokenizerError('TOKENIZER_CHAT_TEMPLATE', message, { cause });
    }
  }
}

/** One template, or several with a name. */
function defaultOf(given: unknown): string | undefined {
  if (typeof given === 'string') return given;
  const list = Array.isArray(given) ? (given as { name?: unknown; template?: unknown }[]) : [];
  const { template } = list.find(({ name }) => name === 'default') ?? {};
  return typeof template === 'string' ? template : undefined;
}
