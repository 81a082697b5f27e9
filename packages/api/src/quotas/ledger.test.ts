import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { openMigrated } from '../accounts/accounts.ts';
import type { Database } from '../storage/database.ts';
import { postgresServer, testFolder } from '../testing/databases.ts';
import { checkLedger } from '../testing/ledger-check.ts';
import { addPeople } from '../testing/people.ts';
import type { Asked } from './batch.ts';
import { steadyClock } from './clock.ts';
import { Ledger } from './ledger.ts';
import { limitStates } from './limit-states.ts';
import { ALL, type Limit } from './limits.ts';
import { dayOf, endOf, METRICS, type Metric } from './metrics.ts';
import type { Outcome } from './settlement.ts';
import { usageCsv, usageReport } from './usage-report.ts';

const { folder, ...folders } = testFolder();
after(() => folders[Symbol.dispose]());
const server = await postgresServer();
after(() => server?.close());
let files = 0;

const START = Date.UTC(2026, 10, 30, 4); // noon in China

/** A database, its ledgers at one clock that the test sets. */
async function opened(kind: string, count = 1) {
  const place = kind === 'postgres' ? await server!.newDatabase() : path.join(folder, `${++files}.sqlite`);
  const databases: Database[] = [];
  for (let n = 0; n < count; n++) databases.push(await openMigrated(place, {}, undefined));
  const time = { now: START };
  const trouble: unknown[] = [];
  const options = { clock: () => time.now, beat: 60_000, onTrouble: (error: unknown) => void trouble.push(error) };
  const ledgers: Ledger[] = [];
  for (const database of databases) ledgers.push(await Ledger.open(database, options));
  await addPeople(databases[0]!);
  return {
    ...{ time, trouble, ledgers, database: databases[0]!, ledger: ledgers[0]!, place },
    async [Symbol.asyncDispose]() {
      for (const ledger of ledgers) await ledger.close();
      for (const database of databases) await database.close();
    },
  };
}

const asked = (more: Partial<Asked> = {}): Asked => ({
  ...{ organisationId: 'org', accountId: 'acc', keyId: 'k1', request: 'req_1', model: 'm', route: '/v1/completions' },
  ...{ promptTokens: 10, completionTokens: 20, ...more },
});
const limit = (metric: Metric, amount: number | undefined, more: Partial<Limit> = {}): Limit => ({
  ...{ scope: 'key', subject: ALL, model: ALL, metric, amount, ...more },
});
const spent = (completionTokens: number, outcome: Outcome = 'completed') => ({
  promptTokens: 10,
  completionTokens,
  outcome,
});

for (const kind of ['sqlite', 'postgres']) {
  const skip = kind === 'postgres' && server === undefined ? 'PostgreSQL is not installed' : false;

  test(`${kind}: litellm PR #40002: no more is spent than the cap when requests come at once`, { skip }, async () => {
    // There 0.60 was spent on a cap of 0.45, because each of four requests of 0.15 saw what was left before the others had spent it.
    await using own = await opened(kind, 3);
    const { ledgers, ledger, database } = own;
    await ledger.limits.set(limit('tokens_per_month', 45));
    const request = () => asked({ promptTokens: 5, completionTokens: 10 });
    const answers = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => ledgers[n % 3]!.reserve(request())));
    const through = answers.flatMap((one, n) => (one.status === 'fulfilled' ? [{ n, id: one.value.id }] : []));
    assert.equal(through.length, 3);
    for (const { n, id } of through)
      await ledgers[n % 3]!.settle(id, { promptTokens: 5, completionTokens: 10, outcome: 'completed' });
    await assert.rejects(ledger.reserve(request()), { code: 'QUOTA_USED_UP' });
    const [sum] = await usageReport(database);
    assert.equal(sum!.promptTokens + sum!.completionTokens, 45);
    await checkLedger(database, ({ metric }) => (metric === 'tokens_per_month' ? 45 : undefined));
  });

  test(`${kind}: what was reserved and not used comes back, in its window alone`, { skip }, async () => {
    await using own = await opened(kind);
    const { ledger, database, time } = own;
    await ledger.limits.set(limit('tokens_per_minute', 100));
    const first = await ledger.reserve(asked({ completionTokens: 80 }));
    assert.equal(first.allowance['x-ratelimit-remaining-tokens'], '10');
    assert.equal(first.allowance['x-ratelimit-reset-tokens'], '1m0s');
    time.now += 30_000;
    await assert.rejects(ledger.reserve(asked()), {
      code: 'QUOTA_RATE',
      retryAfter: 30,
      message:
        'the limit of the key, 100 tokens a minute, is reached (90 are used or reserved, the request may take 30): try again in 30 s',
      chinese: '已达到密钥的限额（每分钟 100 个词元），已用或已预留 90 个，该请求最多需要 30 个：请在 30 秒后再试',
    });
    await ledger.settle(first.id, spent(5));
    const second = await ledger.reserve(asked({ completionTokens: 70 })); // 15 + 80
    time.now += 40_000;
    const third = await ledger.reserve(asked({ completionTokens: 90 })); // a new window
    await ledger.settle(second.id, spent(1)); // gives nothing to the new one
    await assert.rejects(ledger.reserve(asked({ promptTokens: 1, completionTokens: 0 })), { code: 'QUOTA_RATE' });
    await ledger.settle(third.id, spent(90));
    await ledger.settle(third.id, spent(0)); // again: nothing
    const { open } = await checkLedger(database, ({ metric }) => (metric === 'tokens_per_minute' ? 100 : undefined));
    assert.equal(open, 0);
  });

  test(`${kind}: nothing is billed for what was refused, failed before its first token, or died`, {
    skip,
  }, async () => {
    await using own = await opened(kind);
    const { ledger, database } = own;
    await ledger.limits.set(limit('requests_per_day', 4));
    const ends: [number, Outcome, number, number][] = [
      [0, 'refused', 0, 0],
      [0, 'failed', 0, 0],
      [7, 'failed', 17, 1],
      [0, 'left', 10, 1],
      [3, 'left', 13, 1],
      [0, 'completed', 10, 1],
    ];
    let [tokens, requests] = [0, 0];
    for (const [completion, outcome, billed, counted] of ends) {
      const { id } = await ledger.reserve(asked());
      await ledger.settle(id, spent(completion, outcome));
      tokens += billed;
      requests += counted;
      const [sum] = await usageReport(database);
      assert.deepEqual(
        [(sum?.promptTokens ?? 0) + (sum?.completionTokens ?? 0), sum?.requests ?? 0],
        [tokens, requests],
      );
    }
    await assert.rejects(ledger.reserve(asked()), {
      code: 'QUOTA_USED_UP',
      message: /^the limit of the key, 4 requests a day, is reached \(4 are used\): try again in 43200 s$/,
    });
  });

  test(`${kind}: limits of organisation, account, key and model hold together, and change at once`, {
    skip,
  }, async () => {
    await using own = await opened(kind, 2);
    const { ledgers, ledger, database, time } = own;
    const [, other] = ledgers;
    await ledger.limits.set(limit('tokens_per_request', 50));
    await ledger.limits.set(limit('tokens_per_request', 40, { model: 'm' }));
    await ledger.limits.set(limit('tokens_per_request', undefined, { subject: 'k2' }));
    await ledger.limits.set(limit('concurrent_requests', 2, { scope: 'account', subject: 'acc' }));
    await ledger.limits.set(limit('requests_per_week', 5, { scope: 'organisation', subject: 'org', model: 'n' }));
    await assert.rejects(other!.reserve(asked({ completionTokens: 31 })), {
      code: 'QUOTA_REQUEST_TOO_LARGE',
      message:
        "the request may take 41 tokens, which passes the limit of the key, 40 tokens a request of model 'm': shorten the prompt, or ask for a smaller max_tokens and n",
    });
    await assert.rejects(other!.reserve(asked({ model: 'n', completionTokens: 41 })), {
      code: 'QUOTA_REQUEST_TOO_LARGE',
    });
    const open = [
      { of: ledger, ...(await ledger.reserve(asked({ keyId: 'k2', model: 'n', completionTokens: 9000 }))) },
      { of: other!, ...(await other!.reserve(asked({ model: 'n' }))) },
    ];
    await assert.rejects(other!.reserve(asked({ keyId: 'k2' })), {
      code: 'QUOTA_RATE',
      retryAfter: 1,
      message: 'the limit of the account, 2 requests at once, is reached (2 are used): try again in 1 s',
    });
    const states = await limitStates(database, asked(), time.now);
    assert.deepEqual(
      states.map(({ scope, metric, model, amount, used }) => [scope, metric, model, amount, used]),
      [
        ['organisation', 'requests_per_quarter', '*', 30_000, 2],
        ['account', 'concurrent_requests', '*', 2, 2],
        ['key', 'tokens_per_request', '*', 50, 0],
        ['key', 'tokens_per_request', 'm', 40, 0],
        ['organisation', 'requests_per_week', 'n', 5, 2],
      ],
    );
    await ledger.limits.set(limit('concurrent_requests', 3, { scope: 'account', subject: 'acc' }));
    open.push({ of: other!, ...(await other!.reserve(asked({ keyId: 'k2' }))) });
    assert.ok(await ledger.limits.remove(limit('concurrent_requests', 0, { scope: 'account', subject: 'acc' })));
    open.push({ of: other!, ...(await other!.reserve(asked({ keyId: 'k2' }))) });
    for (const { of, id } of open) await of.settle(id, spent(1));
    assert.equal((await checkLedger(database, () => undefined)).open, 0);
    await ledger.limits.set(limit('requests_per_minute', 0));
    await assert.rejects(other!.reserve(asked()), {
      code: 'QUOTA_REQUEST_TOO_LARGE',
      message: /lets no request through/,
    });
  });

  test(`${kind}: an end that is asked for behind a record comes behind it`, { skip }, async () => {
    await using own = await opened(kind);
    const { ledger } = own;
    let { id } = await ledger.reserve(asked());
    for (let n = 1; n <= 4; n++) {
      // The reservation begins a transaction, which takes along what is asked for in the same turn.
      const [next] = await Promise.all([
        ledger.reserve(asked()),
        ledger.record(id, 3),
        n % 2 === 0 ? ledger.settle(id, spent(5)) : ledger.finish(id, spent(5)),
      ]);
      id = next.id;
    }
  });

  test(`${kind}: any interleaving of reservations, records, ends and clocks keeps the books`, { skip }, async () => {
    const amounts: Partial<Record<Metric, number>> = {
      ...{ tokens_per_minute: 60, tokens_per_day: 200, requests_per_minute: 4, concurrent_requests: 3 },
      ...{ tokens_per_request: 40, requests_per_quarter: 12 },
    };
    const step = fc.oneof(
      fc.record({
        do: fc.constant('reserve' as const),
        at: fc.nat(2),
        prompt: fc.nat(15),
        most: fc.nat(30),
        key: fc.constantFrom('k1', 'k2'),
        model: fc.constantFrom('m', 'n'),
      }),
      fc.record({ do: fc.constant('record' as const), at: fc.nat(20), tokens: fc.nat(10) }),
      fc.record({
        do: fc.constant('settle' as const),
        at: fc.nat(20),
        outcome: fc.constantFrom<Outcome>('completed', 'left', 'failed', 'refused'),
      }),
      fc.record({ do: fc.constant('finish' as const), at: fc.nat(20) }),
      fc.record({
        do: fc.constant('clock' as const),
        jump: fc.constantFrom(1, 20_000, 61_000, 26 * 3_600_000, -90_000, -30 * 3_600_000, 100 * 86_400_000),
      }),
    );
    const runs = kind === 'postgres' ? 6 : 25;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), fc.nat(4), async (steps, together) => {
        await using own = await opened(kind, 3);
        const { ledgers, ledger, database, time } = own;
        for (const metric of METRICS) {
          const amount = amounts[metric];
          if (amount !== undefined)
            await ledger.limits.set(limit(metric, amount, { model: metric === 'tokens_per_minute' ? 'm' : ALL }));
        }
        const open: { ledger: Ledger; id: number; most: number; produced: number }[] = [];
        let running: Promise<unknown>[] = [];
        for (const [n, one] of steps.entries()) {
          if (one.do === 'clock') time.now += one.jump;
          else if (one.do === 'reserve') {
            const mine = ledgers[one.at]!;
            const wanted = asked({
              promptTokens: one.prompt,
              completionTokens: one.most,
              keyId: one.key,
              model: one.model,
            });
            const done = mine.reserve(wanted).then(
              ({ id }) => open.push({ ledger: mine, id, most: one.most, produced: 0 }),
              (error: { code: string }) => assert.match(error.code, /^QUOTA_(RATE|USED_UP|REQUEST_TOO_LARGE)$/),
            );
            running.push(done);
          } else if (open.length > 0) {
            const request = open[one.at % open.length]!;
            if (one.do === 'record') {
              request.produced = Math.min(request.most, request.produced + one.tokens);
              running.push(request.ledger.record(request.id, request.produced));
            } else if (one.do === 'finish') {
              open.splice(open.indexOf(request), 1);
              const end = { promptTokens: 0, completionTokens: request.produced };
              running.push(request.ledger.finish(request.id, end));
            } else {
              open.splice(open.indexOf(request), 1);
              const end = {
                promptTokens: 0,
                completionTokens: one.outcome === 'refused' ? 0 : request.produced,
                outcome: one.outcome,
              };
              running.push(request.ledger.settle(request.id, end));
            }
          }
          if (n % (together + 1) !== 0) continue;
          await Promise.all(running);
          running = [];
          await checkLedger(database, ({ metric, model }) =>
            model === '*' || metric === 'tokens_per_minute' ? amounts[metric as Metric] : undefined,
          );
        }
        await Promise.all(running);
        for (const request of open)
          await request.ledger.settle(request.id, {
            promptTokens: 0,
            completionTokens: request.produced,
            outcome: 'left',
          });
        while (ledgers.some((one) => one.open > 0)) await sleep(1);
        const { open: left } = await checkLedger(database, () => undefined);
        assert.equal(left, 0);
        assert.ok(ledgers.every((one) => one.open === 0));
      }),
      // Each run opens three databases: shrinking would take minutes, and the seed that is told runs it again.
      { numRuns: runs, endOnFailure: true },
    );
  });
}

test('a clock that is set back gives nothing back, and opens no window early', async () => {
  await using own = await opened('sqlite');
  const { ledger, time } = own;
  await ledger.limits.set(limit('requests_per_day', 1));
  await ledger.settle((await ledger.reserve(asked())).id, spent(1));
  for (const jump of [-3_600_000, -40 * 86_400_000, 1]) {
    time.now = START + jump;
    await assert.rejects(ledger.reserve(asked()), { code: 'QUOTA_USED_UP' });
  }
  time.now = START + 12 * 3_600_000;
  await ledger.reserve(asked());
  const clock = steadyClock();
  const first = clock();
  const { now } = Date;
  try {
    Date.now = () => now() + 86_400_000;
    assert.ok(clock() - first < 60_000, 'the system clock was set forward');
    Date.now = () => 0;
    assert.ok(clock() >= first, 'and back');
  } finally {
    Date.now = now;
  }
});

test('an answer that was seen whole is billed whole, though its process dies before it has settled it', async () => {
  await using own = await opened('sqlite');
  const { database } = own;
  const dying = await Ledger.open(database, { beat: 60_000 });
  const [whole, cut, unseen] = await Promise.all([
    dying.reserve(asked()),
    dying.reserve(asked()),
    dying.reserve(asked()),
  ]);
  await dying.record(cut.id, 4);
  // What it has written is all that is left of it: its settlement never comes.
  const { write } = database;
  database.write = () => new Promise(() => undefined);
  await dying.finish(whole.id, { promptTokens: 9, completionTokens: 11 });
  database.write = write;
  await database.write((queries) =>
    queries.run(
      'UPDATE processes SET identity = ? WHERE id = (SELECT MAX(id) FROM processes)',
      JSON.stringify({ host: 'gone', process: 1 }),
    ),
  );
  const peer = await Ledger.open(database, { beat: 5 });
  while ((await checkLedger(database, () => undefined)).open > 0) await sleep(5);
  await peer.close();
  const rows = await database.rows<{ id: number; outcome: string; prompt_tokens: number; completion_tokens: number }>(
    'SELECT id, outcome, prompt_tokens, completion_tokens FROM requests ORDER BY id',
  );
  assert.deepEqual(
    rows.map(({ id, outcome, prompt_tokens, completion_tokens }) => [id, outcome, prompt_tokens, completion_tokens]),
    [
      [whole.id, 'completed', 9, 11],
      [cut.id, 'lost', 10, 4],
      [unseen.id, 'lost', 0, 0],
    ],
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith(path.basename(own.place)) && name.includes('-open-')).length,
    1,
    'of the living process alone',
  );
});

test('windows end where the calendar of China does; quarters are three months from their beginning', () => {
  const china = (text: string) => Date.parse(`${text}+08:00`);
  const cases: [Metric, string, string][] = [
    ['tokens_per_minute', '2026-11-30T12:00:00.500', '2026-11-30T12:01:00.500'],
    ['tokens_per_day', '2026-11-30T23:59:59.999', '2026-12-01T00:00:00'],
    ['tokens_per_day', '2026-12-01T00:00:00', '2026-12-02T00:00:00'],
    ['tokens_per_week', '2026-11-30T00:00:00', '2026-12-07T00:00:00'],
    ['tokens_per_week', '2026-11-29T23:00:00', '2026-11-30T00:00:00'],
    ['tokens_per_month', '2026-12-31T23:00:00', '2027-01-01T00:00:00'],
    ['requests_per_quarter', '2026-11-30T06:30:15', '2027-02-28T06:30:15'],
    ['requests_per_quarter', '2027-01-15T01:00:00', '2027-04-15T01:00:00'],
  ];
  for (const [metric, from, to] of cases) assert.equal(endOf(metric, china(from)), china(to), `${metric} from ${from}`);
  assert.equal(dayOf(china('2026-12-01T00:00:00')), '2026-12-01');
  fc.assert(
    fc.property(
      fc.constantFrom(...METRICS),
      fc.integer({ min: 0, max: 4e12 }),
      (metric, now) => endOf(metric, now) > now,
    ),
  );
});

test('limits that are none are refused', async () => {
  await using own = await opened('sqlite');
  const { limits } = own.ledger;
  for (const amount of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
    await assert.rejects(limits.set(limit('tokens_per_day', amount)), {
      code: 'QUOTA_BAD_LIMIT',
      message: /from 0 to 2\^53/,
    });
  }
  await assert.rejects(limits.set(limit('euros_per_day' as Metric, 1)), {
    code: 'QUOTA_BAD_LIMIT',
    message: /choose one of/,
  });
  assert.deepEqual(
    (await limits.list()).map(({ metric, amount }) => [metric, amount]),
    [['requests_per_quarter', 30_000]],
  );
  await limits.set(limit('tokens_per_day', 2 ** 53 - 2));
  await own.ledger.settle((await own.ledger.reserve(asked({ completionTokens: 2 ** 52 }))).id, spent(1));
});

test('a report as CSV: quoted, and no formula for a table program', async () => {
  await using own = await opened('sqlite');
  await own.ledger.settle((await own.ledger.reserve(asked())).id, spent(4));
  assert.equal(
    usageCsv(await usageReport(own.database, { from: '2026-11-30', to: '2026-11-30', keyId: 'k1' })),
    'day,organisation,account,key,key_name,model,requests,prompt_tokens,completion_tokens,total_tokens\r\n' +
      '2026-11-30,"\'=图南,大学",acc,sk-tunan-k1,"a ""b""",m,1,10,4,14\r\n',
  );
  assert.deepEqual(await usageReport(own.database, { to: '2026-11-29' }), []);
});

test('a process that was taken for dead has lost its requests, and goes on with new ones', async () => {
  await using own = await opened('sqlite');
  const { database } = own;
  await using ledger = await Ledger.open(database, { beat: 60_000, sure: 0 });
  const { id } = await ledger.reserve(asked());
  await ledger.record(id, 3);
  // What a living one does that has not heard of it for long.
  await database.write((queries) =>
    queries.run('UPDATE processes SET identity = ?', JSON.stringify({ host: 'gone', process: 1 })),
  );
  const peer = await Ledger.open(database, { beat: 5 });
  while ((await checkLedger(database, () => undefined)).open > 0) await sleep(5);
  await peer.close();
  const [row] = await usageReport(database);
  assert.deepEqual([row!.promptTokens, row!.completionTokens, row!.requests], [10, 3, 1]);
  await assert.rejects(ledger.record(id, 4), { code: 'QUOTA_LEASE_LOST' });
  await ledger.settle(id, spent(4));
  assert.equal((await usageReport(database))[0]!.completionTokens, 3);
  const next = await ledger.reserve(asked());
  await ledger.settle(next.id, spent(2));
  assert.equal((await checkLedger(database, () => undefined)).open, 0);
});

test('postgres: gone and back: refused meanwhile, nothing lost', {
  skip: server === undefined ? 'PostgreSQL is not installed' : false,
}, async () => {
  await using own = await opened('postgres');
  const { ledger, database, trouble } = own;
  await ledger.limits.set(limit('concurrent_requests', 2));
  const { id } = await ledger.reserve(asked());
  await ledger.record(id, 2);
  await server!.stop();
  const down = { code: 'STORAGE_DOWN' };
  await assert.rejects(ledger.record(id, 3), down);
  const [settled, refused] = await Promise.allSettled([ledger.settle(id, spent(2, 'failed')), ledger.reserve(asked())]);
  assert.deepEqual([settled.status, refused.status], ['rejected', 'rejected']);
  assert.ok(trouble.length > 0);
  await server!.start();
  while (ledger.open > 0) await sleep(20);
  const { open } = await checkLedger(database, () => undefined);
  assert.equal(open, 0);
  assert.equal((await usageReport(database))[0]!.completionTokens, 2);
  const next = await ledger.reserve(asked());
  await ledger.settle(next.id, spent(1));
});
