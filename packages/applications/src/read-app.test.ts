import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { AppError } from './errors.ts';
import { checkApp, parseYaml, readApp, writeYaml } from './read-app.ts';

const folder = mkdtempSync(path.join(tmpdir(), '应用 文件 '));

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

const FILE = `
tunan_app: 1
name: poem
title: { zh: 诗, en: Poem }
description: { zh: 作诗, en: Writes a poem }
group: verse
inputs:
  - name: theme
    label: { zh: 题, en: Theme }
examples:
  - inputs: { theme: 春 }
    output: |
      春眠不觉晓
      处处闻啼鸟
`;

test('a file of YAML is read with its defaults, line breaks of examples kept', () => {
  const app = readApp(write('诗.yaml', FILE));
  assert.equal(app.examples[0]?.output, '春眠不觉晓\n处处闻啼鸟\n');
  assert.equal(app.prompt.output_prefix, '答:');
  assert.equal(app.inputs[0]?.most, 2_000);
});

const wrong: readonly [string, string, string, RegExp, RegExp][] = [
  [
    'a misspelt field',
    'a.yaml',
    FILE.replace('examples:', 'exmaples:'),
    /did you mean "examples"/,
    /是否想写“examples”/,
  ],
  [
    'a name that no input has',
    'b.yaml',
    `${FILE}checks: [{ use: acrostic, of: them }]`,
    /no input "them"/,
    /没有输入“them”/,
  ],
  ['an example without its input', 'c.yaml', FILE.replace('theme: 春', ''), /"theme" is missing/, /缺少“theme”/],
  ['YAML that is none', 'd.yaml', `${FILE}stop: [`, /line \d+, column \d+/, /第 \d+ 行/],
  ['an alias', 'e.yaml', `${FILE}author: &a x\nlicence: *a`, /anchors or aliases/, /锚点或别名/],
  ['JSON that is none', 'f.json', '{"name": }', /line 1, column 10/, /第 1 行第 10 列/],
  ['two constraints', 'g.yaml', `${FILE}constraint: { regex: a, choice: [b] }`, /exactly one of/, /之一/],
];
for (const [what, name, text, en, zh] of wrong) {
  test(`${what} is refused with its place, in both languages`, () => {
    const file = write(name, text);
    assert.throws(
      () => readApp(file),
      (error) => {
        assert.ok(error instanceof AppError);
        assert.equal(error.code, 'APP_BAD_FILE');
        assert.match(error.message, en);
        assert.match(error.chinese ?? '', zh);
        assert.ok(error.message.includes(name));
        return true;
      },
    );
  });
}

test('a file larger than any application is not read', () => {
  const file = write('h.yaml', FILE + '#'.repeat(300_000));
  assert.throws(() => readApp(file), /at most 262144/);
});

test('an application goes into YAML and back, without what is the default', () => {
  const app = readApp(write('again.yaml', `${FILE}sampling: { max_tokens: 7 }\nchecks: [{ use: new }]`));
  const text = writeYaml(app);
  assert.deepEqual(checkApp(parseYaml(text, 'text'), 'text'), app);
  assert.ok(!text.includes('temperature') && text.includes('max_tokens: 7'), text);
});

test('a number that JSON cannot write is refused, since the file could not be kept', () => {
  const app = { ...(parseYaml(FILE, 'f') as object), constraint: { json: { seed: 2n ** 60n } } };
  assert.throws(() => checkApp(app, 'f'), /beyond 2\^53/);
});
