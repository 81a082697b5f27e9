import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { EvaluationError } from '../errors.ts';
import { readTaskFile } from './task-file.ts';

const mood = {
  name: 'mood',
  words: { good: ['好', '妙'], bad: ['坏', '糟'] },
  templates: [{ name: 'plain', text: '{text}，{tags}，真[{label}]。' }],
  line: { id: 'meta.id', gold: 'label', fields: { text: 'review.text', tags: 'tags' } },
};
const choice = {
  name: 'choice',
  labels: ['0', '1'],
  templates: [{ name: 'plain', text: '{text}[{label}]' }],
  line: { gold: 'answer', choices: 'options', fields: { text: 'text' } },
};

function inFolder(t: { after(done: () => void): void }): (name: string, content: unknown) => string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-task-file-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return (name, content) => {
    const file = path.join(directory, name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
}

test('a JSON file describes tasks: nested fields, lists, choices of each example', async (t) => {
  const write = inFolder(t);
  const [first, second] = await readTaskFile(write('tasks.json', [mood, choice]));
  assert.deepEqual([first!.title, first!.labels, first!.templates[0]!.version], ['mood', ['good', 'bad'], 1]);
  const line = { meta: { id: 'a7' }, label: 'bad', review: { text: '菜冷了' }, tags: ['慢', '贵'] };
  assert.deepEqual(first!.read(line), { id: 'a7', fields: { text: '菜冷了', tags: '慢、贵' }, gold: 'bad' });
  assert.throws(() => first!.read({ ...line, review: {} }), /review\.text/);
  assert.deepEqual(second!.read({ text: '问', options: ['甲', '乙'], answer: 1 }), {
    id: undefined,
    fields: { text: '问' },
    gold: '1',
    choices: { 0: ['甲'], 1: ['乙'] },
  });
  assert.throws(() => second!.read({ text: '问', options: ['甲'], answer: 1 }), /options: a list of 2/);
});

test('a module gives a task with a function of its own', async (t) => {
  const write = inFolder(t);
  const file = write(
    'my-task.ts',
    `const words: Record<string, string[]> = { yes: ['是'], no: ['否'] };
     export default { name: 'mine', words, labels: ['yes', 'no'], templates: [{ name: 'a', text: '{q}[{label}]' }],
       read: (line: { q: string }) => ({ id: 1, fields: { q: line.q.trim() }, gold: 'yes' }) };`,
  );
  const [task] = await readTaskFile(file);
  assert.deepEqual(task!.read({ q: ' 问 ' }), { id: 1, fields: { q: '问' }, gold: 'yes' });
});

test('all that is wrong with a file is said at once, with its name and fields', async (t) => {
  const write = inFolder(t);
  const wrong: [string, unknown, RegExp[]][] = [
    ['a.json', '{', [/a\.json/]],
    ['b.json', { ...mood, name: 'My Task' }, [/name: lower-case/]],
    ['c.json', { ...mood, extra: 1, template: [] }, [/2 mistakes/, /extra/, /template/, /did you mean "templates"/]],
    ['d.json', { ...mood, templates: [{ name: 'x', text: '{text}很好' }] }, [/templates\.0\.text: .* square brackets/]],
    [
      'e.json',
      { ...mood, templates: [{ name: 'x', text: '{tex}[{label}]' }] },
      [/the field tex,/, /"text"/, /text, tags/],
    ],
    ['f.json', { ...mood, labels: ['good', 'bad', 'so'] }, [/words: no word for the label "so"/]],
    ['g.json', { ...mood, words: { good: ['好'] } }, [/labels: at least two labels/]],
    ['h.json', [mood, { ...mood, line: undefined }], [/2\.line/]],
    ['i.mjs', 'export const task = 1;', [/no default export/]],
    ['j.mjs', 'export default [', [/j\.mjs/]],
    [
      'k.json',
      { ...mood, cuts: [{ field: 'texts' }], contentFree: [{ tag: '' }] },
      [/cuts\.0\.field: .*texts/, /contentFree\.0: .*tag/],
    ],
    ['l.json', { ...mood, templates: [...mood.templates, ...mood.templates] }, [/two templates are called plain/]],
    ['m.json', { ...choice, line: { ...choice.line, choices: undefined } }, [/no word for the label "0"/, /label "1"/]],
  ];
  for (const [name, content, messages] of wrong) {
    const file = write(name, content);
    await assert.rejects(readTaskFile(file), (error: EvaluationError) => {
      assert.equal(error.code, 'EVALUATION_BAD_TASK', error.message);
      for (const message of messages) assert.match(error.message, message);
      if (!name.startsWith('j')) assert.match(error.chinese!, /[\u4e00-\u9fff]/);
      return error.message.includes(name);
    });
  }
  await assert.rejects(readTaskFile('/nowhere/task.json'), { code: 'EVALUATION_BAD_TASK' });
});
