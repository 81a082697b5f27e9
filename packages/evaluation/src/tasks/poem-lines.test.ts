import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poemLineData, poemLines } from './poem-lines.ts';

/** Poems of two lines; every second one has longer lines. */
function poems(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const more = i % 2 === 0 ? '' : '长长';
    return `题${i}\n第${i}首起${more}。\n第${i}首承${more}。\n第${i}首转${more}。`;
  });
}

test('the asked line is the right one, the others are as long and of other poems', () => {
  const documents = poems(40);
  const examples = poemLineData(documents, 7).read(poemLines, 'test_public');
  assert.equal(examples.length, 40);
  const golds = new Set(examples.map(({ gold }) => gold));
  assert.equal(golds.size, 4);
  for (const { id, fields, gold, choices } of examples) {
    const lines = Object.values(choices!).map(([line]) => line!);
    assert.equal(new Set(lines).size, 4);
    assert.equal(new Set(lines.map((line) => [...line].length)).size, 1);
    const right = choices![gold!]![0]!;
    assert.ok(documents[id as number]!.startsWith(`${fields.before}\n${right}`));
    assert.ok(fields.before!.includes('\n'), 'a title and a line stand before');
    for (const line of lines) if (line !== right) assert.ok(!documents[id as number]!.includes(line));
  }
  assert.deepEqual(poemLineData(documents, 7).read(poemLines, 'test_public'), examples);
  assert.notDeepEqual(poemLineData(documents, 8).read(poemLines, 'test_public'), examples);
});

test('poems without enough others of their length are left out; none at all is an error', () => {
  const few = [...poems(8), '孤\n这一首诗的句子与众不同地长。\n这一首诗的句子与众不同地长吗。'];
  assert.ok(
    poemLineData(few, 1)
      .read(poemLines, 'test_public')
      .every(({ id }) => id !== 8),
  );
  assert.throws(() => poemLineData(['题\n一句。'], 1), { code: 'EVALUATION_TOO_FEW_SAMPLES' });
});
