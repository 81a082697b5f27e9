/** The launcher over small programs: who is blamed, who is started again, who is ended. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../testing/tiny-corpus.ts';
import { launch } from './launch.ts';

const LAUNCH = fileURLToPath(new URL('./launch.ts', import.meta.url));

/** Runs a program of Node as ranks; `said` is what the launcher said. */
async function run(t: TestContext, program: string, options: Partial<Parameters<typeof launch>[0]> = {}) {
  const file = path.join(temporaryDirectory(t), 'program.mts');
  const tell = `import { tellLauncher } from ${JSON.stringify(LAUNCH)};`;
  writeFileSync(file, program.includes('tellLauncher') ? `${tell}\n${program}` : program);
  const said: string[] = [];
  const args = (restart: number) => [file, file, String(restart)];
  const done = launch({ command: process.execPath, args, ranks: 3, say: ({ en }) => said.push(en), ...options });
  return { said, file, done };
}

test("ranks get torchrun's environment; lines of others than the first come with their number", async (t) => {
  const { said, done } = await run(
    t,
    `const { RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT } = process.env;
     if (RANK !== '0') console.log(RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, Number(MASTER_PORT) > 0);`,
  );
  await done;
  assert.deepEqual(said.sort(), ['[rank 1] 1 1 3 127.0.0.1 true', '[rank 2] 2 2 3 127.0.0.1 true']);
});

test('a killed rank is named, and the others are ended, one of them stopped', async (t) => {
  const { done } = await run(
    t,
    `if (process.env.RANK === '1') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300);
     else if (process.env.RANK === '2') process.kill(process.pid, 'SIGSTOP');
     else setTimeout(() => {}, 1e6);`,
  );
  await assert.rejects(done, {
    code: 'TRAINING_RANK_FAILED',
    message: /^rank 1 of 3 was killed by SIGKILL/,
  });
});

test('what a rank tells is said once, with its number where it is its own', async (t) => {
  const own = `if (process.env.RANK === '2') { tellLauncher({ code: 'X', en: 'the disk is full', zh: '磁盘已满' }); process.exitCode = 1; }`;
  await assert.rejects((await run(t, own)).done, { message: 'rank 2: the disk is full', chinese: '进程 2：磁盘已满' });
  const all = `tellLauncher({ code: 'X', en: 'the loss on rank 1 is NaN', zh: '' }); process.exitCode = 1;`;
  await assert.rejects((await run(t, all, { maxRestarts: 5 })).done, { message: 'the loss on rank 1 is NaN' });
});

test('a run that lost a rank is started again, with the next smaller number of processes, and not for ever', async (t) => {
  const crash = `import { appendFileSync } from 'node:fs';
    const [, , file, restart] = process.argv;
    if (process.env.RANK === '0') appendFileSync(file + '.log', restart + ':' + process.env.WORLD_SIZE + ' ');
    if (process.env.RANK === '1' && Number(restart) < 2) process.kill(process.pid, 'SIGKILL');`;
  const { said, file, done } = await run(t, crash, { maxRestarts: 3, fewerRanks: [2] });
  await done;
  assert.equal(readFileSync(`${file}.log`, 'utf8'), '0:3 1:2 2:2 ');
  assert.equal(said.length, 2);
  assert.match(said[0]!, /^rank 1 of 3 was killed .*; restart 1 of 3 with 2 processes, from the last good checkpoint$/);
  await assert.rejects((await run(t, crash, { maxRestarts: 1 })).done, { message: /^rank 1 of 3 was killed/ });
  const pairs = await run(t, crash, { ranks: 6, maxRestarts: 3, fewerRanks: [2, 4] });
  await pairs.done;
  assert.equal(readFileSync(`${pairs.file}.log`, 'utf8'), '0:6 1:4 2:2 ');
});
