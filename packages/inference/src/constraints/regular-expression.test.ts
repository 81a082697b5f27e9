import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Automaton, type State } from './automaton.ts';
import type { Expression } from './expression.ts';
import { Network } from './network.ts';
import { containedMatch, wholeMatch } from './regular-expression.ts';

function accepts(expression: Expression): (text: string) => boolean {
  const automaton = new Automaton(new Network({ start: expression, rules: new Map() }));
  return (text) => {
    let state: State | null = automaton.start;
    for (const byte of Buffer.from(text)) if (state !== null) state = automaton.step(state, byte);
    return state?.accepts ?? false;
  };
}

const PATTERNS = [
  'abc',
  'a|b|',
  '(?:ab)*',
  '(?<name>a)+b?',
  'a{2}',
  'a{1,3}b',
  'a{2,}',
  '[a-c]+',
  '[^a]*',
  '.',
  '.+',
  '\\d+',
  '\\w\\W\\s\\S',
  '[\\d-]+',
  '[\\]\\-a]',
  '\\u4e2d',
  '\\u{1f600}|\\ud83d\\ude01',
  '\\p{Script=Han}{2}',
  '\\P{L}+',
  '\\x41',
  '\\n|\\t',
  '(a|b)*abb',
  '(a*)*b',
  '((a|b)?c){2}',
  '[春-秋]',
  '\\.',
  '[\\s\\S]?',
  '()',
  'x*?y',
];
const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'abab',
  'aa',
  'aaa',
  'aab',
  'aaab',
  'abc',
  'abb',
  'aababb',
  '中',
  '中国',
  '春',
  '秋',
  '😀',
  '😁',
  '-',
  '1-2',
  ']',
  'A',
  '\n',
  '\t',
  '.',
  '"',
  'a b ',
  'a! b',
  'c',
  'cc',
  'acbc',
  'y',
  'xxy',
  '\u2028',
  'é',
  '𠮷',
  '\u{10ffff}',
  '\u0000',
];

test('a whole match and a contained one are those of JavaScript', () => {
  for (const pattern of PATTERNS) {
    const whole = accepts(wholeMatch(pattern));
    const contained = accepts(containedMatch(pattern));
    for (const text of TEXTS) {
      const note = `${pattern} on ${JSON.stringify(text)}`;
      assert.equal(whole(text), new RegExp(`^(?:${pattern})$`, 'u').test(text), note);
      assert.equal(contained(text), new RegExp(pattern, 'u').test(text), `${note}, contained`);
    }
  }
});

test('anchors stand at the ends, each alternative with its own', () => {
  for (const pattern of ['^a', 'a$', '^a|b$', '^$', '^(a|b)$']) {
    const contained = accepts(containedMatch(pattern));
    for (const text of TEXTS)
      assert.equal(contained(text), new RegExp(pattern, 'u').test(text), `${pattern} on ${text}`);
  }
});

test('property: random patterns match what JavaScript matches', () => {
  const atom = fc.constantFrom('a', 'b', '春', '[ab]', '[^a]', '.');
  const quantified = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}')).map((parts) => parts.join(''));
  const sequence = fc.array(quantified, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''));
  const pattern = fc
    .tuple(sequence, sequence, fc.constantFrom('', '*', '?'), sequence)
    .map(([a, b, quantifier, c]) => `(${a}|${b})${quantifier}${c}`);
  const word = fc.array(fc.constantFrom('a', 'b', '春', 'é'), { maxLength: 6 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(pattern, fc.array(word, { maxLength: 8 }), (source, words) => {
      const whole = accepts(wholeMatch(source));
      for (const text of words) assert.equal(whole(text), new RegExp(`^(?:${source})$`, 'u').test(text));
    }),
    { numRuns: 150 },
  );
});

test('what is no regular language, or wrong, is refused with its place', () => {
  const refused: [string, RegExp][] = [
    ['(a)\\1', /\\1 is not supported/],
    ['a(?=b)', /at character 3: looking around/],
    ['(?<!a)b', /looking around/],
    ['\\bword', /\\b is not supported/],
    ['(a', /a group is not closed/],
    ['a)', /'\)' closes nothing/],
    ['*a', /'\*' repeats nothing/],
    ['a**', /two quantifiers/],
    ['[z-a]', /no range/],
    ['a{3,1}', /greater count/],
    ['a^b', /only at the beginning/],
    ['[a', /ends too early/],
    ['\\p{Nonsense}', /there is no/],
    ['\\ud800', /half a surrogate/],
    ['(a{1000}){1000}', /too large/],
    ['[^\\s\\S]', /no text at all/],
  ];
  for (const [pattern, message] of refused) {
    const compile = () => new Network({ start: wholeMatch(pattern), rules: new Map() });
    assert.throws(compile, { code: 'INFERENCE_BAD_OPTION', message });
  }
});
