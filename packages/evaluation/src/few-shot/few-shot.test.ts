import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Example, Task, Template } from '../tasks/task.ts';
import { CharacterSimilarity } from './character-similarity.ts';
import { exampleChooser, permuted } from './choose-examples.ts';
import { fitPrompt } from './fit-prompt.ts';

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
      const settings = { shots, choice: 'balanced', seed } as const;
      const chosen = exampleChooser(pool, labels, settings)(question);
      assert.equal(chosen.length, shots);
      assert.equal(new Set(chosen).size, shots);
      const counts = labels.map((label) => chosen.filter(({ gold }) => gold === label).length);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
      assert.deepEqual(exampleChooser(pool, labels, settings)(question), chosen);
    }),
  );
  const all = exampleChooser(pool, labels, { shots: 99, choice: 'balanced', seed: 1 })(question);
  assert.equal(all.length, pool.length);
});

test('seeds draw different examples, orders permute them', () => {
  const draw = (seed: number) => exampleChooser(pool, labels, { shots: 5, choice: 'seed', seed })(question);
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
  const choose = exampleChooser(reviews, labels, { shots: 2, choice: 'similar', seed: 3 });
  const chosen = choose({ ...question, fields: { text: '物流很快，包装也好' } });
  assert.deepEqual(
    chosen.map(({ id }) => id),
    [3, 0],
  );
  const similarity = new CharacterSimilarity(texts);
  const [same, other] = similarity.scores(texts[0]!);
  assert.ok(Math.abs(same! - 1) < 1e-12 && other === 0);
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
