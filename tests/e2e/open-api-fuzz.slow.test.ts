/**
 * Every route of the OpenAPI document fuzzed by schemathesis (.peers, bench/peers.txt): no request, however made, gets a 5xx, and what is
 * answered is what the document says. As an admin with a key, so that the requests come through; the routes of a study as one of its judges,
 * those of applications on the gallery's own.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { Accounts, AppStore, BatchStore, Ledger, OpenStudy, ResponseMemory, serve } from '@tunan/api';
import { checkApp, parseYaml } from '@tunan/applications';
import type { StudyJoined } from '@tunan/protocol/studies';
import { studyOf } from './study-texts.ts';
import { tinyEngine } from './tiny-engine.ts';

const program = path.resolve(import.meta.dirname, '../../.peers/bin/schemathesis');
const skip = existsSync(program) ? false : 'needs .peers with schemathesis (bench/peers.txt)';
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-fuzz-'));
after(() => rmSync(folder, { recursive: true }));

test('no request makes the server fail, and its answers are those of its document', { skip }, async () => {
  const { engine, close } = await tinyEngine();
  after(close);
  await using accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), {
    passwordCost: 2,
    environment: {},
  });
  await using ledger = await Ledger.open(accounts.database, { onTrouble: (error) => assert.fail(String(error)) });
  const admin = (await accounts.members.addFirstAdmin())!;
  const { text } = await accounts.keys.make(admin.account.id, { name: 'fuzz' });
  const failures: string[] = [];
  using study = new OpenStudy((await studyOf({ judges: 6 })).folder);
  const gallery = ['couplet', 'regulated-verse'].map((name) => {
    const file = path.resolve(import.meta.dirname, `../../apps/gallery/applications/${name}.yaml`);
    return checkApp(parseYaml(readFileSync(file, 'utf8'), file), file);
  });
  const serving = await serve({
    models: new Map([['m', engine]]),
    ...{ accounts, ledger, batches: new BatchStore(path.join(folder, 'batches')), port: 0 },
    responses: new ResponseMemory(),
    studies: [study],
    apps: { gallery, store: new AppStore(accounts.database), quality: new Map() },
    onFailure: (error) => void failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  try {
    const signedIn = await fetch(`${serving.url}/accounts/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: admin.account.email, password: admin.password }),
    });
    const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!;
    const { csrf_token: csrf } = (await signedIn.json()) as { csrf_token: string };
    const joined = await fetch(`${serving.url}/studies/${study.study.id}/judges`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ consent: true }),
    });
    const { judge } = (await joined.json()) as StudyJoined;
    // Names that there are: made-up ones get no further than 404.
    writeFileSync(
      path.join(folder, 'schemathesis.toml'),
      `[[operations]]
include-path-regex = "^/studies/"
parameters = { "path.study" = "${study.study.id}" }

[[operations]]
include-path-regex = "^/v1/apps/"
parameters = { "path.id" = "couplet" }
`,
    );
    const fuzz = async (examples: number, ...only: readonly string[]) => {
      const { stdout, failed } = await promisify(execFile)(
        program,
        [
          ...['run', `${serving.url}/openapi.json`, '--seed', '1', '--max-examples', String(examples), '--no-color'],
          ...['--phases', 'examples,coverage,fuzzing', '--request-timeout', '60', '--continue-on-failure', ...only],
          ...['--checks', 'not_a_server_error,response_schema_conformance,content_type_conformance'],
          ...['--header', `authorization: Bearer ${text}`],
          ...['--header', `cookie: ${cookie}`, '--header', `x-csrf-token: ${csrf}`, '--header', `x-judge: ${judge}`],
        ],
        { encoding: 'utf8', maxBuffer: 2 ** 26, cwd: folder },
      ).then(
        ({ stdout }) => ({ stdout, failed: false }),
        (error: { stdout?: string; stderr?: string }) => ({ stdout: `${error.stdout}\n${error.stderr}`, failed: true }),
      );
      assert.equal(failed, false, stdout);
      assert.match(stdout, /Test cases:\s+\d+ generated/, stdout);
    };
    // Last come those that end the session, the key or the judge under which everything else is asked.
    const ending = '^/(accounts/(session|password|second-factor|members|organisations|keys/)|studies/[^/]+/judges)';
    await fuzz(40, '--exclude-path-regex', ending);
    await fuzz(20, '--include-path-regex', ending);
    assert.deepEqual(failures, []);
  } finally {
    await serving.close();
  }
});
