/**
 * Reads a tokenizer.json and checks that it is byte-level BPE that this package encodes exactly as Hugging Face does.
 * Besides our own files it takes those of the same kind by others: merges as strings, GPT-2's built-in split, added
 * tokens beside the vocabulary, a Unicode normalizer (Qwen), an empty one (DeepSeek), ignore_merges and tokens around a
 * text (Llama 3). Anything else is refused with the part that is in the way. `truncation` and `padding` are not heeded:
 * they are left from the last call of the program that saved the file, and transformers sets them anew for each.
 */
import { byteCharacters, bytesInAlphabetOrder, tokenTextToBytes } from './byte-level.ts';
import { FileReader } from './file-reader.ts';
import { type Normalize, readNormalizer } from './normalizer.ts';
import { readPostProcessor, type Surroundings } from './post-processor.ts';
import { createPreTokenizer, type PreTokenizer } from './pre-tokenizers.ts';

export interface AddedToken {
  id: number;
  content: string;
  /** Special tokens can be skipped when decoding; other added tokens are ordinary text that is never split. */
  special: boolean;
  /** Whether it is looked for behind the normalizer instead of before it. */
  normalized: boolean;
}

/** What a tokenizer.json says, checked. */
export interface Vocabulary {
  /** Bytes of each id; undefined where the file has no token of that id. */
  tokenBytes: (Uint8Array | undefined)[];
  /** Left, right and joined id by rank, flat. */
  merges: Int32Array;
  /** Whether a word that is a token is that token, whatever the merges say. */
  ignoreMerges: boolean;
  addedTokens: AddedToken[];
  normalize: Normalize | undefined;
  preTokenizer: PreTokenizer;
  surroundings: Surroundings;
  idOfByte: Int32Array;
  idOfToken: Map<string, number>;
}

/** @param name what to call the file in errors. @throws TokenizerError MALFORMED_FILE or UNSUPPORTED_FILE */
export function readTokenizerFile(content: unknown, name: string): Vocabulary {
  const reader = new FileReader(name);
  const file = reader.object(content, 'JSON');
  const model = reader.object(file.model, 'model');
  if (model.type !== 'BPE') {
    throw reader.unsupported(`a model of type ${JSON.stringify(model.type)}`, `${JSON.stringify(model.type)} 类的模型`);
  }
  reader.demandNull(model, ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'byte_fallback']);
  const decoder = reader.object(file.decoder, 'decoder').type;
  if (decoder !== 'ByteLevel') {
    throw reader.unsupported(`the decoder ${JSON.stringify(decoder)}`, `解码器 ${JSON.stringify(decoder)}`);
  }

  const idOfToken = readVocabulary(model.vocab, reader);
  const addedTokens = readAddedTokens(file.added_tokens, idOfToken, reader);
  const tokenBytes = readTokenBytes(idOfToken, addedTokens, reader);
  return {
    tokenBytes,
    merges: readMerges(model.merges, idOfToken, reader),
    ignoreMerges: model.ignore_merges === true,
    addedTokens,
    normalize: readNormalizer(file.normalizer, reader),
    preTokenizer: createPreTokenizer({ patterns: readPatterns(file.pre_tokenizer, reader) }),
    surroundings: readPostProcessor(file.post_processor, (id) => tokenBytes[id] !== undefined, reader),
    idOfByte: readBytes(idOfToken, reader),
    idOfToken,
  };
}

function readVocabulary(value: unknown, reader: FileReader): Map<string, number> {
  const entries = Object.entries(reader.object(value, 'model.vocab'));
  const ids = new Set<unknown>();
  for (const [token, id] of entries) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= entries.length * 2 + 1024 || ids.has(id)) {
      throw reader.malformed(
        `token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}, twice given or no id at all`,
        `词元 ${JSON.stringify(token)} 的编号 ${JSON.stringify(id)} 重复，或不是编号`,
      );
    }
    ids.add(id);
  }
  return new Map(entries as [string, number][]);
}

function readAddedTokens(value: unknown, idOfToken: Map<string, number>, reader: FileReader): AddedToken[] {
  return reader.list(value ?? [], 'added_tokens').map((item) => {
    const token = reader.object(item, 'added_tokens[]');
    const { id, content, special } = token;
    if (typeof content !== 'string' || content === '' || !Number.isInteger(id)) {
      throw reader.malformed('an added token has no content or no id', 'added_tokens 中有一项缺 content 或 id');
    }
    if (token.single_word || token.lstrip || token.rstrip) {
      throw reader.unsupported(
        `the added token ${JSON.stringify(content)} with single_word, lstrip or rstrip`,
        `设有 single_word、lstrip 或 rstrip 的附加词元 ${JSON.stringify(content)}`,
      );
    }
    const known = idOfToken.get(content) ?? id;
    if (known !== id) {
      throw reader.malformed(
        `the added token ${JSON.stringify(content)} has two ids, ${id} and ${known}`,
        `附加词元 ${JSON.stringify(content)} 有两个编号 ${id} 与 ${known}`,
      );
    }
    return { id: id as number, content, special: special === true, normalized: token.normalized === true };
  });
}

function readTokenBytes(
  idOfToken: Map<string, number>,
  addedTokens: readonly AddedToken[],
  reader: FileReader,
): (Uint8Array | undefined)[] {
  const bytesOfId: (Uint8Array | undefined)[] = [];
  const added = new Map(addedTokens.map(({ content, id }) => [content, id]));
  for (const [token, id] of idOfToken) {
    const bytes = added.has(token) ? Buffer.from(token) : tokenTextToBytes(token);
    if (!bytes) {
      throw reader.unsupported(
        `the token ${JSON.stringify(token)}, not written in the byte alphabet`,
        `词元 ${JSON.stringify(token)}，它未用字节字母表书写`,
      );
    }
    bytesOfId[id] = bytes;
  }
  for (const [content, id] of added) bytesOfId[id] = Buffer.from(content);
  return Array.from(bytesOfId);
}

function readMerges(value: unknown, idOfToken: Map<string, number>, reader: FileReader): Int32Array {
  const list = reader.list(value, 'model.merges');
  const flat = new Int32Array(list.length * 3);
  list.forEach((merge, rank) => {
    const [left, right, ...more] =
      typeof merge === 'string' ? merge.split(' ') : reader.list(merge, `model.merges[${rank}]`);
    const leftId = idOfToken.get(left as string);
    const rightId = idOfToken.get(right as string);
    const joined = idOfToken.get(`${left}${right}`);
    if (leftId === undefined || rightId === undefined || joined === undefined || more.length > 0) {
      throw reader.malformed(
        `merge ${rank}, ${JSON.stringify(merge)}, names a token that is not in the vocabulary`,
        `第 ${rank} 条合并 ${JSON.stringify(merge)} 中有词表没有的词元`,
      );
    }
    flat.set([leftId, rightId, joined], rank * 3);
  });
  return flat;
}

/** GPT-2's split, which Hugging Face builds into ByteLevel. */
const builtInSplit = createPreTokenizer('gpt-2').patterns;

function readPatterns(value: unknown, reader: FileReader): string[] {
  const root = reader.object(value, 'pre_tokenizer');
  const steps =
    root.type === 'Sequence' ? reader.list(root.pretokenizers, 'pre_tokenizer.pretokenizers') : [root as unknown];
  const patterns: string[] = [];
  steps.forEach((item, i) => {
    const step = reader.object(item, 'pre_tokenizer.pretokenizers[]');
    const last = i === steps.length - 1;
    if (last !== (step.type === 'ByteLevel') || (!last && step.type !== 'Split')) {
      throw reader.unsupported(
        `the pre-tokenizer ${JSON.stringify(step.type)} in place ${i + 1} of ${steps.length}`,
        `预分词器 ${JSON.stringify(step.type)}（共 ${steps.length} 步中的第 ${i + 1} 步）`,
      );
    }
    if (last) {
      if (step.add_prefix_space !== false) {
        throw reader.unsupported('add_prefix_space in its pre-tokenizer', '预分词器项 add_prefix_space');
      }
      if (step.use_regex !== false) patterns.push(...builtInSplit);
      return;
    }
    const { Regex: regex } = reader.object(step.pattern, 'pre_tokenizer.pretokenizers[].pattern');
    if (typeof regex !== 'string' || step.behavior !== 'Isolated' || step.invert === true) {
      throw reader.unsupported('a Split that is not an isolating regular expression', '并非单独切出匹配的 Split');
    }
    patterns.push(regex);
  });
  if (patterns.length === 0) {
    throw reader.unsupported('no split (a whole text is one word)', '整篇作为一个词的预分词器（没有切分）');
  }
  return patterns;
}

function readBytes(idOfToken: Map<string, number>, reader: FileReader): Int32Array {
  const ids = new Int32Array(256);
  for (const byte of bytesInAlphabetOrder) {
    const id = idOfToken.get(byteCharacters[byte]!);
    if (id === undefined) {
      const hex = `0x${byte.toString(16).padStart(2, '0')}`;
      throw reader.unsupported(`no token for the byte ${hex}`, `缺口：字节 ${hex} 没有词元`);
    }
    ids[byte] = id;
  }
  return ids;
}
