/** `tunan study` as a program: made with a model behind an address, judged over HTTP, reported. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import type { StudyJoined, StudyProgress } from '@tunan/protocol/studies';
import { humanLines, newFolder, poemOf, writer } from './study-texts.ts';

const main = path.resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const env = { ...process.env, LANG: 'en_US.UTF-8', LC_ALL: '' };
const folder = newFolder();
const humans = path.join(folder, 'humans.jsonl');
const study = path.join(folder, 'study');
writeFileSync(humans, humanLines(6));
const server = await writer((number) => poemOf(number, '机'));
after(() => server.close());

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return await promisify(execFile)(process.execPath, [main, 'study', ...args], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (failure: { code: number; stdout: string; stderr: string }) => failure,
  );
}

const making = [
  'new',
  '--human',
  humans,
  '--model',
  server.url,
  '--by',
  'me',
  '--out',
  study,
  '--shortest-seconds',
  '0',
];

test('a study is made, judged and reported by its commands', async () => {
  const few = await run(...making);
  assert.deepEqual([few.code, existsSync(study)], [1, false], 'nothing is written of what is too small');
  assert.match(few.stderr, /6 usable human texts and 50 judges .* human texts .*--pilot/);

  const made = await run(...making, '--pilot', '--judges', '2', '--checks', '0', '--reading-rate', '10000', '--json');
  assert.equal(made.code, 0, made.stderr);
  const { texts, search } = JSON.parse(made.stdout.trim().split('\n').at(-1)!) as { texts: object; search: null };
  assert.deepEqual([texts, search], [{ poem: { given: 6, known: 0, unmatched: 0, used: 6 } }, null]);

  const program = spawn(process.execPath, [main, 'study', 'serve', study, '--port', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(program.stdout, 'data');
  const [, url, id] = /(http:\S+?)\/#\/study\/(\w+)/.exec(String(line))!;
  const ask = async <T>(end: string, judge: string, body: object): Promise<T> => {
    const headers = { 'content-type': 'application/json', 'x-judge': judge };
    const response = await fetch(`${url}/studies/${id}/${end}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200);
    return (await response.json()) as T;
  };
  for (let person = 0; person < 2; person++) {
    const { judge, ...first } = await ask<StudyJoined>('judges', '', { consent: true });
    let progress: StudyProgress = first;
    while (progress.item !== null) {
      const said = { item: progress.item.id, answer: 'human', confidence: 2, seen_seconds: 0 };
      progress = await ask<StudyProgress>('judgements', judge, said);
    }
  }
  assert.equal((await fetch(String(url))).status, 200);
  program.kill('SIGTERM');
  assert.deepEqual(await once(program, 'exit'), [0, null]);

  // The answers may be kept elsewhere until the end.
  const apart = path.join(folder, 'apart.json');
  writeFileSync(apart, readFileSync(path.join(study, 'answers.json')));
  const out = path.join(folder, 'report');
  const told = await run('report', study, '--answers', apart, '--out', out);
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /Not shown either way yet: 50\.0 % right/);
  assert.match(told.stdout, /100\.0 % of all texts were said to be human, where half are/);
  assert.match(told.stdout, /all +6 \/ 12 +50\.0 % +21\.1 – 78\.9 %/);
  assert.equal(readFileSync(path.join(out, 'judgements.csv'), 'utf8').split('\r\n').length, 14);
  assert.match(readFileSync(path.join(out, 'report.html'), 'utf8'), /未检查文本是否在训练语料中/);
});
