/** `tunan account` and `tunan serve --accounts` as programs: a server without a browser. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { tinyEngine } from './tiny-engine.ts';

const { model, tokenizer, close } = await tinyEngine();
after(close);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-account-'));
after(() => rmSync(folder, { recursive: true }));
const directory = path.join(folder, 'tiny');
const tokenizerFile = path.join(folder, 'tokenizer-source.json');
tokenizer.save(tokenizerFile);
model.save(directory, { tokenizerFile });

const main = path.resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const place = path.join(folder, 'accounts.sqlite');
const { TUNAN_ACCOUNTS_SECRET: _, ...environment } = process.env;
const env = { ...environment, TUNAN_ACCOUNTS: place, LANG: 'en_US.UTF-8', LC_ALL: '' };

async function tunan(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { env });
  return stdout;
}

async function refused(...args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return await tunan(...args).then(
    () => assert.fail('it was done'),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr: stderr.trim() }),
  );
}

interface AuditLine {
  readonly actor: { readonly kind: string };
  readonly action: string;
}

test('a server without a browser: account, key, limit, served, counted, backed up', async () => {
  const person = ['--email', 'li@example.org', '--name', '李白', '--organisation', '图南大学', '--kind', 'academic'];
  const made = JSON.parse(await tunan('account', 'create', ...person, '--key', 'laptop', '--json'));
  assert.match(made.key, /^sk-tunan-[A-Za-z0-9]{48}$/);
  assert.equal(statSync(place).mode & 0o077, 0, 'for its owner alone');
  await tunan('account', 'limit', 'set', 'requests_per_day', '2', '--key', '*');

  const args = ['serve', '--model', `tiny=${directory}`, '--port', '0'];
  const program = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const told: string[] = [];
  while (!told.some((line) => line.includes('served at')))
    told.push((await lines.next()).value ?? assert.fail('it ended'));
  assert.match(told[0]!, /^first admin: admin@localhost, password \S{20} \(told this once/);
  const url = /served at (\S+)/.exec(told.at(-1)!)![1]!;
  const ask = (key: string) =>
    fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ prompt: '春', max_tokens: 4 }),
    });
  const statuses = [];
  for (const key of [made.key, made.key, made.key, 'sk-none']) statuses.push((await ask(key)).status);
  assert.deepEqual(statuses, [200, 200, 429, 401]);
  const { key: next } = JSON.parse(
    await tunan('account', 'key', 'rotate', made.key.slice(0, 17), '--overlap', '0', '--json'),
  );
  assert.equal((await ask(made.key)).status, 401, 'at once, in a process that runs');
  assert.equal((await ask(next)).status, 200);
  const line = await tunan('account', 'suspend', 'li@example.org');
  assert.match(line, /^li@example.org is suspended: keys and sign-ins are refused/);
  assert.equal((await ask(next)).status, 403);
  await tunan('account', 'reinstate', 'li@example.org');
  assert.equal((await ask(next)).status, 200);
  program.kill('SIGTERM');
  const [code] = await once(program, 'exit');
  assert.equal(code, 0);

  const csv = path.join(folder, 'usage.csv');
  const { total } = JSON.parse(await tunan('account', 'usage', '--organisation', '图南大学', '--csv', csv, '--json'));
  assert.equal(total.requests, 4);
  assert.equal(readFileSync(csv, 'utf8').split('\r\n').length, 4, 'a head, two keys and the end');

  const backup = path.join(folder, 'backup.jsonl');
  await tunan('account', 'backup', '--out', backup);
  const copy = path.join(folder, 'copy.sqlite');
  await tunan('account', 'restore', backup, '--accounts', copy);
  const events = JSON.parse(await tunan('account', 'audit', '--json')) as AuditLine[];
  assert.deepEqual(
    [...new Set(events.map(({ actor, action }) => `${actor.kind} ${action}`))],
    [
      ...['command account_reinstated', 'command account_suspended', 'command key_rotated', 'server account_made'],
      ...['server organisation_made', 'command limit_set', 'command key_made', 'command account_made'],
      'command organisation_made',
    ],
  );
  const without = await refused('account', 'list', '--accounts', copy);
  assert.match(
    without.stderr,
    /^error: the secret of the server .*copy\.sqlite\.secret\) is missing.*forget-secret revokes all keys/,
  );
  assert.match(await tunan('account', 'forget-secret', '--accounts', copy), /^1 keys are revoked/);
  assert.match(await tunan('account', 'audit', '--accounts', copy, '--limit', '2'), /secret_forgotten.*\n.*restored/);
  const { accounts } = JSON.parse(await tunan('account', 'list', '--accounts', copy, '--json'));
  assert.deepEqual(
    accounts.map(({ email }: { email: string }) => email),
    ['li@example.org', 'admin@localhost'],
  );
});

test('what cannot be done is told in one line', async () => {
  const usage = await refused('account', 'limit', 'set', 'requests_per_day', '0.5', '--key', '*');
  assert.equal(usage.code, 1);
  assert.match(usage.stderr, /^error: requests_per_day is 0.5: give a whole number from 0 to 2\^53 - 2$/);
  const metric = await refused('account', 'limit', 'set', 'euros', '5', '--key', '*');
  assert.match(metric.stderr, /--metric is one of requests_per_minute, .*, not 'euros'/);
  const { TUNAN_ACCOUNTS: __, ...nowhere } = env;
  const failed = await promisify(execFile)(process.execPath, [main, 'account', 'list'], { env: nowhere }).catch(
    (error: { code: number; stderr: string }) => error,
  );
  assert.ok('code' in failed && failed.code === 2);
  assert.match(failed.stderr, /say where the accounts are: --accounts FILE, or TUNAN_ACCOUNTS/);
  const open = await refused(
    'serve',
    '--model',
    directory,
    '--port',
    '0',
    '--host',
    '0.0.0.0',
    '--accounts',
    '/proc/none',
  );
  assert.match(open.stderr, /\/proc\/none cannot be opened/);
});
