import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withoutMachineLines } from './machine-lines.ts';

const CODE = [
  'for row in table.rows():',
  '    total = total + row["price"] * row.count',
  'print(total)',
  'docker run -d \\',
  '  --name web \\',
  '  -v /srv/www:/usr/share/nginx/html:ro nginx:1.25',
  'rm',
  'const server = http.createServer((request, response) => {',
  '  response.end(JSON.stringify({ ok: true }));',
  '});',
  'https://example.org/path/to/page?id=12',
].join('\n');
const ENGLISH = [
  'The river rose again in the night, and nobody in the village slept.',
  'Contents (see page 12): maps, tables; notes - by J. Smith, 1998.',
  'Home\nAbout us\nContact\nPrivacy policy',
  'It rained / snowed & froze for 3 days, i.e. the whole week-end.',
].join('\n');

test('code, commands and addresses go, lone words in their midst too; the lines around them stay', () => {
  assert.equal(withoutMachineLines(CODE), '');
  assert.equal(
    withoutMachineLines(`先装好依赖：\n${CODE}\n然后运行 main() 函数。`),
    '先装好依赖：\n然后运行 main() 函数。',
  );
});

test('blocks in fences go with their comments in Chinese, a fence that is not closed stays', () => {
  const fenced = '```python\n# 先读,再算\nx = "值"\n\n没有记号的一行\n```';
  assert.equal(withoutMachineLines(`第一行。\n${fenced}\n最后一行。`), '第一行。\n\n最后一行。');
  assert.equal(withoutMachineLines('第一行。\n```\n最后一行。'), '第一行。\n```\n最后一行。');
});

test('foreign sentences, lists of words, numbers, encoded data and lines with Chinese are no code', () => {
  const blob = 'Q2hpbmVzZSB0ZXh0IGlzIG5vdCBjb2RlLCBidXQgdGhpcyBpcyBkYXRhIG9mIGEgZmlsZQ==\n{"key": "x"}';
  for (const text of [
    ENGLISH,
    '12.5 | 13.4 | 15.0\n3,204 | 77% | +1.2',
    '[12]\n[13]\n[14]',
    blob,
    'x = "值" # 说明',
    '',
    '\n\n',
  ]) {
    const language = `第一行。\n${text}\n最后一行。`;
    assert.equal(withoutMachineLines(language), language);
    assert.equal(withoutMachineLines(text), text);
  }
});

test('only lines of ASCII ever go, and the others keep their order', () => {
  const line = fc.oneof(fc.constantFrom('', '中文', 'f(x);', 'a = b', 'word', 'é'), fc.string());
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n');
      const kept = withoutMachineLines(text).split('\n');
      const isOther = (each: string) => /[^\0-\x7f]/.test(each);
      assert.deepEqual(kept.filter(isOther), text.split('\n').filter(isOther));
    }),
  );
});
