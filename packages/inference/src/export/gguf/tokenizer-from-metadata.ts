/** The tokenizer of a GGUF. */
import { Tokenizer } from '@tunan/tokenizer';
import { damagedGguf } from './damaged-gguf.ts';
import type { MetadataReader } from './metadata-reader.ts';
import { tokenTypes } from './vocabulary-metadata.ts';

/** The splits with which llama.cpp puts a token before every text where a file does not say whether. */
const BEGINNING = ['llama-bpe', 'llama3', 'llama-v3'];

/**
 * @param rows of the embedding
 * @throws ExportError EXPORT_UNREADABLE for another kind of vocabulary; TokenizerError for one that contradicts itself
 */
export function tokenizerFromMetadata(metadata: MetadataReader, rows: number): Tokenizer {
  const { file } = metadata;
  const model = metadata.name('tokenizer.ggml.model');
  if (model !== 'gpt2') {
    throw damagedGguf(
      file,
      `a vocabulary of the kind ${model} is not read, only byte-level BPE (gpt2)`,
      `不支持 ${model} 类词表，只支持字节级 BPE（gpt2）`,
    );
  }
  const tokens = metadata.strings('tokenizer.ggml.tokens');
  const types = metadata.has('tokenizer.ggml.token_type') ? metadata.numbers('tokenizer.ggml.token_type') : [];
  if (tokens.length !== rows) {
    throw damagedGguf(
      file,
      `it lists ${tokens.length} tokens, but the embedding has ${rows} rows: the file is damaged`,
      `列出 ${tokens.length} 个词元，而词嵌入有 ${rows} 行：文件已损坏`,
    );
  }
  const split = metadata.nameIfThere('tokenizer.ggml.pre') ?? 'default';
  const begin = beginToken(metadata, split, tokens.length);
  const merges = metadata.strings('tokenizer.ggml.merges');
  if (merges.some((merge) => merge.split(' ').length !== 2)) throw metadata.wrong('tokenizer.ggml.merges');
  const kindOf = (id: number) => kindOfType(types[id] ?? tokenTypes.normal);
  const tokenizer = Tokenizer.fromList({ tokens, merges, split, kindOf, begin }, endTokens(metadata), file);
  if (tokenizer !== undefined) return tokenizer;
  throw damagedGguf(
    file,
    `the split ${split} is not known here, so that its ids would differ`,
    `此处不认识预切分 ${split}，编号会不同`,
  );
}

function kindOfType(type: number): 'piece' | 'added' | 'special' | 'absent' {
  switch (type) {
    case tokenTypes.control:
    case tokenTypes.unknown:
      return 'special';
    case tokenTypes.userDefined:
      return 'added';
    case tokenTypes.unused:
      return 'absent';
    default:
      return 'piece';
  }
}

/** The ids that end a text, the one between documents first. */
export function endTokens(metadata: MetadataReader): number[] {
  const ids = ['eos', 'eot'].flatMap((name) => metadata.numberIfThere(`tokenizer.ggml.${name}_token_id`) ?? []);
  return [...new Set(ids)];
}

function beginToken(metadata: MetadataReader, split: string, count: number): number | undefined {
  if (!(metadata.booleanIfThere('tokenizer.ggml.add_bos_token') ?? BEGINNING.includes(split))) return undefined;
  const id = metadata.number('tokenizer.ggml.bos_token_id');
  if (Number.isInteger(id) && id >= 0 && id < count) return id;
  throw metadata.wrong('tokenizer.ggml.bos_token_id');
}
