/** Tokenizers of every split that llama.cpp knows by name, each with what llama.cpp makes of it once it is exported; and texts to try. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { LanguageModel } from '@tunan/model';
import { type EncodeOptions, type PreTokenizerName, Tokenizer, trainBpe } from '@tunan/tokenizer';
import fc from 'fast-check';
import { LlamaLibrary } from '../../engines/llama-cpp/library.ts';
import { LlamaTextCoder } from '../../engines/llama-cpp/text-coder.ts';
import { exportGguf } from '../export-gguf.ts';
import { temporary } from './small-models.ts';

// Words, numbers, signs and white space often enough that merges join what a wrong split would tear apart.
const TEXTS = [
  '床前明月光，疑是地上霜。举头望明月，低头思故乡。\n白日依山尽，黄河入海流。',
  "It's 2024, don't they'll say I'VE 1234567 things: (see below), e.g. x=3.14!\r\n\r\n  and\tmore.",
  '第１２３回　他说：“你好！！”……《红楼梦》——ひらがなカタカナ 한국어 éàü ñ 🙂🎉 𠮷野家 ½ ² ③\n\n\n   完。',
  '  if (a[i] != b->c) { return "x_y"; } // 12 + 34 = 46 \n\t\t<p>html &amp; text</p>\u00a0\u3000\u2003end',
];

export interface VocabularyPair {
  readonly ours: Tokenizer;
  readonly theirs: { encode(text: string, options?: EncodeOptions): Uint32Array };
}

export const splits = ['deepseek-v3', 'gpt-2', 'qwen2', 'llama-bpe', 'llama-bpe, whole words'] as const;

/** @param split 'whole words': a word that is a token is that token, whatever the merges say */
export async function vocabularyPair(
  t: Pick<TestContext, 'after'>,
  split: (typeof splits)[number],
): Promise<VocabularyPair> {
  const [preTokenizer, whole] = split.split(', ') as [PreTokenizerName, string?];
  const repeated = TEXTS.flatMap((text) => [text, text, text]);
  const content = await trainBpe(repeated, { vocabularySize: 520, preTokenizer });
  const added = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const size = Object.keys(content.model.vocab).length;
  const file = {
    ...content,
    added_tokens: [
      ...content.added_tokens,
      { ...added, id: size, content: '<|turn|>', special: true },
      { ...added, id: size + 1, content: '<think>', special: false },
    ],
    model: { ...content.model, ignore_merges: whole !== undefined },
  };
  const directory = path.join(temporary(t), 'model');
  mkdirSync(directory);
  const tokenizerFile = path.join(directory, 'tokenizer.json');
  writeFileSync(tokenizerFile, JSON.stringify(file));
  const ours = Tokenizer.load(tokenizerFile);
  const sizes = { vocabularySize: size + 10, contextLength: 16, layers: 1, width: 32, heads: 2 };
  using model = LanguageModel.create(sizes, { seed: 1 });
  model.save(directory, { tokenizerFile });
  const gguf = path.join(path.dirname(directory), 'model.gguf');
  exportGguf(directory, gguf, { type: 'f16' });
  const { functions } = LlamaLibrary.load();
  const params = { ...functions.llama_model_default_params(), vocab_only: true };
  const loaded = await functions.llama_model_load_from_file(gguf, params);
  if (loaded === null) throw new Error('llama.cpp does not load the file');
  t.after(() => functions.llama_model_free(loaded));
  return { ours, theirs: new LlamaTextCoder(functions, functions.llama_model_get_vocab(loaded)) };
}

/**
 * The characters of Unicode 16.0 are letters, marks, signs and digits here and in Hugging Face's library; llama.cpp knows those of 15.1.
 * Of the basic plane these are all that differ.
 */
const NEW_IN_16 = /[\u0897\u1b4e\u1b4f\u1b7f\u1c89\u1c8a\u2427-\u2429\u31e4\u31e5\ua7cb-\ua7cd\ua7da-\ua7dc]/;

/** Texts of what people write and of what nobody does; up to some hundred characters, since llama.cpp's splits recurse. */
export const texts: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...TEXTS.flatMap((text) => text.match(/[\s\S]{1,9}/gu)!)) },
      { weight: 4, arbitrary: fc.constantFrom(..."春江花月夜，。！？ \n\r\t'’“”-_0123456789aAbBsStTſ½²🙂👨‍👩‍👧é") },
      {
        weight: 2,
        arbitrary: fc.constantFrom('<eod>', '<eo', '<|turn|>', '<|turn', '|>', '<think>', '<pad>', "'LL", '\r\n'),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(' ', '  ', '\n\n', '\u00a0', '\u3000', '\u2028', '\u0085', '\u200b', '\ufeff'),
      },
      { weight: 1, arbitrary: fc.nat(9_999_999).map(String) },
      { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }).map(basicPlane) },
      { weight: 1, arbitrary: fc.integer({ min: 0x1f300, max: 0x1f64f }).map((code) => String.fromCodePoint(code)) },
      { weight: 1, arbitrary: fc.integer({ min: 0x20000, max: 0x2a6df }).map((code) => String.fromCodePoint(code)) },
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''));

function basicPlane(text: string): string {
  return Array.from(text)
    .filter((character) => character.length === 1 && !NEW_IN_16.test(character) && character !== '\0')
    .join('');
}
