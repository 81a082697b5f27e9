/** Answers that run are cut in every process when their key is revoked, or their account or organisation is suspended or goes, and billed so far. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts, Ledger, serve, usageReport } from '@tunan/api';
import { postgresServer, testFolder } from '@tunan/api/testing/databases';
import type { Engine } from '@tunan/inference';
import { errorBodySchema } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine: quick, tokenizer, close } = await tinyEngine();
after(close);
/** The engine, slow enough for its answer to last for minutes. */
const engine: Engine = {
  ...{ kind: 'torch', device: 'cpu', contextLength: quick.contextLength, prefixCache: undefined },
  occupancy: { running: 0, waiting: 0 },
  measure: (request) => quick.measure(request),
  submit: (request, signal) => {
    const inner = quick.submit(request, signal);
    let produced = 0;
    return {
      accepted: inner.accepted,
      seed: inner.seed,
      // Of a fast machine the engine inside is long done: what counts is what has come through.
      get usage() {
        return { ...inner.usage, completionTokens: produced };
      },
      async *[Symbol.asyncIterator]() {
        for await (const chunk of inner) {
          await sleep(300, undefined, { signal }).catch(() => undefined);
          produced++;
          yield chunk;
        }
      },
    };
  },
  ...{ close: () => undefined, [Symbol.dispose]: () => undefined },
};

const { folder, ...folders } = testFolder();
after(() => folders[Symbol.dispose]());
const server = await postgresServer();
after(() => server?.close());

for (const kind of ['sqlite', 'postgres']) {
  const skip = kind === 'postgres' && server === undefined ? 'PostgreSQL is not installed' : false;
  test(`${kind}: a revoked key, accounts and organisations that are suspended or removed`, { skip }, async () => {
    const place = kind === 'postgres' ? await server!.newDatabase() : path.join(folder, 'accounts.sqlite');
    const environment = { TUNAN_ACCOUNTS_SECRET: 'a secret of tests, and of nothing else' };
    const open = () => Accounts.open(place, { passwordCost: 2, environment });
    // What a server knows of the others stands in the database alone.
    await using operator = await open();
    await using accounts = await open();
    await using ledger = await Ledger.open(accounts.database);
    const serving = await serve({ models: new Map([['m', engine]]), accounts, ledger, port: 0 });
    try {
      const ends = [
        { by: 'key', end: ({ key }: Member) => operator.keys.revoke(key), said: /was revoked while the answer ran/ },
        { by: 'account', end: ({ id }: Member) => operator.members.remove(id), said: /was revoked while/ },
        {
          by: 'organisation',
          end: ({ organisation }: Member) => operator.members.removeOrganisation(organisation),
          said: /organisation that was deleted while/,
        },
        {
          by: 'suspension',
          end: ({ id }: Member) => operator.members.suspend(id),
          said: /the account was suspended while the answer ran/,
          refusal: SUSPENDED,
        },
        {
          by: 'suspension of all',
          end: ({ organisation }: Member) => operator.members.suspendOrganisation(organisation),
          said: /the organisation of this account was suspended while/,
          refusal: SUSPENDED,
        },
      ];
      await Promise.all(
        ends.map(async ({ by, end, said, refusal = REVOKED }) => {
          const member = await newMember(operator, by);
          const bystander = await newMember(operator, `${by} of others`);
          const leave = new AbortController();
          const other = await ask(serving.url, bystander.text, true, leave.signal);
          const whole = ask(serving.url, member.text, false);
          const stream = await ask(serving.url, member.text, true);
          const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
          let text = (await reader.read()).value!;
          await end(member);
          for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
          const events = text
            .trim()
            .split('\n\n')
            .map((event) => event.slice('data: '.length));
          const { error } = errorBodySchema.parse(JSON.parse(events.at(-1)!));
          assert.equal(error.code, refusal.code);
          assert.match(error.message, said);
          const refused = await whole;
          assert.equal(refused.status, refusal.status, 'nothing of it had been seen');
          assert.match(errorBodySchema.parse(await refused.json()).error.message, said);
          while (ledger.open > ends.length) await sleep(10);
          const [used] = await usageReport(accounts.database, { keyId: member.key });
          assert.ok(used!.completionTokens >= events.length - 1 && used!.completionTokens < 2 * 300, `${by}: billed`);
          assert.equal((await ask(serving.url, member.text, false)).status, refusal.status, 'nothing new is taken');
          leave.abort();
          assert.equal(other.status, 200, 'others go on');
          await other.text().catch(() => undefined);
        }),
      );
      while (ledger.open > 0) await sleep(10);
    } finally {
      await serving.close();
    }
  });
}

const REVOKED = { status: 401, code: 'invalid_api_key' };
const SUSPENDED = { status: 403, code: 'account_suspended' };

interface Member {
  readonly id: string;
  readonly organisation: string;
  readonly key: string;
  readonly text: string;
}

async function newMember({ members, keys }: Accounts, name: string): Promise<Member> {
  const { account } = await members.add({ organisation: name, email: `${name.replaceAll(' ', '-')}@x`, name });
  const { key, text } = await keys.make(account.id, { name });
  return { id: account.id, organisation: account.organisationId, key: key.id, text };
}

async function ask(url: string, key: string, stream: boolean, signal?: AbortSignal): Promise<Response> {
  return await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      ...{ model: 'm', prompt: '春眠不觉晓，', max_tokens: 300, stream },
      logit_bias: { [tokenizer.eod]: -100 },
    }),
    ...(signal && { signal }),
  });
}
