import assert from 'node:assert/strict';
import { test } from 'node:test';
import { satisfies } from '@tunan/inference';
import { coupletGrammar, verseGrammar } from './impose.ts';
import { departs, judgeParallel, WORD_CLASSES } from './parallel.ts';
import { rhymeBook } from './rhyme-book.ts';

const book = rhymeBook('pingshui');
const drawn = (seed: number) => {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
};

test('parallel couplets pass, and what was not checked is said', () => {
  for (const [upper, lower] of [
    ['两个黄鹂鸣翠柳', '一行白鹭归青天'],
    ['漠漠水田飞白鹭', '阴阴夏木啭黄鹂'],
    ['春蚕到死丝方尽', '蜡炬成灰泪始干'],
    ['风声雨声读书声，声声入耳', '家事国事天下事，事事关心'],
  ] as const) {
    const judged = judgeParallel([[upper, lower]], 0);
    assert.ok(judged.passed, judged.message.zh);
    assert.match(judged.message.zh, /程序不能判断/);
    assert.match(judged.message.en, /no program can tell/);
  }
});

test('numbers, colours, directions, function words and doublings stand against their like', () => {
  const wrong: readonly [string, string, RegExp, RegExp][] = [
    ['三春花正好', '明月夜将阑', /“三”对“明”，数目不相对/, /三 against 明: a number without its like/],
    ['白鸟悠悠下', '寒山寂寂秋', /“白”对“寒”，颜色不相对/, /colour/],
    ['门前一水绕', '屋角万山青', /“前”对“角”，方位不相对/, /direction/],
    ['春风犹未至', '流水忽成声', /“犹”对“忽”，虚词不相对；“未”对“成”/, /function word/],
    ['漠漠水田飞鹭', '阴沉夏木啭鹂', /重复字位置不一致/, /do not repeat characters/],
    ['春风吹水', '秋风动山', /与上句重字：风/, /upper line again: 风/],
    ['春风', '秋水寒', /上句 2 字，下句 3 字/, /first line has 2 characters, the second 3/],
  ];
  for (const [upper, lower, zh, en] of wrong) {
    const judged = judgeParallel([[upper, lower]], 0);
    assert.equal(judged.passed, false, upper);
    assert.match(judged.message.zh, zh);
    assert.match(judged.message.en, en);
  }
  // As many as are allowed pass, and are counted.
  assert.match(judgeParallel([['三春花正好', '明月夜将阑']], 1).message.zh, /1 处不合/);
  assert.ok(!judgeParallel([['春风犹未至', '流水忽成声']], 1).passed);
  // What only may belong to a class asks for nothing.
  assert.equal(departs('无', '山'), undefined);
  assert.equal(departs('两', '孤'), undefined);
});

test('a lower line that is imposed answers a number with a number, and none where none is asked for', () => {
  const source = coupletGrammar('三山半落青天外', { book, tones: 'even', parallel: true }, drawn(3));
  const fits = (line: string) => satisfies(line, { kind: 'grammar', source });
  assert.ok(fits('二水孤浮白鹭东'));
  assert.ok(!fits('流水孤浮白鹭东'), 'a number against none');
  assert.ok(!fits('二水孤浮大鹭东'), 'a colour against none');
  assert.ok(!fits('二一孤浮白鹭东'), 'a number against a word that is none');
  assert.ok(
    satisfies('流水孤浮大鹭东', {
      kind: 'grammar',
      source: coupletGrammar('三山半落青天外', { book, tones: 'even' }, drawn(3)),
    }),
  );
});

test('middle couplets that are imposed have a class word at the same place of both lines, or nowhere', () => {
  const classOf = (set: readonly string[]) =>
    WORD_CLASSES.find(({ takes }) => set.every((one) => takes.has(one)))?.name.en;
  const asks = (set: readonly string[]) => set.some((one) => departs(one, '山') !== undefined);
  let withClass = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const form = { form: 'five-regulated', book, tones: true, rhyme: true, parallel: true } as const;
    const source = verseGrammar({ ...form, draw: drawn(seed) });
    const sets = new Map([...source.matchAll(/^(\S+) ::= \[(.*)\]$/gm)].map(([, name, body]) => [name!, [...body!]]));
    const places = source
      .match(/^root ::= (.*)$/m)![1]!
      .split(' ')
      .filter((part) => !part.startsWith('"'))
      .map((part) => sets.get(part)!);
    for (const first of [10, 20]) {
      const [above, below] = [places.slice(first, first + 5), places.slice(first + 5, first + 10)];
      assert.deepEqual(above.map(classOf), below.map(classOf));
      const free = [...above, ...below].filter((set) => classOf(set) === undefined);
      assert.ok(free.length >= 8 && !free.some(asks));
      if (free.length === 8) withClass++;
    }
    assert.ok(places.slice(0, 4).every(asks), 'elsewhere words of classes are free');
  }
  assert.ok(withClass > 4);
});
