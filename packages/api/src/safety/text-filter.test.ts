import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERSONAL_DATA, type PersonalDataKind } from '@tunan/page/personal-data';
import fc from 'fast-check';
import type { Action, DirectionRules, ListedWord } from './rules.ts';
import { TextFilter } from './text-filter.ts';
import { WordTrie } from './word-trie.ts';

const trie = (...words: string[]) =>
  new WordTrie<ListedWord>(words.map((word) => [word, { category: 'c', mask: `[${word.length}]` }]));
const MASKS = Object.fromEntries(PERSONAL_DATA.map((kind) => [kind, `<${kind}>`])) as Record<PersonalDataKind, string>;

function rules(given: Partial<DirectionRules>): DirectionRules {
  return { words: [], personalData: undefined, classifier: undefined, ...given };
}

function run(given: DirectionRules, parts: readonly string[]) {
  const filter = new TextFilter(given);
  let text = '';
  const categories: string[] = [];
  for (const part of [...parts, undefined]) {
    const step = part === undefined ? filter.end() : filter.push(part);
    text += step.pieces.map((piece) => piece.text).join('');
    categories.push(...step.findings.map(({ action, category }) => `${action} ${category}`));
    if (step.blocked !== undefined) return { text, categories, blocked: step.blocked.category };
  }
  return { text, categories, blocked: undefined };
}

const masking: readonly (readonly [Action, WordTrie<ListedWord>])[] = [
  ['mask', trie('赌博', '赌博网站', '博网', 'ab', 'bcd', 'cdx', 'Spam', '甲乙甲', '乙甲丙')],
  ['log', trie('网站', 'bc')],
];
const blocking = [...masking, ['block', trie('违禁', '甲乙丙丁', 'x')]] as const;
const personalData = { kinds: PERSONAL_DATA, action: 'mask', masks: MASKS } as const;
/** Judges a text by its letters alone, so that it is the same wherever it is asked. */
const classifier = {
  label: 'bad',
  threshold: 0.5,
  action: 'block',
  probability: (text: string) => (text.match(/坏/g)?.length ?? 0) / 8,
} satisfies DirectionRules['classifier'];

const PIECES = [
  ...[
    '赌',
    '博',
    '网',
    '站',
    '赌博网站',
    '违禁',
    '违',
    '甲乙',
    '甲',
    '丙',
    '丁',
    'a',
    'b',
    'c',
    'd',
    'x',
    'spam',
    'ＳＰＡＭ',
    ' ',
    '，',
    '\n',
    'İ',
    '𠮷',
  ],
  ...[
    '13812345678',
    '138 1234 5678',
    'zhang@163.com',
    '北京市海淀区幸福路3号院2号楼1101室',
    '电话',
    'QQ：12345678',
    '万元',
    '今天天气',
  ],
];
const texts = fc
  .array(fc.constantFrom(...PIECES, '坏坏', '好'.repeat(90)), { maxLength: 14 })
  .map((pieces) => pieces.join(''));

test('a text that comes in any parts is masked, ended and noted as the whole is', () => {
  const kinds = fc.constantFrom(
    rules({ words: masking }),
    rules({ words: blocking, personalData }),
    rules({ personalData }),
    rules({ words: masking, personalData, classifier }),
    rules({ classifier }),
  );
  const property = fc.property(texts, kinds, fc.array(fc.nat(12)), (text, given, lengths) => {
    const parts: string[] = [];
    let at = 0;
    for (const length of lengths) {
      parts.push(text.slice(at, at + length));
      at += length;
    }
    parts.push(text.slice(at));
    assert.deepEqual(run(given, parts), run(given, [text]));
    assert.deepEqual(run(given, [...text]), run(given, [text]));
  });
  fc.assert(property, { numRuns: 600 });
});

test('words: the longest, whole where they are of letters, in any case and width', () => {
  const given = rules({ words: masking });
  assert.equal(run(given, ['赌博网站与赌博']).text, '[4]与[2]');
  assert.equal(run(given, ['spam SPAM ｓｐａｍ spammer']).text, '[4] [4] [4] spammer');
  assert.deepEqual(run(given, ['赌博网站']).categories.sort(), ['log c', 'mask c']);
});

test('what blocks ends the text before it; a mask that it overlaps does not hide it', () => {
  const given = rules({
    words: [
      ['mask', trie('甲乙')],
      ['block', trie('乙丙')],
    ],
  });
  assert.deepEqual(run(given, ['一甲乙丙二']), { text: '一[2]', categories: ['mask c', 'block c'], blocked: 'c' });
});

test('only what may become a match is held back', () => {
  const filter = new TextFilter(rules({ words: masking }));
  const shown = (text: string) =>
    filter
      .push(text)
      .pieces.map((piece) => piece.text)
      .join('');
  assert.equal(shown('春眠不觉晓'), '春眠不觉晓');
  assert.equal(shown('处处赌'), '处处');
  assert.equal(shown('徒'), '赌徒');
  assert.equal(shown('赌博'), '');
  assert.equal(shown('者'), '[2]者');
});

test('a classifier ends a text where it judges, and sees what came before', () => {
  const text = `${'好'.repeat(150)}${'坏'.repeat(4)}${'好'.repeat(300)}`;
  const { text: shown, blocked } = run(rules({ classifier }), [...text]);
  assert.deepEqual([shown.length, blocked], [200, 'bad']);
  assert.equal(run(rules({ classifier }), ['坏'.repeat(4)]).blocked, 'bad');
  assert.equal(run(rules({ classifier }), ['坏'.repeat(3)]).blocked, undefined);
});

test('long lines are looked at by their end', () => {
  const line = '好赌'.repeat(5_000);
  const { text } = run(rules({ words: masking, personalData }), [line, '博13812345678', line]);
  assert.equal(text.length, line.length * 2 - 1 + '[2]<mobile>'.length);
});
