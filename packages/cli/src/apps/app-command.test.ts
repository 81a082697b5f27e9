/** The commands of applications, as a command line calls them, with a real model of a few kilobytes. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { tinyModel, tinyTokenizer } from '@tunan/inference/testing/tiny-model';
import { type Command, parseArguments, type Report } from '../command.ts';
import check from '../commands/app/app-check.ts';
import measure from '../commands/app/app-measure.ts';
import begin from '../commands/app/app-new.ts';
import run from '../commands/app/app-run.ts';

const folder = mkdtempSync(path.join(tmpdir(), '应用 命令 '));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);
(await tinyTokenizer()).save(at('tokenizer.json'));
tinyModel('gpt2', 'float32', 256).save(at('模型'), { tokenizerFile: at('tokenizer.json') });

const call = async (command: Command, ...args: readonly string[]): Promise<Report> =>
  (await command.run(parseArguments(command, args)))!;
const failing = (command: Command, args: readonly string[], en: RegExp, zh: RegExp) =>
  assert.rejects(call(command, ...args), (error: Error & { chinese?: string }) => {
    // Mistakes of a command line are told in the language of the process alone.
    assert.match(error.message, new RegExp(`${en.source}|${zh.source}`));
    if (error.chinese !== undefined) assert.match(error.chinese, new RegExp(`${zh.source}|${en.source}`));
    return true;
  });

test('an application of one’s own: begun, checked, run, with a mistake told', async () => {
  const file = at('我的对联.yaml');
  await call(begin, 'my-couplet', '--from', 'couplet', '--out', file);
  assert.match(readFileSync(file, 'utf8'), /^name: my-couplet$/m);
  await failing(begin, ['my-couplet', '--out', file], /is there already/, /已经存在/);
  const report = await call(run, file, '--model', at('模型'), '--input', '海上生明月', '--seed', '4', '--retries', '1');
  const outcome = report.data as { output: string; passed: boolean };
  assert.equal(report.failed, !outcome.passed);
  assert.match(outcome.output, /^\p{Script=Han}{5}$/u);

  writeFileSync(file, readFileSync(file, 'utf8').replace('天涯若比邻', '天涯若比邻居'));
  const wrong = await call(check, file);
  assert.equal(wrong.failed, true);
  assert.match(JSON.stringify(wrong.data), /上联 5 字，下联 6 字/);
  writeFileSync(file, readFileSync(file, 'utf8').replace('examples:', 'exmaples:'));
  await failing(check, [file], /did you mean "examples"/, /是否想写“examples”/);
});

test('the sample that is begun with is right; a name that is none, and two models at once, are refused', async () => {
  await call(begin, 'polite', '--out', at('polite.yaml'));
  assert.equal((await call(check, at('polite.yaml'))).failed, false);
  await failing(begin, ['礼貌', '--out', at('x.yaml')], /expected lower-case letters/, /应为小写字母/);
  await failing(run, ['coupel', '--input', 'x'], /did you mean "couplet"/, /是否想写“couplet”/);
  const both = ['couplet', '--input', 'x', '--model', 'a', '--url', 'http://127.0.0.1:1'];
  await failing(run, both, /--model DIR or --url URL, not both/, /--model DIR 或 --url URL，二者择一/);
  await failing(run, ['couplet', '--field', 'upper'], /is no NAME=TEXT/, /不是 名字=文本/);
  await failing(
    run,
    ['couplet', '--input', 'upper=海内'],
    /--input takes the text alone.*--field 'upper=海内'/,
    /--input 只写文本/,
  );
});

test('what was measured lies beside the model', async () => {
  await call(measure, at('模型'), '--app', 'poem', '--items', '2');
  const { measured } = JSON.parse(readFileSync(path.join(at('模型'), 'app-quality.json'), 'utf8')) as {
    measured: { app: string; value: number; first_draw: number; free_draw: number }[];
  };
  assert.deepEqual(
    measured.map(({ app, value, first_draw, free_draw }) => [app, value, first_draw, free_draw]),
    [['poem', 1, 1, 0]],
  );
});
