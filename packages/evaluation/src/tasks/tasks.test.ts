import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { clueTasks } from './suites.ts';
import type { Example, Task } from './task.ts';
import { folderData, readTaskData } from './task-data.ts';
import { parseTemplate, renderQuestion, renderSolved, scoresLabelWord, templateFields } from './template.ts';

const fixture = path.resolve(import.meta.dirname, '../../../../tests/fixtures/fewclue');
const shared = path.resolve(import.meta.dirname, '../../../../../shared/data/fewclue');

function taskOf(name: string): Task {
  return clueTasks.find((task) => task.name === name)!;
}

function wordsOf(task: Task, index: number, example: Example) {
  return example.choices ?? task.templates[index]!.words ?? task.words!;
}

for (const task of clueTasks) {
  test(`${task.title}: templates, words and content-free prompts fit together`, () => {
    const [example] = readTaskData(task, fixture, 'test_public') as [Example];
    assert.ok(task.templates.length >= 2);
    assert.equal(new Set(task.templates.map(({ name }) => name)).size, task.templates.length);
    task.templates.forEach((template, i) => {
      const words = wordsOf(task, i, example);
      assert.deepEqual(Object.keys(words).sort(), [...task.labels].sort());
      const all = Object.values(words).flat();
      assert.equal(new Set(all).size, all.length, 'a word of two labels');
      if (example.choices === undefined) for (const list of Object.values(words)) assert.ok(list.length >= 3);
      for (const empty of task.contentFree) {
        const unknown = Object.keys(empty).find((name) => !(name in example.fields));
        assert.equal(unknown, undefined);
        const { candidates } = renderQuestion(template, { ...example.fields, ...empty }, all);
        assert.ok(candidates.every(({ scored }) => scored !== ''));
      }
      const text = renderQuestion(template, example.fields, all.slice(0, 1));
      const whole = text.context + text.candidates[0]!.given + text.candidates[0]!.scored;
      assert.ok(renderSolved(template, example.fields, all[0]!).startsWith(whole));
      assert.doesNotMatch(whole, /\{|\}|undefined/);
    });
    for (const { field } of task.cuts) assert.ok(field in example.fields);
    for (const name of templateFields(task.tuning!.text)) assert.ok(name in example.fields);
  });

  test(`${task.title}: every set of the fixture is read, with labels where there are some`, () => {
    for (const name of ['test_public', 'train_0', 'dev_4', 'train_few_all']) {
      const examples = readTaskData(task, fixture, name);
      assert.ok(examples.every(({ gold, id }) => gold !== undefined && id !== undefined));
    }
    assert.ok(readTaskData(task, fixture, 'test').every(({ gold }) => gold === undefined));
  });
}

test('numbers of labels and of examples are those of FewCLUE', {
  skip: existsSync(shared) ? false : '../shared/data is absent',
}, () => {
  const sizes: Record<string, readonly number[]> = {
    eprstmt: [2, 32, 32, 610, 753],
    csldcp: [67, 536, 536, 1784, 2999],
    tnews: [15, 240, 240, 2010, 1500],
    iflytek: [119, 928, 690, 1749, 2600],
    ocnli: [3, 32, 32, 2520, 3000],
    bustm: [2, 32, 32, 1772, 2000],
    chid: [7, 42, 42, 2002, 2000],
    csl: [2, 32, 32, 2838, 3000],
    cluewsc: [2, 32, 32, 976, 290],
  };
  for (const task of clueTasks) {
    const [labels, ...counts] = sizes[task.name]!;
    assert.equal(task.labels.length, labels);
    const sets = ['train_0', 'dev_0', 'test_public', 'test'];
    assert.deepEqual(
      sets.map((name) => readTaskData(task, shared, name).length),
      counts,
    );
  }
});

test('the mistakes of the original are not made', () => {
  const wsc = taskOf('cluewsc').read({
    target: { span2_index: 6, span1_index: 0, span1_text: '小明', span2_text: '他' },
    idx: 77,
    label: 'true',
    text: '小明说今天，他很高兴。',
  });
  // The record's own id, the place counted from 1, and the right answer under the word for yes.
  assert.equal(wsc.id, 77);
  assert.equal(wsc.fields.place, '7');
  assert.equal(
    renderSolved(taskOf('cluewsc').templates[0]!, wsc.fields, '是'),
    '小明说今天，他很高兴。其中第7个字的他是小明',
  );
  const line = { id: 4, sentence1: '下雨了', sentence2: '地湿了' };
  const ocnli = taskOf('ocnli');
  for (const label of ['entailment', undefined]) {
    const { fields } = ocnli.read({ ...line, ...(label && { label }) });
    assert.equal(renderSolved(ocnli.templates[0]!, fields, '对'), '下雨了？对，地湿了');
  }
  assert.deepEqual(taskOf('tnews').labels.length, new Set(taskOf('tnews').labels).size);
});

test('a template is given, scored and rest; what is wrong with one is said', () => {
  assert.deepEqual(parseTemplate('{a}很[{label}]。'), { given: '{a}很', scored: '{label}', rest: '。' });
  const template = { name: 'x', version: 1, text: '{a}？{label}，[{b}]完' };
  assert.deepEqual(renderQuestion(template, { a: '{label}', b: '[乙]' }, ['对', '错']), {
    context: '{label}？',
    candidates: [
      { given: '对，', scored: '[乙]' },
      { given: '错，', scored: '[乙]' },
    ],
  });
  assert.equal(renderSolved(template, { a: '甲', b: '乙' }, '对'), '甲？对，乙完');
  assert.equal(scoresLabelWord(template), false);
  assert.equal(scoresLabelWord({ ...template, text: '[{label}]' }), true);
  for (const wrong of ['{a}{label}', '[{a}]', '[{a}]{label}', '[{label}][{a}]', '{label}[{label}]', '[]{label}']) {
    assert.throws(() => parseTemplate(wrong), /needs/);
  }
  assert.throws(() => renderQuestion({ ...template, text: '[{label}{c}]' }, { a: '' }, ['对']), /\{c\}/);
});

test('between a text and the template stands one mark', () => {
  const rendered = (text: string, a: string) => renderSolved({ name: 'x', version: 1, text }, { a }, '对');
  const full = (a: string) => rendered('{a}。这条[{label}]', a).replace('这条对', '');
  for (const [a, expected] of [
    ['好用', '好用。'],
    ['好用。', '好用。'],
    ['好用！！', '好用！！'],
    ['好用吗？', '好用吗？'],
    ['好用……', '好用……'],
    ['好用~', '好用~'],
    ['好用，', '好用。'],
    ['他说：“好用。”', '他说：“好用。”'],
    ['他说：“好用”', '他说：“好用”。'],
    ['版本1.5', '版本1.5。'],
    ['OK.', 'OK.'],
    ['', '。'],
    ['……', '……'],
  ] as const) {
    assert.equal(full(a), expected);
  }
  const asked = (a: string) => rendered('{a}？{label}，[{a}]', a);
  assert.equal(asked('下雨了。'), '下雨了？对，下雨了。');
  assert.equal(asked('下雨了吗？'), '下雨了吗？对，下雨了吗？');
  assert.equal(asked('他说：“好。”'), '他说：“好”？对，他说：“好。”');
  assert.equal(rendered('{a}，{label}，[{a}]', '下雨了！'), '下雨了，对，下雨了！');
  // What is scored stays as it is; the full stop behind it gives way.
  assert.equal(rendered('看{label}：[{a}]。完', '下雨了。'), '看对：下雨了。完');
  for (const task of clueTasks) {
    for (const example of readTaskData(task, fixture, 'test_public')) {
      for (const [i, template] of task.templates.entries()) {
        if (!/\{\w+\}\]?[。？，]/.test(template.text)) continue;
        const whole = renderSolved(template, example.fields, Object.values(wordsOf(task, i, example))[0]![0]!);
        assert.doesNotMatch(whole.replaceAll('……', ''), /[。？！，][。？，]/, `${task.name} ${template.name}`);
      }
    }
  }
});

test('damaged data is named by file and line', (t) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-tasks-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const task = taskOf('eprstmt');
  mkdirSync(path.join(directory, 'eprstmt'));
  const file = path.join(directory, 'eprstmt', 'test_public.json');
  const good = '{"id": 1, "sentence": "好", "label": "Positive"}';
  const reading = (content: string | Buffer) => {
    writeFileSync(file, content);
    return () => readTaskData(task, directory, 'test_public');
  };
  assert.equal(reading(`${good}\n\n${good}\r\n`)().length, 2);
  const code = 'EVALUATION_BAD_DATA';
  assert.throws(reading(`${good}\n{"id": 2`), { code, message: /test_public\.json:2: not a JSON/ });
  assert.throws(reading(`${good}\n{"id": 2}`), { code, message: /:2: sentence: / });
  assert.throws(reading(`${good}\n${good.replace('Positive', 'Great')}`), { code, message: /:2: the label "Great"/ });
  assert.throws(reading(Buffer.from([0x7b, 0xff, 0xfe])), { code, message: /not UTF-8/ });
  assert.throws(reading('\n'), { code, message: /no example/ });
  assert.throws(() => folderData(directory).read(task, 'train_0'), {
    code: 'EVALUATION_MISSING_DATA',
    message: /train_0\.json/,
  });
  assert.equal(folderData(directory).has(task, 'train_0'), false);
  const chid = taskOf('chid');
  const idioms = ['一', '二', '三', '四', '五', '六', '七'];
  assert.throws(() => chid.read({ id: 1, candidates: idioms, content: '没有空' }), /#idiom# once/);
  assert.throws(() => chid.read({ id: 1, candidates: idioms.slice(1), content: '有#idiom#空' }), /candidates/);
});
