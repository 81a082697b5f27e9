import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { findMistakes, hintAt, inBoth, listMistakes, nearest, readJsonFile } from './index.ts';

const steps = z.discriminatedUnion('use', [
  z.discriminatedUnion('use', [
    z.strictObject({ use: z.literal('wash'), minutes: z.int().min(1) }),
    z.strictObject({ use: z.literal('dry'), heat: z.enum(['low', 'high']).default('low') }),
  ]),
  z.discriminatedUnion('use', [z.strictObject({ use: z.literal('fold') })]),
]);
const schema = z.strictObject({
  name: z.string().regex(/^[a-z]+$/, inBoth('lower-case letters only', '只能用小写字母')),
  rate: z.number().gt(0).max(1),
  places: z.array(z.union([z.string().min(1), z.strictObject({ url: z.url() })])).min(1),
  steps: z.array(steps),
});
const sound = { name: 'shirts', rate: 0.5, places: ['here'], steps: [{ use: 'wash', minutes: 3 }, { use: 'fold' }] };

/** What is said of a change to a sound value, without its file. */
function told(change: Record<string, unknown>): { en: string; zh: string } {
  const found = findMistakes(schema, { ...sound, ...change });
  assert.ok('mistakes' in found);
  const { en, zh } = listMistakes('f', found.mistakes);
  return { en: en.replace(/^f: /, ''), zh: zh.replace(/^f：/, '') };
}

test('a sound value passes with its defaults', () => {
  const found = findMistakes(schema, { ...sound, steps: [{ use: 'dry' }] });
  assert.deepEqual('value' in found && found.value.steps, [{ use: 'dry', heat: 'low' }]);
});

const cases: [Record<string, unknown>, string, string][] = [
  [{ name: 'A' }, 'name: lower-case letters only', 'name：只能用小写字母'],
  [{ name: undefined }, 'name: is missing: a text is needed', 'name：缺少此字段：应为文本'],
  [{ rate: '1' }, 'rate: expected a number, not "1"', 'rate：应为数字，而不是 "1"'],
  [{ rate: 0 }, 'rate: must be more than 0, not 0', 'rate：应为大于 0，而不是 0'],
  [{ rate: null }, 'rate: expected a number, not null', 'rate：应为数字，而不是 null'],
  [{ places: [] }, 'places: is an empty list: at least one entry is needed', 'places：列表为空：至少要有一项'],
  [{ places: [''] }, 'places.0: is empty: a text is needed', 'places.0：为空：应填文本'],
  [{ places: [7] }, 'places.0: expected a text or an object, not 7', 'places.0：应为文本或对象，而不是 7'],
  [
    { places: [{ url: 'x' }] },
    'places.0.url: "x" is not an address (https://…)',
    'places.0.url："x" 不是网址（https://…）',
  ],
  [{ places: 'here' }, 'places: expected a list, not "here"', 'places：应为列表，而不是 "here"'],
  [
    { steps: ['wash'] },
    'steps.0: expected an object such as {"use": "wash"}, not "wash"',
    'steps.0：应为对象，例如 {"use": "wash"}，而不是 "wash"',
  ],
  [
    { steps: [{ use: 'flod' }] },
    'steps.0.use: unknown "flod"; known: wash, dry, fold; did you mean "fold"?',
    'steps.0.use：未知的 "flod"；可用：wash, dry, fold；是否想写“fold”？',
  ],
  [
    { steps: [{}] },
    'steps.0.use: is missing; one of: wash, dry, fold',
    'steps.0.use：缺少此字段；可用：wash, dry, fold',
  ],
  [
    { steps: [{ use: 'dry', heat: 'hihg' }] },
    'steps.0.heat: unknown "hihg"; known: low, high; did you mean "high"?',
    'steps.0.heat：未知的 "hihg"；可用：low, high；是否想写“high”？',
  ],
  [
    { steps: [{ use: 'wash', minutes: 1, minute: 2 }] },
    'steps.0: unknown field "minute"; known: use, minutes; did you mean "minutes"?',
    'steps.0：未知字段“minute”；可用字段：use, minutes；是否想写“minutes”？',
  ],
  [
    { nmae: 'x' },
    'unknown field "nmae"; known: name, rate, places, steps; did you mean "name"?',
    '未知字段“nmae”；可用字段：name, rate, places, steps；是否想写“name”？',
  ],
];
for (const [change, en, zh] of cases) {
  test(`told in both languages: ${JSON.stringify(change)}`, () => assert.deepEqual(told(change), { en, zh }));
}

test('all mistakes are told at once, below their number', () => {
  const { en, zh } = told({ name: 'A', rate: 2, steps: [{ use: 'wash' }] });
  const lines = ['3 mistakes', '  name: lower-case letters only', '  rate: must be at most 1, not 2'];
  assert.equal(en, [...lines, '  steps.0.minutes: is missing: a number is needed'].join('\n'));
  assert.match(zh, /^有 3 处错误\n {2}name：/);
});

const folder = mkdtempSync(join(tmpdir(), 'tunan-json-'));
function read(content: string | Uint8Array): ReturnType<typeof readJsonFile> {
  const path = join(folder, 'f.json');
  writeFileSync(path, content);
  return readJsonFile(path);
}

test('a byte order mark of any Unicode is taken', () => {
  const json = '{"名": [1, "a"]}';
  for (const bytes of [
    json,
    `\uFEFF${json}`,
    Buffer.from(`\uFEFF${json}`, 'utf16le'),
    Buffer.from(`\uFEFF${json}`, 'utf16le').swap16(),
  ]) {
    assert.deepEqual(read(bytes), { value: { 名: [1, 'a'] } });
  }
});

const broken: [string, RegExp, RegExp][] = [
  ['{"a": 1,\n "b": 2,\n}', /line 2, column 8: a comma before "}": remove it/, /第 2 行第 8 列：“}”之前多了一个逗号/],
  ['{“a”: 1}', /line 1, column 2: “ is a full-width mark/, /“ 是全角标点/],
  ['{"a"：1}', /line 1, column 5: ： is a full-width mark/, /： 是全角标点/],
  ["{'a': 1}", /line 1, column 2: texts stand in double quotes/, /双引号/],
  ['{"a": "x}', /line 1, column 7: the text in quotes is not closed/, /引号中的文本没有结束/],
  ['{"path": "C:\\data"}', /column 10: .*lone backslash/, /反斜杠/],
  ['{"a": 1 // one\n}', /line 1, column 9: JSON has no comments/, /不能有注释/],
  ['{"a": 1', /line 1, column 8: the file ends here, and a comma or } is missing/, /文件到此结束，缺少逗号或 }/],
  ['{"a": 1 "b": 2}', /column 9: a comma or } is expected, not "b"/, /此处应为逗号或 }，而不是 "b"/],
  ['{"a": NaN}', /column 7: a value is expected, not NaN}/, /此处应为一个值/],
  ['{"a": 01}', /column 7/, /第 1 行第 7 列/],
  ['{"a":　1}', /full-width or non-breaking space/, /全角空格/],
  ['', /line 1, column 1: the file ends here, and a value is missing/, /缺少一个值/],
  ['{} {}', /column 4: the end of the file is expected/, /此处应为文件结尾/],
];
for (const [content, en, zh] of broken) {
  test(`what is no JSON is told by its place: ${JSON.stringify(content)}`, () => {
    const found = read(content);
    assert.ok('problem' in found);
    assert.match(found.problem.en, en);
    assert.match(found.problem.zh, zh);
  });
}

test('a file that is missing, a folder or no UTF-8 is told so, with its name', () => {
  const missing = readJsonFile(join(folder, 'none.json'));
  assert.match('problem' in missing ? missing.problem.zh : '', /无法读取 .*none\.json：没有这个文件或目录/);
  const directory = readJsonFile(folder);
  assert.match('problem' in directory ? directory.problem.en : '', /it is a folder, and a file is needed/);
  const gbk = read(Buffer.from([0x7b, 0x22, 0xc3, 0xfb, 0x22, 0x7d]));
  assert.match('problem' in gbk ? gbk.problem.en : '', /is not in UTF-8/);
});

test('a misspelt name finds the one that was meant, another word none', () => {
  assert.equal(nearest('near-duplicate', ['exact-duplicates', 'near-duplicates']), 'near-duplicates');
  assert.equal(nearest('licence', ['license']), 'license');
  assert.equal(nearest('potato', ['decode', 'extract']), undefined);
  assert.deepEqual(hintAt('xyz', ['decode']), { en: '', zh: '' });
});
