import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Example, Task, Template } from '../tasks/task.ts';
import { CharacterSimilarity } from './character-similarity.ts';
import { exampleChooser, permuted } from './choose-examples.ts';
import { fitPrompt } from './fit-prompt.ts';
import { SharedText } from './shared-text.ts';

const labels = ['甲', '乙', '丙'];
const pool: Example[] = Array.from({ length: 30 }, (_, id) => ({
  id,
  fields: { text: `样例${id}` },
  // The last label is rare.
  gold: labels[id % 10 === 0 ? 2 : id % 2]!,
}));
const question: Example = { id: 'q', fields: { text: '问题' }, gold: undefined };

test('balanced: labels differ by one at most while there are examples; the same seed gives the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9 }), fc.nat(), (shots, seed) => {
      const settings = { shots, choice: 'balanced', seed, draw: seed % 5 } as const;
      const chosen = exampleChooser(pool, labels, settings)(question);
      assert.equal(chosen.length, shots);
      assert.equal(new Set(chosen).size, shots);
      const counts = labels.map((label) => chosen.filter(({ gold }) => gold === label).length);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
      assert.deepEqual(exampleChooser(pool, labels, settings)(question), chosen);
    }),
  );
  const all = exampleChooser(pool, labels, { shots: 99, choice: 'balanced', seed: 1, draw: 0 })(question);
  assert.equal(all.length, pool.length);
});

test('seeds draw different examples, orders permute them', () => {
  const draw = (seed: number) => exampleChooser(pool, labels, { shots: 5, choice: 'seed', seed, draw: 0 })(question);
  assert.notDeepEqual(draw(1), draw(2));
  const chosen = draw(1);
  assert.equal(permuted(chosen, 0), chosen);
  const orders = [1, 2, 3, 4].map((order) => permuted(chosen, order));
  for (const order of orders) assert.deepEqual(new Set(order), new Set(chosen));
  assert.ok(new Set(orders.map((order) => order.map(({ id }) => id).join())).size > 1);
});

test('similar: the most similar example stands next to the question', () => {
  const texts = ['物流很快，包装很好', '屏幕碎了，客服不理', '电池不耐用', '物流太慢，包装破了'];
  const reviews = texts.map((text, id) => ({ id, fields: { text }, gold: '甲' }));
  const choose = exampleChooser(reviews, labels, { shots: 2, choice: 'similar', seed: 3, draw: 0 });
  const chosen = choose({ ...question, fields: { text: '物流很快，包装也好' } });
  assert.deepEqual(
    chosen.map(({ id }) => id),
    [3, 0],
  );
  const similarity = new CharacterSimilarity(texts);
  const [same, other] = similarity.scores(texts[0]!);
  assert.ok(Math.abs(same! - 1) < 1e-12 && other === 0);
});

test('balanced: splits begin, end and choose among the labels otherwise', () => {
  const golds = (names: readonly string[], shots: number, seed: number) =>
    [0, 1, 2, 3, 4].map((draw) => {
      const each = names.flatMap((gold) =>
        Array.from({ length: 4 }, (_, id) => ({ id: `${gold}${id}`, fields: {}, gold })),
      );
      return exampleChooser(each, names, { shots, choice: 'balanced', seed, draw })(question).map(({ gold }) => gold!);
    });
  const fifteen = Array.from({ length: 15 }, (_, i) => `类${i}`);
  for (const seed of [1, 2, 3, 4, 5]) {
    for (const [names, shots] of [
      [labels.slice(0, 2), 2],
      [labels.slice(0, 2), 4],
      [labels, 3],
      [labels, 2],
    ] as const) {
      const lasts = golds(names, shots, seed).map((row) => row.at(-1)!);
      const counts = names.map((name) => lasts.filter((last) => last === name).length);
      assert.ok(Math.max(...counts) <= 3 && Math.min(...counts) >= 1, `${names.length} ${shots}: ${lasts}`);
    }
    const shown = golds(fifteen, 4, seed);
    assert.ok(new Set(shown.flat()).size >= 14, 'the splits together show nearly all labels');
    assert.equal(new Set(shown.map((row) => row.at(-1))).size, 5);
  }
});

test('text shared with the training set is found, and not shown by similar', () => {
  const passage = '村口的老槐树下，几位老人正围着石桌下棋，旁边的孩子们追逐打闹。';
  const solved = [
    { id: 1, fields: { text: passage, pronoun: '他们' }, gold: '甲' },
    { id: 2, fields: { text: '天气转凉，菜市场里的白菜便宜了。', pronoun: '它' }, gold: '乙' },
  ];
  const shared = new SharedText(solved);
  const find = (text: string, pronoun: string) => {
    const { all, same } = shared.find({ id: 'q', fields: { text, pronoun }, gold: undefined });
    return { ids: [...all].map(({ id }) => id), same };
  };
  assert.deepEqual(find(passage.replaceAll('，', ' , '), '他们'), { ids: [1], same: true });
  assert.deepEqual(find(`昨天，${passage.slice(6)}`, '孩子'), { ids: [1], same: false });
  assert.deepEqual(find('几位老人正围着石桌打牌。', '他们'), { ids: [], same: false });
  assert.deepEqual(find('天气转凉，菜市场里的白菜便宜了。', '它'), { ids: [2], same: true });
  const choose = exampleChooser(solved, labels, { shots: 1, choice: 'similar', seed: 1, draw: 0 });
  const asked = { id: 'q', fields: { text: passage, pronoun: '孩子' }, gold: undefined };
  assert.deepEqual([choose(asked)[0]!.id, choose(asked, shared.find(asked).all)[0]!.id], [1, 2]);
});

const template: Template = { name: 'x', version: 1, text: '{a}和{b}[{label}]。' };
const task = {
  name: 'toy',
  cuts: [
    { field: 'a', at: 'end' },
    { field: 'b', at: 'start' },
  ],
} as unknown as Task;
/** A token a character. */
const measure = (contextLength: number) => ({ contextLength, countTokens: (text: string) => [...text].length });
const asked = (a: string, b: string) => ({ fields: { a, b }, words: ['长词', '词'], firstTokenOnly: false });

test('a prompt that fits is left alone; solved examples give way whole, the farthest first', () => {
  const solved = ['一二三四五\n', '六七八九十\n', '甲乙丙丁\n'];
  // 1 + 1 + 1 and the longest word make 5 tokens.
  const fit = (room: number) => fitPrompt(task, template, asked('子', '丑'), solved, measure(room));
  assert.deepEqual(fit(22), {
    request: {
      context: [...solved, '子和丑'],
      candidates: ['长词', '词'].map((scored) => ({ given: '', scored })),
    },
    truncated: false,
    shots: 3,
  });
  assert.deepEqual([fit(21).shots, fit(21).request.context], [2, [solved[1], solved[2], '子和丑']]);
  assert.deepEqual([fit(9).shots, fit(9).truncated], [0, false]);
});

test('then fields are cut in their order, at their end, the words of labels never', () => {
  const fit = (room: number) => fitPrompt(task, template, asked('一二三四五', '六七八九十'), ['例\n'], measure(room));
  const contextOf = (room: number) => fit(room).request.context;
  assert.deepEqual([fit(13).truncated, fit(13).shots], [false, 0]);
  assert.deepEqual(contextOf(12), ['一二三四和六七八九十']);
  assert.deepEqual(contextOf(9), ['一和六七八九十']);
  assert.deepEqual(contextOf(7), ['一和八九十']);
  assert.deepEqual([contextOf(5), fit(5).truncated], [['一和十'], true]);
  assert.deepEqual(fit(5).request.candidates[0], { given: '', scored: '长词' });
  assert.throws(() => fit(4), { code: 'EVALUATION_CONTEXT_TOO_SHORT', message: /toy/ });
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.integer({ min: 7, max: 40 }), (a, b, room) => {
      const { request } = fitPrompt(task, template, asked(a, b), ['例子例子\n'], measure(room));
      assert.ok([...request.context.join('')].length + 2 <= room);
    }),
  );
});

test('a scored text that is empty is the fault of the task', () => {
  const empty = { ...template, text: '{label}[{b}]' };
  assert.throws(() => fitPrompt(task, empty, asked('一', ''), [], measure(50)), { code: 'EVALUATION_BAD_TASK' });
});

test('where the pieces are joined, the joined text is what fits', () => {
  // A token a word of letters; a word that goes on behind a piece costs one more.
  const joined = {
    contextLength: 6,
    joins: true,
    countTokens: (text: string) => (/样词/.test(text) ? 1 : 0) + [...text].length,
  };
  const { request, truncated } = fitPrompt(
    task,
    { ...template, text: '{a}样[词{label}]' },
    asked('一二三', ''),
    [],
    joined,
  );
  assert.deepEqual([request.context, truncated], [['一样'], true]);
});
