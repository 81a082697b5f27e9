import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Tokenizer as HuggingFace } from 'tokenizers';
import { TokenizerError } from './errors.ts';
import { createPreTokenizer, preTokenizerNames } from './pre-tokenizers.ts';
import { characterClasses, LETTER, MARK, NUMBER, OTHER, PUNCTUATION, SPACE, SYMBOL } from './unicode-classes.ts';

/** Words by Hugging Face's own regular expressions. */
function reference(patterns: readonly string[]): (text: string) => string[] {
  const pretokenizers = patterns.map((regex) => ({
    type: 'Split',
    pattern: { Regex: regex },
    behavior: 'Isolated',
    invert: false,
  }));
  const file = {
    version: '1.0',
    added_tokens: [],
    pre_tokenizer: { type: 'Sequence', pretokenizers },
    model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
  };
  const splitter = HuggingFace.fromString(JSON.stringify(file)).getPreTokenizer()!;
  return (text) => splitter.preTokenizeString(text).map(([word]) => word);
}

for (const name of preTokenizerNames) {
  const preTokenizer = createPreTokenizer(name);
  const theirs = reference(preTokenizer.patterns);
  const ours = (text: string): string[] => {
    const words: string[] = [];
    preTokenizer.split(text, (start, end) => words.push(text.slice(start, end)));
    return words;
  };

  test(`${name} treats every assigned code point as Hugging Face does, beside letters, signs, digits and spaces`, () => {
    const contexts = ['a中', '1。', ' \n', '$'];
    const lastAssigned = 0x323af;
    for (let start = 0; start <= lastAssigned; start += 0x800) {
      let text = '';
      for (let codePoint = start; codePoint < start + 0x800; codePoint++) {
        if (codePoint < 0xd800 || codePoint > 0xdfff)
          text += String.fromCodePoint(codePoint) + contexts[codePoint % 4]!;
      }
      assert.deepEqual(ours(text), theirs(text));
    }
  });

  test(`${name} splits random text as Hugging Face does, without gaps`, () => {
    const piece = fc.constantFrom(
      ...' \n\r\t\u3000\u0085aZſß1٣中龥龦㐀〇あーァ・゙。，!"\'<-_$€￥́𠮷😀',
      "'s",
      "'LL",
      "'ſ",
      '  \n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const text = pieces.join('');
        const words = ours(text);
        assert.equal(words.join(''), text);
        assert.deepEqual(words, theirs(text));
      }),
      { numRuns: 4000 },
    );
  });
}

test('the frozen classes are the classes of Node but for code points that are newer', () => {
  const classes = characterClasses();
  const expressions: [number, RegExp][] = [
    [LETTER, /\p{L}/u],
    [MARK, /\p{M}/u],
    [NUMBER, /\p{N}/u],
    [PUNCTUATION, /\p{P}/u],
    [SYMBOL, /\p{S}/u],
    [SPACE, /[\t-\r\u0085\p{Z}]/u],
  ];
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    const character = String.fromCodePoint(codePoint);
    const ofNode = expressions.find(([, expression]) => expression.test(character))?.[0] ?? OTHER;
    if (classes[codePoint] !== OTHER) assert.equal(classes[codePoint], ofNode, codePoint.toString(16));
  }
});

test('patterns that engines read differently are refused', () => {
  for (const pattern of [
    'a.b',
    '^a',
    '(?i:a)',
    '(?<=a)b',
    'a++',
    'a+?',
    '\\p{Han}+',
    '[a[b]]',
    '[a&&b]',
    '\\w+',
    '[\\S]',
  ]) {
    assert.throws(
      () => createPreTokenizer({ patterns: [pattern] }),
      (error) => error instanceof TokenizerError && error.code === 'TOKENIZER_UNSUPPORTED_FILE',
      pattern,
    );
  }
  assert.equal(createPreTokenizer({ patterns: createPreTokenizer('qwen2').patterns }).name, 'qwen2');
});
