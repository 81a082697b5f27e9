/**
 * Text ↔ ids of a trained vocabulary. The ids are those of Hugging Face tokenizers for the same tokenizer.json.
 *
 * Lone surrogates, which no UTF-8 file can hold, are taken as U+FFFD. Every well-formed string comes back unchanged from
 * `decode(encode(text))`, unless the file asks for normalisation or for tokens around a text; ours do not.
 */
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { DecodeStream } from './decode-stream.ts';
import { NO_HINTS, readTextHints, type TextHints, type TokenHints, WELL_KNOWN_ENDS } from './end-tokens.ts';
import { TokenizerError } from './errors.ts';
import { readTokenizerJson } from './json-file.ts';
import { type ListedVocabulary, listedVocabularyFile } from './listed-vocabulary.ts';
import { MergeTable } from './merge-table.ts';
import type { Normalize } from './normalizer.ts';
import type { PreTokenizerName } from './pre-tokenizers.ts';
import { type AddedToken, readTokenizerFile, type Vocabulary } from './read-tokenizer-file.ts';
import { formatTokenizerFile, type TokenizerFile } from './tokenizer-file.ts';
import { WordEncoder } from './word-encoder.ts';

export interface EncodeOptions {
  /**
   * Whether special tokens come out: those whose literal text, such as "<eod>", stands in the text, and those that the
   * file puts around every text (Llama 3's begin). True is Hugging Face's way and the default. False gives the text alone,
   * a literal "<eod>" as its characters: for text that others wrote, and for pieces of a text.
   */
  specials?: boolean;
  /** Whether those come out that the file puts around every text; as `specials` when absent. A conversation has its own. */
  surroundings?: boolean;
}

export interface DecodeOptions {
  /** Leaves special tokens out. Default false. */
  skipSpecials?: boolean;
}

/** The texts of added tokens, and their ids. */
interface LiteralFinder {
  readonly expression: RegExp;
  readonly ids: ReadonlyMap<string, number>;
}

export class Tokenizer {
  readonly #file: TokenizerFile;
  readonly #vocabulary: Vocabulary;
  readonly #encoder: WordEncoder;
  readonly #addedById: Map<number, AddedToken>;
  readonly #finders: Record<
    'all' | 'plain',
    readonly [raw: LiteralFinder | undefined, normalized: LiteralFinder | undefined]
  >;
  readonly #hints: TextHints;

  private constructor(content: unknown, name: string, hints: TextHints) {
    this.#vocabulary = readTokenizerFile(content, name);
    this.#file = content as TokenizerFile;
    this.#hints = hints;
    const { merges, tokenBytes, idOfByte, addedTokens, normalize } = this.#vocabulary;
    const whole = this.#vocabulary.ignoreMerges ? wholeWords(this.#vocabulary) : undefined;
    this.#encoder = new WordEncoder(new MergeTable(merges, tokenBytes.length), idOfByte, whole);
    this.#addedById = new Map(addedTokens.map((token) => [token.id, token]));
    const plain = addedTokens.filter(({ special }) => !special);
    this.#finders = { all: findersOf(addedTokens, normalize), plain: findersOf(plain, normalize) };
  }

  /**
   * Reads a tokenizer.json, or that of a model directory. Which token ends a text is told by the files beside it.
   * @throws TokenizerError that names the file
   */
  static load(given: string): Tokenizer {
    const { content, file } = readTokenizerJson(given);
    return new Tokenizer(content, file, readTextHints(path.dirname(file)));
  }

  /** From the content of a tokenizer.json, such as `trainBpe` returns. */
  static fromFile(content: TokenizerFile): Tokenizer {
    return new Tokenizer(content, 'tokenizer.json', NO_HINTS);
  }

  /**
   * From the lists of a GGUF; undefined where their split is none that is known here.
   * @param ends ids of the tokens that end a text, the one between documents first
   * @throws TokenizerError that calls it `name`
   */
  static fromList(vocabulary: ListedVocabulary, ends: readonly number[], name: string): Tokenizer | undefined {
    const content = listedVocabularyFile(vocabulary);
    if (content === undefined) return undefined;
    const begins = vocabulary.begin === undefined ? [] : [vocabulary.begin];
    return new Tokenizer(content, name, { ends: { names: [], ids: ends }, begins: { names: [], ids: begins } });
  }

  /** Ids from 0 to this, less one. */
  get vocabularySize(): number {
    return this.#vocabulary.tokenBytes.length;
  }

  /** llama.cpp's name of the split (`tokenizer.ggml.pre` of GGUF), undefined where it has none. */
  get preTokenizer(): PreTokenizerName | undefined {
    return this.#vocabulary.preTokenizer.name;
  }

  /** The content of tokenizer.json. */
  get file(): TokenizerFile {
    return this.#file;
  }

  /** The token between documents: it begins one and ends one. @throws TokenizerError where there is none */
  get eod(): number {
    const [first] = this.ends;
    if (first !== undefined) return first;
    throw new TokenizerError('TOKENIZER_UNKNOWN_TOKEN', {
      en: 'no token of the vocabulary ends a text: name one as eos_token in a tokenizer_config.json beside tokenizer.json, or train with the special "<eod>"',
      zh: '词表中没有结束文本的词元：请在 tokenizer.json 旁的 tokenizer_config.json 里以 eos_token 指明，或训练时带上特殊词元 "<eod>"',
    });
  }

  /** The tokens that end a text, the one between documents first. Empty where none is known. */
  get ends(): ReadonlySet<number> {
    const told = this.#told(this.#hints.ends);
    if (told.length > 0) return new Set(told);
    const known = WELL_KNOWN_ENDS.map((name) => this.#find(name)).find((id) => id !== undefined && this.isSpecial(id));
    return new Set(known === undefined ? [] : [known]);
  }

  /**
   * The token that begins a document: what the file puts before every text, or what the files beside it name, such as Llama 3's
   * `<|begin_of_text|>`; where they are silent `eod`. @throws TokenizerError as `eod`
   */
  get bod(): number {
    return this.#vocabulary.surroundings.before[0] ?? this.#told(this.#hints.begins)[0] ?? this.eod;
  }

  /** Whether the file puts that token before every text, so that a prompt without it is nothing that the model has seen. */
  get beginsEveryText(): boolean {
    return this.#vocabulary.surroundings.before.length > 0;
  }

  #told({ names, ids }: TokenHints): number[] {
    const named = names.map((name) => this.#find(name)).filter((id) => id !== undefined);
    // Configs of small vocabularies often keep GPT-2's 50256: an id that is no special token ends and begins nothing.
    return [...named, ...ids.filter((id) => this.isSpecial(id))];
  }

  /** Id of a token by its text in the file, such as `<pad>`. */
  tokenId(name: string): number {
    const id = this.#find(name);
    if (id === undefined) {
      throw new TokenizerError('TOKENIZER_UNKNOWN_TOKEN', {
        en: `the vocabulary has no token ${JSON.stringify(name)}: train it with this special, or use another tokenizer`,
        zh: `词表中没有词元 ${JSON.stringify(name)}：训练时请带上它，或换一个分词器`,
      });
    }
    return id;
  }

  #find(name: string): number | undefined {
    return (
      this.#vocabulary.addedTokens.find(({ content }) => content === name)?.id ?? this.#vocabulary.idOfToken.get(name)
    );
  }

  /** Whether the vocabulary has a token of this id. */
  hasToken(id: number): boolean {
    return this.#vocabulary.tokenBytes[id] !== undefined;
  }

  /** As they stand in a text that is encoded with specials. */
  get specialTexts(): string[] {
    return this.#vocabulary.addedTokens.filter(({ special }) => special).map(({ content }) => content);
  }

  /** Whether an id is a special token. */
  isSpecial(id: number): boolean {
    return this.#addedById.get(id)?.special === true;
  }

  /** Bytes of a token; of a special token, of its name. */
  tokenBytes(id: number): Uint8Array {
    const bytes = this.#vocabulary.tokenBytes[id];
    if (!bytes) {
      throw new TokenizerError('TOKENIZER_UNKNOWN_TOKEN', {
        en: `${id} is no token of this vocabulary of ${this.vocabularySize}: use the tokenizer that made the ids`,
        zh: `${id} 不在这个有 ${this.vocabularySize} 个词元的词表中：请用当初编码所用的分词器`,
      });
    }
    return bytes;
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    const { specials = true } = options;
    const { surroundings: surrounded = specials } = options;
    const [raw, normalized] = this.#finders[specials ? 'all' : 'plain'];
    const { normalize, surroundings } = this.#vocabulary;
    if (surrounded) for (const id of surroundings.before) this.#encoder.addId(id);
    // Added tokens are looked for in the text as it is, the normalized ones in what the normalizer makes of the rest.
    this.#cutAt(raw, text.toWellFormed(), (piece) => {
      this.#cutAt(normalized, normalize === undefined ? piece : normalize(piece), (rest) => this.#addText(rest));
    });
    if (surrounded) for (const id of surroundings.behind) this.#encoder.addId(id);
    return this.#encoder.take();
  }

  #cutAt(added: LiteralFinder | undefined, text: string, addRest: (rest: string) => void): void {
    let done = 0;
    for (const match of added === undefined ? [] : text.matchAll(added.expression)) {
      if (match.index > done) addRest(text.slice(done, match.index));
      this.#encoder.addId(added!.ids.get(match[0])!);
      done = match.index + match[0].length;
    }
    if (done < text.length) addRest(done === 0 ? text : text.slice(done));
  }

  /** Bytes that are not UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const skip = options.skipSpecials ?? false;
    const parts: Uint8Array[] = [];
    for (const id of ids) if (!skip || !this.isSpecial(id)) parts.push(this.tokenBytes(id));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
  }

  /** Decodes id by id, never half a character. */
  decodeStream(options: DecodeOptions = {}): DecodeStream {
    const skip = options.skipSpecials ?? false;
    return new DecodeStream((id) => (skip && this.isSpecial(id) ? undefined : this.tokenBytes(id)));
  }

  /** Writes tokenizer.json whole or not at all. @throws WriteError */
  save(path: string): void {
    writeWhole(path, formatTokenizerFile(this.#file));
  }

  #addText(text: string): void {
    this.#vocabulary.preTokenizer.split(text, (start, end) => this.#encoder.addWord(text, start, end));
  }
}

/** The words that are tokens as they stand. A special token's name is not among them: it is no word. */
function wholeWords({ idOfToken, tokenBytes, addedTokens }: Vocabulary): ReadonlyMap<string, number> {
  const specials = new Set(addedTokens.filter(({ special }) => special).map(({ id }) => id));
  const words = new Map<string, number>();
  for (const id of idOfToken.values()) {
    const bytes = Buffer.from(tokenBytes[id]!);
    const word = bytes.toString('utf8');
    if (!specials.has(id) && Buffer.from(word, 'utf8').equals(bytes)) words.set(word, id);
  }
  return words;
}

function findersOf(
  tokens: readonly AddedToken[],
  normalize: Normalize | undefined,
): readonly [raw: LiteralFinder | undefined, normalized: LiteralFinder | undefined] {
  return [
    literalFinder(tokens.filter(({ normalized }) => !normalized)),
    literalFinder(
      tokens
        .filter(({ normalized }) => normalized)
        .map((token) => ({ ...token, content: normalize?.(token.content) ?? token.content })),
    ),
  ];
}

/** Finds the leftmost, and there the longest, of the tokens' texts. */
function literalFinder(tokens: readonly AddedToken[]): LiteralFinder | undefined {
  if (tokens.length === 0) return undefined;
  const literals = tokens
    .map(({ content }) => content)
    .sort((a, b) => b.length - a.length)
    .map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return {
    expression: new RegExp(literals.join('|'), 'gu'),
    ids: new Map(tokens.map(({ content, id }) => [content, id])),
  };
}
