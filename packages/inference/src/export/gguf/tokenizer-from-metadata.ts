/** The tokenizer of a GGUF as the content of a tokenizer.json. */
import { assembleTokenizerFile, type PreTokenizerName, patternsOf, type TokenizerFile } from '@tunan/tokenizer';
import { damagedGguf } from './damaged-gguf.ts';
import type { MetadataReader } from './metadata-reader.ts';
import { tokenTypes } from './vocabulary-metadata.ts';

interface Split {
  readonly name: PreTokenizerName;
  readonly ignoreMerges?: true;
}

/** llama.cpp's names of the splits that are known here, where it has several for one. */
const splits: Readonly<Record<string, Split>> = {
  'deepseek-v3': { name: 'deepseek-v3' },
  'gpt-2': { name: 'gpt-2' },
  qwen2: { name: 'qwen2' },
  'deepseek-r1-qwen': { name: 'qwen2' },
  'llama-bpe': { name: 'llama-bpe', ignoreMerges: true },
  llama3: { name: 'llama-bpe', ignoreMerges: true },
  'llama-v3': { name: 'llama-bpe', ignoreMerges: true },
  'smaug-bpe': { name: 'llama-bpe' },
  dbrx: { name: 'llama-bpe' },
};

/**
 * @param rows of the embedding
 * @throws ExportError EXPORT_UNREADABLE for another kind of vocabulary
 */
export function tokenizerFromMetadata(metadata: MetadataReader, rows: number): TokenizerFile {
  const { file } = metadata;
  const model = metadata.string('tokenizer.ggml.model');
  if (model !== 'gpt2') {
    throw damagedGguf(
      file,
      `a vocabulary of the kind ${model} is not read, only byte-level BPE (gpt2)`,
      `不支持 ${model} 类词表，只支持字节级 BPE（gpt2）`,
    );
  }
  const pre = metadata.stringIfThere('tokenizer.ggml.pre') ?? 'default';
  const split = splits[pre];
  if (split === undefined) {
    const known = Object.keys(splits).join(', ');
    throw damagedGguf(
      file,
      `the split ${pre} is not known here, so that its ids would differ; known are ${known}`,
      `此处不认识预切分 ${pre}，编号会不同；可用：${known}`,
    );
  }
  const texts = metadata.strings('tokenizer.ggml.tokens');
  const types = metadata.has('tokenizer.ggml.token_type') ? metadata.numbers('tokenizer.ggml.token_type') : [];
  if (texts.length !== rows) {
    throw damagedGguf(
      file,
      `it lists ${texts.length} tokens, but the embedding has ${rows} rows: the file is damaged`,
      `列出 ${texts.length} 个词元，而词嵌入有 ${rows} 行：文件已损坏`,
    );
  }
  const used = texts.flatMap((content, id) => (types[id] === tokenTypes.unused ? [] : [{ id, content }]));
  const isAdded = (id: number) => types[id] === tokenTypes.control || types[id] === tokenTypes.userDefined;
  return assembleTokenizerFile({
    tokens: new Map(used.map(({ id, content }) => [content, id])),
    added: used
      .filter(({ id }) => isAdded(id))
      .map((token) => ({ ...token, special: types[token.id] === tokenTypes.control })),
    merges: metadata.strings('tokenizer.ggml.merges').map((merge) => mergeOf(merge, metadata)),
    patterns: patternsOf(split.name),
    ignoreMerges: split.ignoreMerges ?? false,
    begin: beginToken(metadata, texts),
  });
}

function mergeOf(merge: string, metadata: MetadataReader): [string, string] {
  const [left, right, ...more] = merge.split(' ');
  if (left === undefined || right === undefined || more.length > 0) throw metadata.wrong('tokenizer.ggml.merges');
  return [left, right];
}

/** llama.cpp puts one before every text where the file says so, and with Llama 3's split where it says nothing. */
function beginToken(metadata: MetadataReader, texts: readonly string[]): { id: number; content: string } | undefined {
  const usual = splits[metadata.stringIfThere('tokenizer.ggml.pre') ?? '']?.ignoreMerges === true;
  if (!(metadata.booleanIfThere('tokenizer.ggml.add_bos_token') ?? usual)) return undefined;
  const id = metadata.number('tokenizer.ggml.bos_token_id');
  const content = texts[id];
  if (content === undefined) throw metadata.wrong('tokenizer.ggml.bos_token_id');
  return { id, content };
}
