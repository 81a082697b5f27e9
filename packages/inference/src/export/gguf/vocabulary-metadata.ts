/**
 * The vocabulary as the metadata that llama.cpp reads (llama-vocab.cpp, vocabulary of kind "gpt2"): tokens and their types, merges, the
 * name of the split, and which tokens begin and end a text. A tokenizer whose ids llama.cpp would not reproduce is refused where that is
 * known of every text, and noted where it is known of some texts.
 */
import type { Said } from '@tunan/files';
import type { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import { unfit } from '../errors.ts';
import { bool, int32s, type MetadataValue, string, strings, uint32 } from './metadata.ts';

type Entries = [key: string, value: MetadataValue][];

/** llama.h, enum llama_token_type. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface VocabularyMetadata {
  readonly entries: Entries;
  /** Texts whose ids llama.cpp makes otherwise, for people to know. */
  readonly notes: readonly Said[];
}

/** What of a tokenizer.json is read here; Tokenizer has checked it. */
interface Content {
  readonly normalizer?: unknown;
  readonly added_tokens?: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly [string, string])[];
    readonly ignore_merges?: boolean;
  };
}

/** The last tokens of a vocabulary that llama.cpp takes as the end of an answer by their text, whatever their type. */
const LOOKS_LIKE_END =
  /^(<\|(eot_id|im_end|end|return|call|calls|flush|endoftext|eom_id|end_of_text|fim_pad|fim_repo|file_sep)\|>|<end_of_turn>|<\/s>|_?<EOT>|\[EO[TS]\]|<end_of_utterance>|<eos>|<turn\|>|<\|tool_response>|<｜end▁of▁sentence｜>|\[e~\[)$/;

/**
 * @param rows of the embedding: the tokens, and padding behind them
 * @throws ExportError EXPORT_UNFIT
 */
export function vocabularyMetadata(
  tokenizer: Tokenizer,
  template: ChatTemplate | undefined,
  rows: number,
): VocabularyMetadata {
  const content = tokenizer.file as unknown as Content;
  const { tokens, types } = tokenList(content, tokenizer.vocabularySize, rows);
  const [begin, end, ...otherEnds] = [tokenizer.bod, ...tokenizer.ends];
  const around = surroundings(tokenizer);
  return {
    entries: [
      ['tokenizer.ggml.model', string('gpt2')],
      ['tokenizer.ggml.pre', string(preTokenizerName(tokenizer, content))],
      ['tokenizer.ggml.tokens', strings(tokens)],
      ['tokenizer.ggml.token_type', int32s(types)],
      ['tokenizer.ggml.merges', strings(content.model.merges.map(mergeText))],
      ['tokenizer.ggml.bos_token_id', uint32(begin)],
      ['tokenizer.ggml.eos_token_id', uint32(end ?? begin)],
      ...otherEnds.slice(0, 1).map((id): Entries[number] => ['tokenizer.ggml.eot_token_id', uint32(id)]),
      ['tokenizer.ggml.add_bos_token', bool(around.begins)],
      ['tokenizer.ggml.add_eos_token', bool(around.ends)],
      ...(template === undefined ? [] : [['tokenizer.chat_template', string(template.source)] as Entries[number]]),
    ],
    notes: notesOn(content, tokens, types),
  };
}

/** The text of every row of the embedding and its type. */
function tokenList(
  { model, added_tokens: added = [] }: Content,
  size: number,
  rows: number,
): { readonly tokens: string[]; readonly types: number[] } {
  if (size > rows) {
    throw unfit(
      `tokenizer.json has ${size} tokens, config.json room for ${rows}: they belong to different models`,
      `tokenizer.json 有 ${size} 个词元，而 config.json 只容 ${rows} 个：两者不属于同一模型`,
    );
  }
  const texts = new Map<number, string>();
  for (const [text, id] of Object.entries(model.vocab)) texts.set(id, text);
  for (const { id, content } of added) texts.set(id, content);
  const special = new Map(added.map((token) => [token.id, token.special]));
  // llama.cpp aborts where two tokens have one text.
  const taken = new Set(texts.values());
  if (taken.size < texts.size) {
    throw unfit(
      'two tokens of tokenizer.json have the same text, which llama.cpp does not read: use --format hf',
      'tokenizer.json 中有两个词元文本相同，llama.cpp 无法读取：请用 --format hf',
    );
  }
  const padding = (id: number): string => {
    for (let name = `[PAD${id}]`; ; name = `[${name}]`) if (!taken.has(name)) return name;
  };
  const tokens = Array.from({ length: rows }, (_, id) => texts.get(id) ?? padding(id));
  const types = tokens.map((_, id) => {
    if (!texts.has(id)) return tokenTypes.unused;
    const isSpecial = special.get(id);
    if (isSpecial === undefined) return tokenTypes.normal;
    return isSpecial ? tokenTypes.control : tokenTypes.userDefined;
  });
  return { tokens, types };
}

function mergeText(merge: string | readonly [string, string]): string {
  return typeof merge === 'string' ? merge : merge.join(' ');
}

/**
 * Of the splits that llama.cpp knows by name the one of this tokenizer. With Llama 3's goes that a word which is a token is that token
 * whatever the merges say; the same split without it is called "smaug-bpe".
 */
function preTokenizerName({ preTokenizer: name }: Tokenizer, { model }: Content): string {
  const whole = model.ignore_merges === true;
  if (name === undefined) {
    throw unfit(
      'llama.cpp has no name for the split of this tokenizer, so that its ids would differ: use --format hf',
      'llama.cpp 中没有与此分词器的预切分相同的名称，编号会不同：请用 --format hf',
    );
  }
  if (name === 'llama-bpe') return whole ? 'llama-bpe' : 'smaug-bpe';
  if (!whole) return name;
  throw unfit(
    `ignore_merges with the split ${name} is nothing that llama.cpp knows, so that its ids would differ: use --format hf`,
    `llama.cpp 不支持预切分 ${name} 与 ignore_merges 并用，编号会不同：请用 --format hf`,
  );
}

/** What stands around every text; one token on either side is what llama.cpp can say. */
function surroundings(tokenizer: Tokenizer): { readonly begins: boolean; readonly ends: boolean } {
  const around = [...tokenizer.encode('')];
  const begins = tokenizer.beginsEveryText;
  const ends = around.length > (begins ? 1 : 0);
  const told = [...(begins ? [tokenizer.bod] : []), ...(ends ? [[...tokenizer.ends][0]] : [])];
  if (around.join() === told.join()) return { begins, ends };
  throw unfit(
    `the tokenizer puts the tokens ${around.join(', ')} around every text; llama.cpp can put one that begins a text and one that ends it: use --format hf`,
    `此分词器在每篇文本两侧加入词元 ${around.join('、')}；llama.cpp 只能各加一个开头与结尾词元：请用 --format hf`,
  );
}

function notesOn(
  { normalizer, added_tokens: added = [] }: Content,
  tokens: readonly string[],
  types: readonly number[],
): Said[] {
  const notes: Said[] = [];
  if (normalizer != null) {
    notes.push({
      en: 'llama.cpp does not normalise text: characters that the normalizer of tokenizer.json would change get other ids there',
      zh: 'llama.cpp 不做文本规范化：tokenizer.json 的规范化器会改动的字符，在那里编号不同',
    });
  }
  const overlap = overlapping(added.map(({ content }) => content));
  if (overlap !== undefined) {
    notes.push({
      en: `${overlap.join(' and ')} may overlap in a text: llama.cpp then takes the longer token, this tokenizer the one that begins first`,
      zh: `${overlap.join(' 与 ')} 在文本中可能重叠：llama.cpp 取较长的词元，此分词器取先开始的`,
    });
  }
  const looks = tokens.filter((text, id) => types[id] === tokenTypes.normal && LOOKS_LIKE_END.test(text));
  if (looks.length > 0) {
    notes.push({
      en: `llama.cpp ends an answer at ${looks.join(' ')}, which here is a piece of text like others`,
      zh: `llama.cpp 遇到 ${looks.join(' ')} 会结束回答，而它在此词表中是普通文本`,
    });
  }
  return notes;
}

/** The first two of which one can begin inside the other and end behind it. */
function overlapping(texts: readonly string[]): readonly [string, string] | undefined {
  for (const first of texts) {
    for (const second of texts) {
      if (first === second) continue;
      for (let length = 1; length < Math.min(first.length, second.length); length++)
        if (first.endsWith(second.slice(0, length)) && isMixed(first + second)) return [first, second];
    }
  }
  return undefined;
}

/** Runs of one character, such as blanks, come out alike whichever is taken first. */
function isMixed(text: string): boolean {
  return new Set(text).size > 1;
}
