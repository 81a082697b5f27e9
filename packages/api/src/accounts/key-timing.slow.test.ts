/**
 * Does the time of a key check tell anything of a key? Two kinds of wrong keys are checked in turns, in an order that is drawn anew, and
 * their times are compared by rank: P(one of the first kind takes longer than one of the second), ½ where nobody can tell them apart. What
 * else the machine does meets both kinds alike. A check that leaks on purpose, beside them, shows that the test would find one.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { testFolder } from '../testing/databases.ts';
import { Accounts } from './accounts.ts';

const ROUNDS = 12_000;
const WARMING = 1_000;
/** Of ½: a difference of an eighth of a standard deviation. Drawn from one distribution, 12 000 of each differ by 0.004. */
const TOLERANCE = 0.03;

type Check = (key: string) => Promise<void>;

/** @returns P(first > second) + ½ P(first = second) */
async function compare(check: Check, first: () => string, second: () => string): Promise<number> {
  const times: { readonly kind: number; readonly nanoseconds: number }[] = [];
  // Made before, and as they would come from a socket: how a text was put together is seen in the time of what follows.
  const keys = [first, second].map((make) =>
    Array.from({ length: ROUNDS + WARMING }, () => Buffer.from(make()).toString('latin1')),
  );
  for (let round = -WARMING; round < ROUNDS; round++) {
    const order = Math.random() < 0.5 ? [0, 1] : [1, 0];
    for (const kind of order) {
      const key = keys[kind]![round + WARMING]!;
      const begun = process.hrtime.bigint();
      await check(key);
      const nanoseconds = Number(process.hrtime.bigint() - begun);
      if (round >= 0) times.push({ kind, nanoseconds });
    }
  }
  times.sort((a, b) => a.nanoseconds - b.nanoseconds);
  let [ranks, at] = [0, 0];
  while (at < times.length) {
    let end = at;
    while (end < times.length && times[end]!.nanoseconds === times[at]!.nanoseconds) end++;
    const rank = (at + 1 + end) / 2;
    for (; at < end; at++) if (times[at]!.kind === 0) ranks += rank;
  }
  return (ranks - (ROUNDS * (ROUNDS + 1)) / 2) / ROUNDS ** 2;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const random = (length: number): string =>
  Array.from({ length }, () => LETTERS[Math.floor(Math.random() * LETTERS.length)]).join('');

test('the time of a key check tells neither whether a prefix is known nor how much of a key is right', async (t) => {
  using own = testFolder();
  await using accounts = await Accounts.open(path.join(own.folder, 'a.sqlite'), { passwordCost: 2, environment: {} });
  const keys: string[] = [];
  for (let n = 0; n < 40; n++) {
    const { account } = await accounts.members.add({ organisation: `o${n}`, email: `${n}@x`, name: 'x' });
    keys.push((await accounts.keys.make(account.id, { name: 'x' })).text);
  }
  const known = () => keys[Math.floor(Math.random() * keys.length)]!;
  const check: Check = async (key) => {
    await assert.rejects(accounts.keys.authenticate(key), { code: 'ACCOUNT_KEY' });
  };
  const prefix = 'sk-tunan-'.length + 8;
  const wrongSecret = () => known().slice(0, prefix) + random(40);
  const unknownPrefix = () => `sk-tunan-${random(48)}`;
  const wrongLast = () => {
    const key = known();
    return key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A');
  };
  const leaky: Check = async (key) => {
    const right = keys.find((one) => one.startsWith(key.slice(0, prefix)));
    await check(key);
    // As slow as a comparison letter by letter that takes a microsecond for each.
    for (let at = prefix; right !== undefined && at < key.length && right[at] === key[at]; at++) {
      const end = process.hrtime.bigint() + 1_000n;
      while (process.hrtime.bigint() < end);
    }
  };
  const found = {
    'unknown prefix, wrong secret': await compare(check, unknownPrefix, wrongSecret),
    'wrong from the first letter on, wrong last letter': await compare(check, wrongSecret, wrongLast),
  };
  t.diagnostic(JSON.stringify(found));
  for (const [name, share] of Object.entries(found)) {
    assert.ok(Math.abs(share - 0.5) < TOLERANCE, `${name}: ${share}`);
  }
  const leak = await compare(leaky, wrongSecret, wrongLast);
  t.diagnostic(`a check that leaks: ${leak}`);
  assert.ok(Math.abs(leak - 0.5) > TOLERANCE, `a check that leaks is not found: ${leak}`);
});
