import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { TokenizerError } from './errors.ts';
import type { PreTokenizerName } from './pre-tokenizers.ts';
import type { TokenizerFile } from './tokenizer-file.ts';
import { type TrainingProgress, trainBpe } from './train.ts';

const golden = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../tests/golden/${name}.json`, import.meta.url), 'utf8'));
const fixture: { texts: string[]; repetitive: string[][]; vocabularySize: number; minFrequency: number } =
  golden('tokenizer-fixture');
const expected: {
  fixture: Record<PreTokenizerName, { merges: string[] }>;
  repetitive: { merges: string[]; vocabularySize: number }[];
  exhausted: { merges: string[]; vocabularySize: number };
  poems: {
    split: PreTokenizerName;
    firstFile: number;
    files: number;
    vocabularySize: number;
    mergesSha256: string;
  }[];
} = golden('tokenizer-golden');

const mergesOf = (file: TokenizerFile): string[] => file.model.merges.map((merge) => merge.join(' '));

/** Song poems of the npm package chinese-poetry, as tests/golden/tokenizer.py reads them. */
function poems(firstFile: number, files: number): string[] {
  const root = path.dirname(createRequire(import.meta.url).resolve('chinese-poetry/package.json'));
  const texts: string[] = [];
  for (let file = firstFile; file < firstFile + files; file++) {
    const name = path.join(root, 'dist', 'quantangshi', `poet.song.${file * 1000}.json`);
    const content: { paragraphs: string[] }[] = JSON.parse(readFileSync(name, 'utf8'));
    for (const poem of content) texts.push(poem.paragraphs.join('\n'));
  }
  return texts;
}

for (const [preTokenizer, { merges }] of Object.entries(expected.fixture)) {
  test(`merges of the fixture equal Hugging Face's with the split ${preTokenizer}`, async () => {
    const { texts, vocabularySize, minFrequency } = fixture;
    const file = await trainBpe(texts, {
      vocabularySize,
      minFrequency,
      preTokenizer: preTokenizer as PreTokenizerName,
    });
    assert.deepEqual(mergesOf(file), merges);
    assert.equal(Object.keys(file.model.vocab).length, vocabularySize);
  });
}

for (const { split, firstFile, files, vocabularySize, mergesSha256 } of expected.poems) {
  test(`merges of ${files} files of poems equal Hugging Face's (${split}, ${vocabularySize})`, async () => {
    const file = await trainBpe(poems(firstFile, files), { vocabularySize, preTokenizer: split });
    assert.equal(createHash('sha256').update(mergesOf(file).join('\n')).digest('hex'), mergesSha256);
  });
}

test('merging on until nothing is left equals Hugging Face, and one token more is refused with the possible size', async () => {
  const { merges, vocabularySize } = expected.exhausted;
  const options = { preTokenizer: 'gpt-2', minFrequency: 1 } as const;
  const texts = fixture.texts.slice(0, 40);
  const file = await trainBpe(texts, { ...options, vocabularySize });
  assert.deepEqual(mergesOf(file), merges);
  await assert.rejects(
    trainBpe(texts, { ...options, vocabularySize: 100_000 }),
    (error) =>
      error instanceof TokenizerError &&
      error.code === 'TOKENIZER_VOCABULARY_TOO_LARGE' &&
      error.message.includes(`at most ${vocabularySize} tokens`),
  );
});

test('texts of few letters, where pairs overlap and repeat, are merged as by Hugging Face', async () => {
  for (const [i, { merges, vocabularySize }] of expected.repetitive.entries()) {
    const options = { vocabularySize, preTokenizer: 'gpt-2', minFrequency: 1 } as const;
    assert.deepEqual(mergesOf(await trainBpe(fixture.repetitive[i]!, options)), merges, `texts ${i}`);
  }
});

test('a special token that is spelt in the texts keeps its id and is counted once', async () => {
  const file = await trainBpe(['abcd abcd abcd'], { vocabularySize: 260, specials: ['abcd'], preTokenizer: 'gpt-2' });
  assert.deepEqual(mergesOf(file), ['a b', 'c d', 'ab cd', 'Ġ abcd']);
  assert.equal(file.model.vocab.abcd, 0);
  assert.equal(file.model.vocab.Ġabcd, 259);
});

test('all bytes are in the vocabulary, specials first', async () => {
  const file = await trainBpe(['中'], { vocabularySize: 261 });
  assert.deepEqual(
    file.added_tokens.map(({ id, content }) => [id, content]),
    [
      [0, '<unk>'],
      [1, '<sep>'],
      [2, '<pad>'],
      [3, '<mask>'],
      [4, '<eod>'],
    ],
  );
  assert.equal(file.model.merges.length, 0);
  assert.deepEqual(
    Object.values(file.model.vocab).toSorted((a, b) => a - b),
    Array.from({ length: 261 }, (_, i) => i),
  );
});

test('a sample is the same for any order of the texts, another for another seed, and within its bytes', async () => {
  const texts = poems(0, 8);
  const train = async (input: Iterable<string>, seed: number) => {
    const seen: TrainingProgress[] = [];
    const file = await trainBpe(input, {
      vocabularySize: 1500,
      sampleBytes: 1 << 20,
      seed,
      onProgress: (progress) => seen.push(progress),
    });
    for (const { stage, total } of seen) if (stage === 'counting') assert.ok(total! <= 1 << 20);
    return mergesOf(file);
  };
  const first = await train(texts, 7);
  assert.deepEqual(await train(texts.toReversed(), 7), first);
  assert.notDeepEqual(await train(texts, 8), first);
});

test('a long text is cut for sampling where it does not change the words', async () => {
  const book = poems(0, 4).join('\n \n');
  const whole = await trainBpe([book], { vocabularySize: 3000, sampleBytes: 8 << 20 });
  const joined = await trainBpe([...poems(0, 4), ...Array.from({ length: 3999 }, () => '\n \n')], {
    vocabularySize: 300,
  });
  assert.ok(mergesOf(whole).length === 3000 - 261 && mergesOf(joined).length > 0);
  const sampled = await trainBpe([book], { vocabularySize: 1000, sampleBytes: 1 << 20 });
  assert.equal(mergesOf(sampled).length, 1000 - 261);
});

test('asynchronous texts give what synchronous ones give', async () => {
  async function* stream() {
    yield* fixture.texts;
  }
  const options = { vocabularySize: 600 };
  assert.deepEqual(await trainBpe(stream(), options), await trainBpe(fixture.texts, options));
});

test('one unbroken line of a million characters trains in bounded work', async () => {
  const line = fc.sample(fc.integer({ min: 0x4e00, max: 0x4e40 }), { seed: 3, numRuns: 200_000 });
  const text = String.fromCodePoint(...line.slice(0, 50_000)) + String.fromCodePoint(...line.slice(50_000, 100_000));
  const file = await trainBpe([text.repeat(10)], { vocabularySize: 2000 });
  assert.equal(file.model.merges.length, 2000 - 261);
});

test('bad options and empty corpora are refused with a code', async () => {
  const refused = (texts: string[], options: Parameters<typeof trainBpe>[1], code: string) =>
    assert.rejects(trainBpe(texts, options), (error) => error instanceof TokenizerError && error.code === code);
  await refused(['a'], { vocabularySize: 260 }, 'TOKENIZER_BAD_OPTION');
  await refused(['a'], { vocabularySize: 100_001 }, 'TOKENIZER_BAD_OPTION');
  await refused(['a'], { vocabularySize: 300, sampleBytes: 5 }, 'TOKENIZER_BAD_OPTION');
  await refused(['a'], { vocabularySize: 300, seed: 0.5 }, 'TOKENIZER_BAD_OPTION');
  await refused(['a'], { vocabularySize: 300, minFrequency: 0 }, 'TOKENIZER_BAD_OPTION');
  await refused(['a'], { vocabularySize: 300, specials: ['<a>', '<a>'] }, 'TOKENIZER_BAD_OPTION');
  await refused(['a'], { vocabularySize: 300, preTokenizer: 'nonsense' as 'gpt-2' }, 'TOKENIZER_BAD_OPTION');
  await refused([], { vocabularySize: 300 }, 'TOKENIZER_EMPTY_CORPUS');
  await refused(['中'.repeat(400_000)], { vocabularySize: 300, sampleBytes: 1 << 20 }, 'TOKENIZER_EMPTY_CORPUS');
  await refused(['ab'], { vocabularySize: 300 }, 'TOKENIZER_VOCABULARY_TOO_LARGE');
});
