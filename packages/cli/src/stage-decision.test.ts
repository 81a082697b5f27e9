import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../bin/tunan.mjs', import.meta.url));
const LINE = '气象台昨天下午发布消息，未来三天全市气温将下降八到十度，山区有小雪。';
const DAMAGED = `${new TextDecoder('windows-1252').decode(Buffer.from(LINE))}\n`.repeat(4);

function explained(input: string, locale: string): string[] {
  const { LC_MESSAGES: _, ...inherited } = process.env;
  const { stderr } = spawnSync(process.execPath, [binary, 'corpus', 'clean', '--explain'], {
    env: { ...inherited, LC_ALL: locale },
    input,
  });
  return stderr.toString().split('\n');
}

test('what was repaired is named and shown, in both languages', () => {
  const lines = explained(DAMAGED, 'C');
  assert.equal(lines[0], 'decode: unchanged; encoding utf-8');
  assert.match(lines[1]!, /^repair: \d+ → \d+ characters; wrong charset undone$/);
  assert.match(lines[2]!, /^ {4}- æ°/);
  assert.equal(lines[3], `    + ${LINE}`);
  assert.match(explained(DAMAGED, 'zh_CN.UTF-8')[1]!, /^repair: \d+ → \d+ 字; 还原读错的编码$/);
});

test('a page whose characters are lost is dropped with the reason in words', () => {
  const lost = LINE.replaceAll(/[气消天的]/g, '\uFFFD').repeat(5);
  assert.match(
    explained(lost, 'C').at(-2)!,
    /^repair: dropped: lost-characters \(characters were lost before .*; \d+\/\d+\)$/,
  );
});
