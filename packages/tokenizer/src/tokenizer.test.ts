import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import fc from 'fast-check';
import { Tokenizer as HuggingFace } from 'tokenizers';
import { byteCharacters } from './byte-level.ts';
import { TokenizerError, type TokenizerErrorCode } from './errors.ts';
import { type PreTokenizerName, preTokenizerNames } from './pre-tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';
import type { TokenizerFile } from './tokenizer-file.ts';
import { trainBpe } from './train.ts';

const goldenPath = (name: string) => new URL(`../../../tests/golden/${name}.json`, import.meta.url);
const golden = (name: string) => JSON.parse(readFileSync(goldenPath(name), 'utf8'));
const fixture: { texts: string[]; probes: string[]; vocabularySize: number; minFrequency: number } =
  golden('tokenizer-fixture');
const expected: { fixture: Record<PreTokenizerName, { ids: number[][] }> } = golden('tokenizer-golden');

const directory = mkdtempSync(path.join(tmpdir(), 'tunan-tokenizer-'));
after(() => rmSync(directory, { recursive: true }));

const { vocabularySize, minFrequency } = fixture;
const files = new Map<PreTokenizerName, TokenizerFile>();
for (const preTokenizer of preTokenizerNames) {
  files.set(preTokenizer, await trainBpe(fixture.texts, { vocabularySize, minFrequency, preTokenizer }));
}
const ours = (name: PreTokenizerName): Tokenizer => Tokenizer.fromFile(files.get(name)!);
const theirs = (name: PreTokenizerName): HuggingFace => HuggingFace.fromString(JSON.stringify(files.get(name)));

/** Strings of the kinds that part regular-expression engines and byte merges: scripts, spaces, marks, specials. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
      fc.integer({ min: 0x4e00, max: 0x9fff }).map((codePoint) => String.fromCodePoint(codePoint)),
      fc.integer({ min: 0x3000, max: 0x30ff }).map((codePoint) => String.fromCodePoint(codePoint)),
      fc.constantFrom(
        ' ',
        '  ',
        '\n',
        '\r\n',
        '\t',
        '\u3000',
        '\u0085',
        '\ufeff',
        '，',
        '。',
        '“',
        '12',
        '٣',
        "'s",
        'ſ',
        '<',
      ),
      fc.constantFrom('<eod>', '<unk>', '<pad', 'mask>', '😀', '👨‍👩‍👧', 'e\u0301', '㐀', '𠮷', '﷐'),
      fc.constantFrom(...fixture.probes, ...fixture.texts),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

for (const name of preTokenizerNames) {
  test(`ids of the probes equal Hugging Face's in Python (${name})`, () => {
    const tokenizer = ours(name);
    fixture.probes.forEach((probe, i) => {
      assert.deepEqual([...tokenizer.encode(probe)], expected.fixture[name].ids[i], JSON.stringify(probe));
    });
  });

  test(`ids of random text equal Hugging Face's native library, and the text comes back (${name})`, async () => {
    const tokenizer = ours(name);
    const reference = theirs(name);
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const ids = tokenizer.encode(text);
        assert.deepEqual([...ids], (await reference.encode(text)).getIds());
        assert.equal(tokenizer.decode(ids), text);
        assert.equal(tokenizer.decode(ids, { skipSpecials: true }), await reference.decode([...ids], true));
      }),
      { numRuns: 600 },
    );
  });
}

test('words longer than the plain scan takes are merged alike', async () => {
  const reference = theirs('gpt-2');
  const tokenizer = ours('gpt-2');
  const unit = fc.constantFrom(...'我的邻居走过长长的石桥向南飞了三千里一㐀𠮷ab-');
  await fc.assert(
    fc.asyncProperty(fc.array(unit, { minLength: 60, maxLength: 400 }), async (characters) => {
      const text = characters.join('');
      assert.deepEqual([...tokenizer.encode(text)], (await reference.encode(text)).getIds());
    }),
    { numRuns: 100 },
  );
});

test('merges in an order that no training gives are followed as Hugging Face follows them', async () => {
  const text = fixture.texts.slice(0, 60).join('\n');
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(files.get('gpt-2')!.model.merges, { minLength: 100 }), async (merges) => {
      const file = structuredClone(files.get('gpt-2')!);
      file.model.merges = merges;
      const ids = [...Tokenizer.fromFile(file).encode(text)];
      assert.deepEqual(ids, (await HuggingFace.fromString(JSON.stringify(file)).encode(text)).getIds());
    }),
    { numRuns: 60 },
  );
});

test('merges across the edges of characters are found, whatever their rank', async () => {
  const text = '中国人民中人国民人中';
  const bytes = Buffer.from(text);
  const spell = (from: number, to: number): string =>
    Array.from(bytes.subarray(from, to), (byte) => byteCharacters[byte]!).join('');
  const cut = fc.record({
    at: fc.nat(bytes.length - 2),
    left: fc.integer({ min: 1, max: 4 }),
    right: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(cut, { minLength: 40, maxLength: 400 }),
      fc.infiniteStream(fc.nat()),
      async (cuts, order) => {
        const file = structuredClone(files.get('gpt-2')!);
        const vocab = Object.fromEntries(Object.entries(file.model.vocab).filter(([, id]) => id < 261));
        const merges = new Map<string, [string, string]>();
        for (const { at, left, right } of cuts) {
          const pair: [string, string] = [spell(at, at + left), spell(at + left, at + left + right)];
          if (vocab[pair[0]] === undefined || vocab[pair[1]] === undefined) continue;
          vocab[pair.join('')] ??= Object.keys(vocab).length;
          merges.set(pair.join(' '), pair);
        }
        const ranked = [...merges.values()].map((merge) => ({ merge, key: order.next().value as number }));
        file.model = { ...file.model, vocab, merges: ranked.sort((a, b) => a.key - b.key).map(({ merge }) => merge) };
        const ids = [...Tokenizer.fromFile(file).encode(text)];
        assert.deepEqual(ids, (await HuggingFace.fromString(JSON.stringify(file)).encode(text)).getIds());
      },
    ),
    { numRuns: 400 },
  );
});

test('the ids stay right when the cache of words is hot and when words collide in it', async () => {
  const reference = theirs('deepseek-v3');
  const tokenizer = ours('deepseek-v3');
  const words = fc.sample(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }), { seed: 5, numRuns: 60_000 });
  for (let round = 0; round < 2; round++) {
    for (let start = 0; start < words.length; start += 20_000) {
      const text = words.slice(start, start + 20_000).join('\n');
      assert.deepEqual([...tokenizer.encode(text)], (await reference.encode(text)).getIds());
    }
  }
});

test('a saved file is byte-equal to what Hugging Face saves, and loads again', () => {
  const saved = path.join(directory, 'tokenizer.json');
  ours('deepseek-v3').save(saved);
  assert.equal(readFileSync(saved, 'utf8'), readFileSync(goldenPath('tokenizer-golden-file'), 'utf8'));
  const again = Tokenizer.load(saved);
  assert.deepEqual(again.encode(fixture.texts[0]!), ours('deepseek-v3').encode(fixture.texts[0]!));
  assert.deepEqual(readdirSync(directory), ['tokenizer.json']);
});

test('specials as text: their literals are merged like any other', () => {
  const tokenizer = ours('deepseek-v3');
  assert.deepEqual([...tokenizer.encode('<eod>')], [tokenizer.eod]);
  const plain = tokenizer.encode('中<eod>', { specials: false });
  assert.ok(!plain.includes(tokenizer.eod));
  assert.equal(tokenizer.decode(plain, { skipSpecials: true }), '中<eod>');
});

test('lone surrogates are read as U+FFFD', () => {
  const tokenizer = ours('deepseek-v3');
  for (const [text, read] of [
    ['a\ud800b\udc00', 'a\ufffdb\ufffd'],
    ['\udc00\ud800。\n', '\ufffd\ufffd。\n'],
  ] as const) {
    assert.deepEqual(tokenizer.encode(text), tokenizer.encode(read));
    assert.equal(tokenizer.decode(tokenizer.encode(text)), read);
  }
});

test('a decode stream emits whole characters only, and all of them', () => {
  const tokenizer = ours('deepseek-v3');
  fc.assert(
    fc.property(anyText, (text) => {
      const stream = tokenizer.decodeStream();
      let decoded = '';
      for (const id of tokenizer.encode(text)) {
        const part = stream.push(id);
        assert.ok(text.includes('\ufffd') || !part.includes('\ufffd'));
        decoded += part;
      }
      assert.equal(decoded + stream.end(), text);
    }),
  );
  const marked = tokenizer.decodeStream();
  assert.equal([...tokenizer.encode('\ufeffa')].map((id) => marked.push(id)).join(''), '\ufeffa');
  const stream = tokenizer.decodeStream();
  assert.equal(stream.push(tokenizer.encode('\u{10abcd}')[0]!), '');
  assert.equal(stream.end(), '\ufffd');
});

test('a vocabulary answers for its tokens', () => {
  const tokenizer = ours('deepseek-v3');
  assert.equal(tokenizer.vocabularySize, vocabularySize);
  assert.equal(tokenizer.preTokenizer, 'deepseek-v3');
  assert.deepEqual(
    ['<unk>', '<sep>', '<pad>', '<mask>', '<eod>'].map((name) => tokenizer.tokenId(name)),
    [0, 1, 2, 3, 4],
  );
  assert.ok(tokenizer.isSpecial(4) && !tokenizer.isSpecial(5));
  assert.equal(Buffer.from(tokenizer.tokenBytes(4)).toString(), '<eod>');
  assert.throws(() => tokenizer.tokenId('<nothing>'), hasCode('TOKENIZER_UNKNOWN_TOKEN'));
  assert.throws(() => tokenizer.decode([vocabularySize]), hasCode('TOKENIZER_UNKNOWN_TOKEN'));
});

test('files of the same kind by others: string merges, built-in split, added tokens beside the vocabulary', async () => {
  const file = structuredClone(files.get('gpt-2')!) as unknown as Record<string, Record<string, unknown>>;
  file.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  file.model!.merges = files.get('gpt-2')!.model.merges.map((merge) => merge.join(' '));
  const extra = { id: vocabularySize, content: '<eod>长长', special: false, normalized: false };
  (file.added_tokens as unknown as unknown[]).push({ ...extra, single_word: false, lstrip: false, rstrip: false });
  const tokenizer = Tokenizer.fromFile(file as unknown as TokenizerFile);
  const reference = HuggingFace.fromString(JSON.stringify(file));
  for (const text of [...fixture.probes, 'x<eod>长长的<eod>长']) {
    assert.deepEqual([...tokenizer.encode(text)], (await reference.encode(text)).getIds());
  }
  assert.equal(tokenizer.vocabularySize, vocabularySize + 1);
});

const hasCode = (code: TokenizerErrorCode) => (error: unknown) =>
  error instanceof TokenizerError && error.code === code && error.userMistake && !error.message.includes('\n');

test('foreign and malformed files are refused by name', () => {
  const refused = (code: TokenizerErrorCode, change: (file: Record<string, Record<string, unknown>>) => void) => {
    const file = structuredClone(files.get('deepseek-v3')!) as unknown as Record<string, Record<string, unknown>>;
    change(file);
    const target = path.join(directory, 'bad.json');
    writeFileSync(target, JSON.stringify(file));
    assert.throws(
      () => Tokenizer.load(target),
      (error) => hasCode(code)(error) && String(error).includes('bad.json'),
    );
  };
  const unsupported = 'TOKENIZER_UNSUPPORTED_FILE';
  const malformed = 'TOKENIZER_MALFORMED_FILE';
  refused(unsupported, (file) => Object.assign(file, { normalizer: { type: 'Lowercase' } }));
  refused(unsupported, (file) => Object.assign(file.model!, { type: 'Unigram' }));
  refused(unsupported, (file) => Object.assign(file.model!, { byte_fallback: true }));
  refused(unsupported, (file) => Object.assign(file, { pre_tokenizer: { type: 'Metaspace' } }));
  refused(unsupported, (file) => Object.assign(file, { post_processor: { type: 'BertProcessing' } }));
  refused(malformed, (file) => Object.assign(file, { post_processor: { type: 'TemplateProcessing' } }));
  refused(unsupported, (file) => Object.assign(file, { decoder: { type: 'WordPiece' } }));
  refused(malformed, (file) => delete (file.model!.vocab as Record<string, number>).a);
  refused(malformed, (file) => Object.assign(file.model!.vocab as object, { a: 12 }));
  refused(malformed, (file) => Object.assign(file.model!, { merges: [['a', 'nothing']] }));
  refused(malformed, (file) => Object.assign(file, { model: undefined }));
  assert.throws(() => Tokenizer.load(path.join(directory, 'absent.json')), hasCode('TOKENIZER_FILE'));
  writeFileSync(path.join(directory, 'half.json'), '{"version": "1.0", ');
  assert.throws(() => Tokenizer.load(path.join(directory, 'half.json')), hasCode(malformed));
});

test('saving where nothing can be written leaves nothing and says so', () => {
  assert.throws(() => ours('gpt-2').save(path.join(directory, 'no', 'where.json')), {
    code: 'FILES_WRITE_FAILED',
    message: /where\.json: its folder does not exist/,
  });
});
