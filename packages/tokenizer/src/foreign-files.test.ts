/** tokenizer.json files in the shape that others write them, small ones of our own making, against Hugging Face's library. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import fc from 'fast-check';
import { Tokenizer as HuggingFace } from 'tokenizers';
import { byteCharacters } from './byte-level.ts';
import type { PreTokenizerName } from './pre-tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';
import type { TokenizerFile } from './tokenizer-file.ts';
import { trainBpe } from './train.ts';

type Json = Record<string, unknown>;

const directory = mkdtempSync(path.join(tmpdir(), 'tunan-foreign-'));
after(() => rmSync(directory, { recursive: true }));

const { texts } = JSON.parse(
  readFileSync(new URL('../../../tests/golden/tokenizer-fixture.json', import.meta.url), 'utf8'),
) as { texts: string[] };
const trained = new Map<PreTokenizerName, TokenizerFile>();
for (const preTokenizer of ['deepseek-v3', 'gpt-2', 'qwen2', 'llama-bpe'] as const) {
  trained.set(preTokenizer, await trainBpe(texts, { vocabularySize: 700, minFrequency: 2, preTokenizer }));
}

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true };
const added = (id: number, content: string, options: Json = {}) => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ...options,
});

/** A file with the vocabulary that was trained for a split, and other parts. */
function fileOf(name: PreTokenizerName, patterns: readonly string[], change: Json, model: Json = {}): Json {
  const base = trained.get(name)!;
  const splits = patterns.map((Regex) => ({
    ...{ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
  }));
  const last = { ...BYTE_LEVEL, add_prefix_space: false, use_regex: splits.length === 0 };
  return {
    ...base,
    pre_tokenizer: splits.length === 0 ? last : { type: 'Sequence', pretokenizers: [...splits, last] },
    post_processor: BYTE_LEVEL,
    ...change,
    model: { ...base.model, ...model },
  };
}

const template = (before: string[], behind: string[], ids: Record<string, number>) => ({
  type: 'TemplateProcessing',
  single: [
    ...before.map((id) => ({ SpecialToken: { id, type_id: 0 } })),
    { Sequence: { id: 'A', type_id: 0 } },
    ...behind.map((id) => ({ SpecialToken: { id, type_id: 0 } })),
  ],
  pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
  special_tokens: Object.fromEntries(
    Object.entries(ids).map(([name, id]) => [name, { id: name, ids: [id], tokens: [name] }]),
  ),
});

const rest = '| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const deepseek = (trained.get('deepseek-v3')!.pre_tokenizer as { pretokenizers: { pattern?: { Regex: string } }[] })
  .pretokenizers;
const begin = '<|begin_of_text|>';
const end = '<|end_of_text|>';

/** Merges of whole words that only their own tokens have, so that ignore_merges is seen. */
function withWholeWords(name: PreTokenizerName): Json {
  const { vocab, merges } = trained.get(name)!.model;
  const spelled = [...Buffer.from('邻居')].map((byte) => byteCharacters[byte]).join('');
  const larger = { ...vocab, [spelled]: Object.keys(vocab).length };
  return { vocab: larger, merges: merges.map((merge) => merge.join(' ')), ignore_merges: true };
}

const files: Record<string, Json> = {
  'DeepSeek: an empty normalizer, line ends as they are, specials that are normalized': fileOf(
    'deepseek-v3',
    deepseek.flatMap(({ pattern }) => pattern?.Regex.replaceAll('\\r\\n', '\r\n') ?? []),
    {
      normalizer: { type: 'Sequence', normalizers: [] },
      added_tokens: [
        ...trained.get('deepseek-v3')!.added_tokens,
        added(700, '<｜end▁of▁sentence｜>'),
        added(701, '<｜tool▁sep｜>', { normalized: true, special: false }),
      ],
    },
  ),
  'Qwen: NFC, any case of contractions, added tokens that are not special': fileOf(
    'qwen2',
    [`${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${rest}`],
    {
      normalizer: { type: 'NFC' },
      added_tokens: [
        added(700, '<|endoftext|>'),
        added(701, '<think>', { special: false }),
        added(702, 'Ålö', { special: false, normalized: true }),
      ],
    },
    { continuing_subword_prefix: '', end_of_word_suffix: '' },
  ),
  'Llama 3: words that are tokens are not merged, a begin before every text': fileOf(
    'llama-bpe',
    [`${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}${rest}`],
    {
      added_tokens: [added(701, begin), added(702, end)],
      post_processor: {
        type: 'Sequence',
        processors: [BYTE_LEVEL, template([begin], [], { [begin]: 701 })],
      },
    },
    withWholeWords('llama-bpe'),
  ),
  'GPT-2 as transformers 5 saves it: a template that adds nothing': fileOf('gpt-2', [], {
    added_tokens: [added(700, '<|endoftext|>', { normalized: true })],
    post_processor: template([], [], {}),
    truncation: { direction: 'Right', max_length: 10_000, strategy: 'LongestFirst', stride: 0 },
  }),
  'MiniMind: the split inside of ByteLevel alone, no post-processor': fileOf('gpt-2', [], {
    post_processor: null,
    added_tokens: [
      added(700, '<|endoftext|>'),
      added(701, '<|im_start|>'),
      added(702, '<think>', { special: false }),
      added(703, '</think>', { special: false }),
    ],
    decoder: { ...BYTE_LEVEL, trim_offsets: true },
  }),
  'tokens at both ends': fileOf('gpt-2', [], {
    added_tokens: [added(700, begin), added(701, end)],
    post_processor: template([begin], [end, end], { [begin]: 700, [end]: 701 }),
  }),
};

const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.integer({ min: 0x4e00, max: 0x9fff }).map((codePoint) => String.fromCodePoint(codePoint)),
      fc.integer({ min: 0xf900, max: 0xfaff }).map((codePoint) => String.fromCodePoint(codePoint)),
      fc.constantFrom(' ', '  ', '\n', '\r\n', '\t', '\u3000', '。', '“', '12', '1234', '邻居', '的邻居', '邻居们'),
      fc.constantFrom(
        "'S",
        "'ſ",
        "'LLe",
        "'ve",
        "'K",
        'e\u0301',
        'A\u030a',
        'Å',
        '\u1112\u1161\u11ab',
        '가',
        'Ålö',
        'A\u030alo\u0308',
      ),
      fc.constantFrom('<|endoftext|>', '<think>', '<｜tool▁sep｜>', '<｜end▁of▁sentence｜>', begin, end, '<eod>'),
      fc.constantFrom(...texts),
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(''));

for (const [name, file] of Object.entries(files)) {
  test(`ids as Hugging Face's. ${name}`, async () => {
    const ours = Tokenizer.fromFile(file as unknown as TokenizerFile);
    const theirs = HuggingFace.fromString(JSON.stringify(file));
    await fc.assert(
      fc.asyncProperty(text, async (sample) => {
        assert.deepEqual([...ours.encode(sample)], (await theirs.encode(sample)).getIds());
      }),
      { numRuns: 400 },
    );
    const plain = ours.encode(`${begin}春<|endoftext|>${end}`, { specials: false });
    assert.ok(!plain.some((id) => ours.isSpecial(id)), 'without specials there is the text alone');
  });
}

test('the splits of Qwen, Llama 3 and DeepSeek have their names of llama.cpp', () => {
  const names = Object.values(files).map((file) => Tokenizer.fromFile(file as unknown as TokenizerFile).preTokenizer);
  assert.deepEqual(names, ['deepseek-v3', 'qwen2', 'llama-bpe', 'gpt-2', 'gpt-2', 'gpt-2']);
});

test('the normalizers know the characters that Hugging Face knows, no newer ones', async () => {
  for (const type of ['NFC', 'NFKD']) {
    const file = fileOf('gpt-2', [], { normalizer: { type } });
    const ours = Tokenizer.fromFile(file as unknown as TokenizerFile);
    const theirs = HuggingFace.fromString(JSON.stringify(file));
    // Where new combining marks and compositions came in; all code points were compared once, in 2026.
    for (const [from, to] of [
      [0x800, 0x8ff],
      [0x1a80, 0x1aff],
      [0x10e80, 0x10fff],
      [0x11300, 0x11a80],
      [0x16100, 0x16130],
      [0x1e000, 0x1e2ff],
    ] as const) {
      const points = Array.from({ length: to + 1 - from }, (_, i) => from + i);
      const sample = points.map((point) => `。${String.fromCodePoint(point)}\u0307\u0323`).join('');
      assert.deepEqual([...ours.encode(sample)], (await theirs.encode(sample)).getIds(), from.toString(16));
    }
  }
});

/** A directory with GPT-2's kind of tokenizer and the files beside it. */
function saved(name: string, tokens: readonly string[], beside: Record<string, unknown>, mark = ''): string {
  const folder = path.join(directory, name);
  mkdirSync(folder);
  const file = fileOf('gpt-2', [], { added_tokens: tokens.map((content, i) => added(700 + i, content)) });
  for (const [other, content] of Object.entries({ 'tokenizer.json': file, ...beside })) {
    writeFileSync(path.join(folder, other), mark + JSON.stringify(content));
  }
  return folder;
}

test('which token ends a text: the files beside tokenizer.json, then well-known names', () => {
  const ends = (name: string, tokens: readonly string[], beside: Record<string, unknown>, mark?: string) => {
    const tokenizer = Tokenizer.load(saved(name, tokens, beside, mark));
    return [tokenizer.eod, [...tokenizer.ends]];
  };
  assert.deepEqual(ends('bare', ['<|endoftext|>'], {}), [700, [700]]);
  assert.deepEqual(ends('config', ['</s>', '<|x|>'], { 'config.json': { eos_token_id: 701 } }), [701, [701]]);
  const list = { 'generation_config.json': { eos_token_id: [701, 700] }, 'config.json': { eos_token_id: 700 } };
  assert.deepEqual(ends('generation', ['</s>', '<|x|>'], list), [701, [701, 700]]);
  const named = { 'tokenizer_config.json': { eos_token: { content: '<|x|>', special: true } } };
  assert.deepEqual(ends('named', ['</s>', '<|x|>'], { ...named, ...list }), [701, [701, 700]]);
  assert.deepEqual(ends('marked', ['</s>', '<|x|>'], { ...named }, '\ufeff'), [701, [701]]);
  // The default of GPT-2's config, in a vocabulary that has no such id, or an ordinary word there.
  for (const [name, id] of Object.entries({ absent: 50_256, word: 300 })) {
    assert.deepEqual(ends(name, ['<|endoftext|>'], { 'config.json': { eos_token_id: id } }), [700, [700]]);
  }
  assert.throws(() => ends('none', ['</s>'], {}), {
    code: 'TOKENIZER_UNKNOWN_TOKEN',
    message: /name one as eos_token/,
  });
});

test('which token begins a text: what the file puts there, the files beside it, then what ends the one before', () => {
  const begin = (name: string, beside: Record<string, unknown>) =>
    Tokenizer.load(saved(name, ['<|endoftext|>', '<|im_start|>', '<|im_end|>'], beside)).bod;
  assert.equal(begin('silent', {}), 700);
  assert.equal(begin('ended', { 'config.json': { eos_token_id: 702 } }), 702);
  // Qwen's chats end with another token than its documents begin with.
  assert.equal(begin('qwen', { 'config.json': { bos_token_id: 700, eos_token_id: 702 } }), 700);
  assert.equal(
    begin('minimind', { 'tokenizer_config.json': { bos_token: '<|im_start|>', eos_token: '<|im_end|>' } }),
    701,
  );
  assert.equal(
    begin('nothing', { 'tokenizer_config.json': { bos_token: null }, 'config.json': { bos_token_id: 5 } }),
    700,
  );
  const [llama] = Object.entries(files).filter(([name]) => name.startsWith('Llama'));
  const tokenizer = Tokenizer.fromFile(llama![1] as unknown as TokenizerFile);
  assert.deepEqual([tokenizer.bod, tokenizer.eod, tokenizer.beginsEveryText], [701, 702, true]);
});

test('files that are no tokenizer are told as what they are', () => {
  const refused = (name: string, content: string, message: RegExp) => {
    const folder = path.join(directory, name);
    mkdirSync(folder);
    if (content !== '') writeFileSync(path.join(folder, 'tokenizer.json'), content);
    assert.throws(() => Tokenizer.load(folder), { message });
  };
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n';
  refused('pointer', pointer, /tokenizer\.json is a Git LFS pointer, .* run "git lfs pull"/);
  refused('empty', '', /^cannot read the tokenizer .*tokenizer\.json: no such file$/);
  const normalizer = JSON.stringify(fileOf('gpt-2', [], { normalizer: { type: 'Lowercase' } }));
  refused('lowercase', normalizer, /has the normalizer "Lowercase", which is not read here/);
  const roberta = JSON.stringify(fileOf('gpt-2', [], { post_processor: { type: 'RobertaProcessing' } }));
  refused('roberta', roberta, /has the post_processor "RobertaProcessing"/);
  const lost = JSON.stringify(fileOf('gpt-2', [], { post_processor: template([begin], [], { [begin]: 9999 }) }));
  refused('lost', lost, /puts in "<\|begin_of_text\|>" as 9999, no id of it/);
});

test('what is wrong with a file is said in Chinese too', () => {
  const said = (file: unknown): string => {
    try {
      Tokenizer.fromFile(file as TokenizerFile);
    } catch (error) {
      return String((error as { chinese?: unknown }).chinese);
    }
    throw new Error('the file was taken');
  };
  assert.match(
    said(fileOf('gpt-2', [], { normalizer: { type: 'Lowercase' } })),
    /^tokenizer.json 有规范化器 "Lowercase"，/,
  );
  assert.match(said(fileOf('gpt-2', [], { decoder: null })), /不是完好的分词器文件：decoder 不是对象$/);
});
