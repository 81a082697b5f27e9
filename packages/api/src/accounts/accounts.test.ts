import assert from 'node:assert/strict';
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { openDatabase } from '../storage/open-database.ts';
import { postgresServer, testFolder } from '../testing/databases.ts';
import { Accounts, type AccountsOptions } from './accounts.ts';
import { holdsApiKey, newApiKey, prefixOf, withoutApiKeys } from './api-key.ts';
import { Passwords } from './passwords.ts';
import { forgetServerSecret } from './server-secret.ts';
import { totpCode, totpStep } from './totp.ts';

const { folder, ...folders } = testFolder();
after(() => folders[Symbol.dispose]());
const server = await postgresServer();
after(() => server?.close());

let files = 0;
const newFile = () => path.join(folder, `${++files}.sqlite`);
const SECRET = { TUNAN_ACCOUNTS_SECRET: '水之积也不厚，则其负大舟也无力。'.repeat(3) };
const cheap = { passwordCost: 2 };
const open = (place = newFile(), options: AccountsOptions = {}) => Accounts.open(place, { ...cheap, ...options });
const form = {
  organisation: '图南大学',
  kind: 'academic',
  purpose: '古诗研究',
  name: '李白',
  email: 'Libai@Example.org',
  password: '床前明月光疑是地上霜举头',
} as const;
const code = (expected: string) => ({ code: expected });

for (const kind of ['sqlite', 'postgres']) {
  const skip = kind === 'postgres' && server === undefined ? 'PostgreSQL is not installed' : false;

  test(`${kind}: application, review, account, keys, and out again`, { skip }, async () => {
    const place = kind === 'postgres' ? await server!.newDatabase() : newFile();
    await using accounts = await open(place, { environment: SECRET });
    await using elsewhere = await open(place, { environment: SECRET });
    const { applications, members, keys } = accounts;
    const id = await applications.apply(form);
    await assert.rejects(applications.apply(form), code('ACCOUNT_EXISTS'));
    assert.deepEqual(
      (await applications.list('pending')).map(({ email, status }) => [email, status]),
      [['libai@example.org', 'pending']],
    );
    const accountId = await applications.approve(id);
    await assert.rejects(applications.approve(id), code('ACCOUNT_STATE'));
    await assert.rejects(applications.reject(id, 'late'), code('ACCOUNT_STATE'));
    const account = await members.find('LIBAI@example.org');
    assert.deepEqual([account.id, account.owner, account.role], [accountId, true, 'user']);

    const second = await applications.apply({ ...form, name: '杜甫', email: 'dufu@example.org' });
    assert.equal((await members.find(await applications.approve(second))).owner, false);
    const third = await applications.apply({ ...form, email: 'spam@example.org' });
    await applications.reject(third, '用途不明');
    assert.equal((await applications.list('rejected'))[0]?.reason, '用途不明');
    await assert.rejects(members.find('spam@example.org'), code('ACCOUNT_NOT_FOUND'));

    const made = await keys.make(accountId, { name: 'test', models: ['yuan'], routes: ['chat/completions'] });
    const caller = await elsewhere.keys.authenticate(made.text);
    assert.deepEqual(await elsewhere.keys.authenticate(made.text), caller, 'remembered');
    assert.deepEqual(caller, {
      organisationId: account.organisationId,
      accountId,
      keyId: made.key.id,
      models: ['yuan'],
      routes: ['chat/completions'],
    });
    await keys.revoke(made.key.prefix);
    await assert.rejects(elsewhere.keys.authenticate(made.text), { message: /has been revoked/, chinese: /已被吊销/ });
    const rows = await accounts.database.rows('SELECT * FROM keys');
    assert.ok(!JSON.stringify(rows).includes(made.text.slice(-40)), 'the key itself is kept nowhere');

    const other = await keys.make(accountId, { name: 'other' });
    assert.equal((await elsewhere.keys.authenticate(other.text)).keyId, other.key.id, 'known there by now');
    await members.removeOrganisation('图南大学');
    await assert.rejects(elsewhere.keys.authenticate(other.text), /organisation that was deleted/);
    await assert.rejects(members.find(accountId), code('ACCOUNT_NOT_FOUND'));
    const [gone] = await accounts.database.rows<{ email: string }>(
      'SELECT email FROM accounts WHERE id = ?',
      accountId,
    );
    assert.equal(gone?.email, '');
    await assert.rejects(members.find('\0'), code('ACCOUNT_NOT_FOUND'));
    await assert.rejects(applications.apply({ ...form, email: 'a\0@b' }), code('ACCOUNT_BAD_VALUE'));
    // Name and address are free again.
    const again = await applications.apply(form);
    await applications.approve(again);
  });

  test(`${kind}: who is suspended is refused in every process, keeps everything, and comes back`, {
    skip,
  }, async () => {
    const place = kind === 'postgres' ? await server!.newDatabase() : newFile();
    await using accounts = await open(place, { environment: SECRET });
    await using elsewhere = await open(place, { environment: SECRET });
    const { members, keys } = accounts;
    const first = (await members.addFirstAdmin())!;
    const made = await members.add({ organisation: '图南大学', email: 'li@x', name: '李白' });
    const colleague = await members.add({ organisation: '图南大学', email: 'du@x', name: '杜甫' });
    const [own, theirs] = await Promise.all(
      [made, colleague].map(({ account }) => keys.make(account.id, { name: 'k' })),
    );
    const key = own!.text;
    const whole = async () => (await accounts.database.rows<object>('SELECT * FROM keys')).map((row) => ({ ...row }));
    const before = await whole();
    const session = await elsewhere.sessions.signIn('li@x', made.password, undefined);

    const suspended = await members.suspend('li@x');
    assert.ok(suspended.suspendedAt !== undefined && suspended.organisationSuspendedAt === undefined);
    assert.deepEqual(await members.suspend('li@x'), suspended, 'again it changes nothing');
    const refused = { code: 'ACCOUNT_SUSPENDED', message: /the account is suspended/, chinese: /该账户已被停用/ };
    await assert.rejects(elsewhere.keys.authenticate(key), refused);
    await assert.rejects(elsewhere.keys.authenticate(`${key.slice(0, -1)}!`), code('ACCOUNT_KEY'));
    await assert.rejects(elsewhere.keys.requireUsable(own!.key.id), refused);
    assert.equal(await elsewhere.sessions.find(session.token), undefined);
    await assert.rejects(elsewhere.sessions.signIn('li@x', made.password, undefined), refused);
    await assert.rejects(elsewhere.sessions.signIn('li@x', 'wrong', undefined), code('ACCOUNT_SIGN_IN'));
    await elsewhere.keys.authenticate(theirs!.text);
    assert.deepEqual(await whole(), before, 'its keys stay');

    const organisation = await members.suspendOrganisation('图南大学');
    assert.ok(organisation.suspendedAt !== undefined);
    const all = {
      code: 'ACCOUNT_SUSPENDED',
      message: /the organisation of this account is suspended/,
      chinese: /机构/,
    };
    for (const one of [key, theirs!.text]) await assert.rejects(elsewhere.keys.authenticate(one), all);
    const later = await members.add({ organisation: '图南大学', email: 'wang@x', name: '王维' });
    await assert.rejects(elsewhere.sessions.signIn('wang@x', later.password, undefined), all);
    assert.equal((await members.reinstateOrganisation(organisation.id)).suspendedAt, undefined);
    await elsewhere.keys.authenticate(theirs!.text);
    await assert.rejects(elsewhere.keys.authenticate(key), refused, 'of its own it is still suspended');
    assert.equal((await members.reinstate(made.account.id)).suspendedAt, undefined);
    assert.equal((await elsewhere.keys.authenticate(key)).accountId, made.account.id);
    assert.equal((await elsewhere.sessions.signIn('li@x', made.password, undefined)).account.id, made.account.id);

    const last = { code: 'ACCOUNT_STATE', message: /last admin/ };
    await assert.rejects(members.suspend(first.account.id), last);
    await assert.rejects(members.suspendOrganisation('tunan'), last);
    // One who is suspended is no admin to be relied on.
    await members.setRole('li@x', 'admin');
    await members.suspend('li@x');
    for (const leave of [
      members.suspend(first.account.id),
      members.remove(first.account.id),
      members.setRole(first.account.id, 'user'),
    ])
      await assert.rejects(leave, last);
    await members.setRole('li@x', 'user');
    await members.reinstate('li@x');
    await assert.rejects(members.suspend('nobody@x'), code('ACCOUNT_NOT_FOUND'));
    await assert.rejects(members.reinstateOrganisation('nowhere'), code('ACCOUNT_NOT_FOUND'));
  });

  test(`${kind}: every change is recorded with its maker, and holds no secret`, { skip }, async () => {
    const place = kind === 'postgres' ? await server!.newDatabase() : newFile();
    let now = 1_700_000_000_000;
    await using accounts = await open(place, { environment: SECRET, now: () => now, actor: 'command' });
    const first = (await accounts.members.addFirstAdmin())!;
    const admin = accounts.by(first.account);
    const accountId = await admin.applications.approve(await accounts.applications.apply(form));
    const other = await accounts.applications.apply({ ...form, email: 'spam@example.org' });
    await admin.applications.reject(other, '不合适的用途');
    const libai = await accounts.members.find(accountId);
    const own = accounts.by(libai);
    const made = await own.keys.make(accountId, { name: 'laptop' });
    const next = await own.keys.rotate(made.key.id, 60);
    await admin.keys.revoke(next.key.id);
    await admin.keys.revoke(next.key.id); // changes nothing
    await admin.members.setRole(accountId, 'reviewer');
    await admin.members.suspend(accountId);
    await admin.members.suspend(accountId);
    await accounts.members.reinstate(accountId);
    const limit = { scope: 'key', subject: '*', model: '*', metric: 'requests_per_day' } as const;
    await admin.limits.set({ ...limit, amount: 7 });
    await admin.limits.set({ ...limit, amount: undefined });
    await admin.limits.remove(limit);
    await admin.limits.remove(limit);
    const factor = await accounts.sessions.beginSecondFactor(libai);
    const codeNow = () => totpCode(factor.secret, Math.floor(now / 30_000));
    await accounts.sessions.confirmSecondFactor(libai, codeNow());
    now += 30_000;
    await accounts.sessions.endSecondFactor(libai, codeNow());
    for (let failure = 0; failure < 5; failure++)
      await assert.rejects(accounts.sessions.signIn(form.email, 'wrong', undefined));
    const reset = await admin.members.reset(accountId);
    await accounts.members.changePassword(accountId, reset.password, '举头望明月，低头思故乡。');
    await assert.rejects(admin.members.remove(first.account.id), /last admin/);
    await admin.members.removeOrganisation('图南大学');

    const events = (await accounts.events({ limit: 100 })).reverse();
    const { id: organisationId } = (await accounts.members.organisations())[0]!;
    const [command, chief, self] = ['command', 'admin@localhost', undefined]; // who is gone has no name
    assert.deepEqual(
      events.map(({ id, actor, action, target, details }) => [
        ...[id, actor.kind === 'account' ? actor.name : actor.kind, action, target.name ?? target.id],
        ...(Object.keys(details).length > 0 ? [details] : []),
      ]),
      [
        [1, command, 'organisation_made', 'tunan'],
        [2, command, 'account_made', chief, { organisation: organisationId, role: 'admin', owner: true }],
        [3, chief, 'organisation_made', '图南大学'],
        [4, chief, 'account_made', accountId, { organisation: libai.organisationId, role: 'user', owner: true }],
        [5, chief, 'application_approved', '图南大学', { account: accountId }],
        [6, chief, 'application_rejected', '图南大学'],
        [7, self, 'key_made', made.key.prefix, { account: accountId }],
        [8, self, 'key_rotated', made.key.prefix, { account: accountId, next: next.key.prefix, overlap_seconds: 60 }],
        [9, chief, 'key_revoked', next.key.prefix, { account: accountId }],
        [10, chief, 'role_set', accountId, { role: 'reviewer', before: 'user' }],
        [11, chief, 'account_suspended', accountId],
        [12, command, 'account_reinstated', accountId],
        [13, chief, 'limit_set', '*', { model: '*', metric: 'requests_per_day', amount: 7 }],
        [14, chief, 'limit_set', '*', { model: '*', metric: 'requests_per_day', amount: null, before: 7 }],
        [15, chief, 'limit_removed', '*', { model: '*', metric: 'requests_per_day', before: null }],
        [16, self, 'second_factor_set', accountId],
        [17, self, 'second_factor_removed', accountId],
        [18, 'nobody', 'sign_in_locked', accountId, { failures: 5, seconds: 60 }],
        [19, chief, 'password_reset', accountId],
        [20, self, 'password_changed', accountId],
        [21, chief, 'account_removed', accountId],
        [22, chief, 'organisation_removed', '图南大学'],
      ],
    );
    assert.equal(events[15]!.actor.id, accountId);
    const kept = JSON.stringify(await accounts.database.rows('SELECT * FROM account_events'));
    const secrets = [form.password, reset.password, first.password, factor.secret, '不合适', '李白', 'example.org'];
    for (const secret of [...secrets, made.text.slice(17), next.text.slice(17)])
      assert.ok(!kept.includes(secret), secret);

    const page = await accounts.events({ limit: 2, before: 9 });
    assert.deepEqual(
      page.map(({ id }) => id),
      [8, 7],
    );
    const ofAccount = await accounts.events({ limit: 100, accountId });
    assert.deepEqual(
      ofAccount.map(({ id }) => id),
      [21, 20, 19, 18, 17, 16, 12, 11, 10, 8, 7, 4],
    );

    // A server removes what is older than it keeps, the command line nothing.
    now += 10 * 24 * 3600 * 1000;
    await accounts.members.setRole(first.account.id, 'admin');
    assert.equal((await accounts.events({ limit: 100 })).length, 23);
    await using keeping = await open(place, { environment: SECRET, now: () => now, auditDays: 10 });
    await keeping.members.setRole(first.account.id, 'admin');
    const left = (await keeping.events({ limit: 100 })).map(({ id, actor }) => [id, actor.kind]);
    assert.deepEqual(left.slice(0, 2), [
      [24, 'server'],
      [23, 'command'],
    ]);
    assert.deepEqual(
      left.map(([id]) => id),
      [24, 23, 22, 21, 20, 19, 18, 17],
      'those of the first moment are ten days old',
    );
  });

  test(`${kind}: two processes at once make one first admin`, { skip }, async () => {
    const place = kind === 'postgres' ? await server!.newDatabase() : newFile();
    const both = await Promise.all([1, 2].map(() => open(place, { environment: SECRET })));
    const made = await Promise.all(both.map(({ members }) => members.addFirstAdmin()));
    assert.equal(made.filter((one) => one !== undefined).length, 1);
    const { account, password } = made.find((one) => one !== undefined)!;
    assert.equal((await both[0]!.sessions.signIn(account.email, password, undefined)).account.role, 'admin');
    await assert.rejects(both[0]!.members.remove(account.id), { message: /last admin/ });
    await assert.rejects(both[0]!.members.removeOrganisation(account.organisationId), { message: /last admin/ });
    await assert.rejects(both[0]!.members.setRole(account.id, 'user'), { message: /last admin/ });
    for (const one of both) await one.close();
  });
}

test('keys: unknown and malformed ones, expiry, rotation with overlap', async () => {
  let now = 1_000_000;
  await using accounts = await open(newFile(), { now: () => now });
  const { keys, members } = accounts;
  const { account } = await members.add({ organisation: 'a', email: 'a@b', name: 'a' });
  for (const wrong of ['', 'sk-tunan-', newApiKey(), `${newApiKey()}x`, '\0', "' OR 1=1 --"]) {
    await assert.rejects(keys.authenticate(wrong), { code: 'ACCOUNT_KEY', message: /is not known here/ });
  }
  const { key, text } = await keys.make(account.id, { name: 'a', expiresAt: now + 1000 });
  // The prefix of another, with the wrong rest.
  const forged = text.slice(0, -40) + newApiKey().slice(-40);
  await assert.rejects(keys.authenticate(forged), /is not known here/);
  await keys.authenticate(text);
  now += 1000;
  await assert.rejects(keys.authenticate(text), /has expired/);
  await assert.rejects(keys.rotate(key.id, 10), code('ACCOUNT_STATE'));
  await assert.rejects(keys.make(account.id, { name: 'late', expiresAt: now }), code('ACCOUNT_BAD_VALUE'));
  for (const bad of [{ name: '' }, { name: 'a\nb' }, { name: 'a', models: [] }, { name: 'a', routes: ['/v1/x'] }]) {
    await assert.rejects(keys.make(account.id, bad), code('ACCOUNT_BAD_VALUE'));
  }
  const old = await keys.make(account.id, { name: 'b', models: ['m'] });
  const next = await keys.rotate(old.key.id, 60);
  assert.deepEqual([next.key.name, next.key.models], ['b', ['m']]);
  await keys.authenticate(old.text);
  now += 60_000;
  await keys.authenticate(next.text);
  await assert.rejects(keys.authenticate(old.text), /has expired/);
  const last = await keys.rotate(next.key.id, 0);
  await assert.rejects(keys.authenticate(next.text), /has been revoked/);
  await keys.authenticate(last.text);
  for (const overlap of [-1, 0.5, Number.NaN, 1e12]) {
    await assert.rejects(keys.rotate(last.key.id, overlap), code('ACCOUNT_BAD_VALUE'));
  }
  const { account: other } = await members.add({ organisation: 'b', email: 'c@d', name: 'c' });
  await assert.rejects(keys.revoke(last.key.id, other.id), code('ACCOUNT_NOT_FOUND'));
  await keys.authenticate(last.text);
});

test('a key is known by its form, and taken out of texts', () => {
  const key = newApiKey();
  assert.match(key, /^sk-tunan-[A-Za-z0-9]{48}$/);
  assert.equal(prefixOf(key), key.slice(0, 17));
  assert.equal(prefixOf(key.slice(1)), undefined);
  assert.ok(holdsApiKey(`/v1/models?x=${key}`));
  assert.ok(!holdsApiKey('/v1/models/sk-tunan'));
  assert.equal(withoutApiKeys(`/a/${key}/b/${key}`), '/a/sk-tunan-…/b/sk-tunan-…');
});

test('sign-in: lock-out after failures, for longer each time, and no telling of who has an account', async () => {
  let now = 1_000_000;
  await using accounts = await open(newFile(), { now: () => now });
  const { sessions, members } = accounts;
  const { account, password } = await members.add({ organisation: 'a', email: 'a@b', name: 'a' });
  const wrong = { code: 'ACCOUNT_SIGN_IN', message: 'the e-mail address, the password or the code is wrong' };
  await assert.rejects(sessions.signIn('nobody@b', password, undefined), wrong);
  for (let failure = 0; failure < 4; failure++) await assert.rejects(sessions.signIn('a@b', 'wrong', undefined), wrong);
  await assert.rejects(sessions.signIn('a@b', 'wrong', undefined), { code: 'ACCOUNT_LOCKED', retryAfter: 60 });
  await assert.rejects(sessions.signIn('a@b', password, undefined), code('ACCOUNT_LOCKED'));
  now += 60_000;
  await assert.rejects(sessions.signIn('a@b', 'wrong', undefined), { code: 'ACCOUNT_LOCKED', retryAfter: 120 });
  now += 120_000;
  const session = await sessions.signIn('A@B', password, undefined);
  assert.equal((await sessions.find(session.token))?.account.id, account.id);
  assert.equal(await sessions.find(`${session.token}x`), undefined);
  assert.ok(sessions.isCsrfOf(session.token, session.csrf));
  assert.ok(!sessions.isCsrfOf(`${session.token}x`, session.csrf));
  // Failures are counted anew.
  await assert.rejects(sessions.signIn('a@b', 'wrong', undefined), wrong);
  now = session.expiresAt;
  assert.equal(await sessions.find(session.token), undefined);
  const next = await sessions.signIn('a@b', password, undefined);
  await assert.rejects(members.changePassword(account.id, 'wrong', 'a longer password'), code('ACCOUNT_SIGN_IN'));
  await assert.rejects(members.changePassword(account.id, password, 'short'), { field: 'new_password' });
  await members.changePassword(account.id, password, 'a longer password');
  assert.equal(await sessions.find(next.token), undefined, 'a new password ends all sessions');
  await sessions.signIn('a@b', 'a longer password', undefined);
  const reset = await members.reset('a@b');
  await assert.rejects(sessions.signIn('a@b', 'a longer password', undefined), wrong);
  await sessions.signIn('a@b', reset.password, undefined);
});

test('many guesses at once do not pass the lock', async () => {
  await using accounts = await open();
  const { password } = await accounts.members.add({ organisation: 'a', email: 'a@b', name: 'a' });
  const guesses = Array.from({ length: 20 }, () => accounts.sessions.signIn('a@b', 'wrong', undefined));
  const right = accounts.sessions.signIn('a@b', password, undefined);
  assert.ok((await Promise.allSettled(guesses)).every(({ status }) => status === 'rejected'));
  await assert.rejects(right);
});

test('second factor: a code counts once, and is asked for', async () => {
  let now = 1_700_000_000_000;
  await using accounts = await open(newFile(), { now: () => now });
  const { sessions, members } = accounts;
  const { account, password } = await members.add({ organisation: 'a', email: 'a@b', name: 'a' });
  const { secret, address } = await sessions.beginSecondFactor(account);
  assert.match(address, /^otpauth:\/\/totp\/tunan%3Aa%40b\?secret=[A-Z2-7]{32}&issuer=tunan/);
  const [row] = await accounts.database.rows<{ totp_secret: string }>('SELECT totp_secret FROM accounts');
  assert.ok(!row!.totp_secret.includes(secret), 'it is sealed');
  const codeNow = () => totpCode(secret, Math.floor(now / 30_000));
  await sessions.signIn('a@b', password, undefined); // not confirmed yet
  await assert.rejects(sessions.confirmSecondFactor(account, '000000'), code('ACCOUNT_SIGN_IN'));
  await sessions.confirmSecondFactor(account, codeNow());
  await assert.rejects(sessions.signIn('a@b', password, undefined), code('ACCOUNT_CODE_NEEDED'));
  await assert.rejects(sessions.signIn('a@b', password, codeNow()), code('ACCOUNT_SIGN_IN'), 'used already');
  now += 30_000;
  const both = await Promise.allSettled([1, 2].map(() => sessions.signIn('a@b', password, codeNow())));
  assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
  await assert.rejects(sessions.beginSecondFactor(await members.find('a@b')), code('ACCOUNT_STATE'));
  now += 30_000;
  await sessions.endSecondFactor(await members.find('a@b'), codeNow());
  await sessions.signIn('a@b', password, undefined);
});

test('codes are those of RFC 6238', () => {
  // Appendix B, SHA-1, of eight digits the last six.
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  const vectors = { 59: '287082', 1111111109: '081804', 1234567890: '005924', 20000000000: '353130' };
  for (const [seconds, expected] of Object.entries(vectors)) {
    const step = Math.floor(Number(seconds) / 30);
    assert.equal(totpCode(secret, step), expected);
    const at = (shift: number) => totpStep(secret, expected, 0, (Number(seconds) + shift) * 1000);
    assert.deepEqual([at(0), at(30), at(-30), at(60), at(-60)], [step, step, step, undefined, undefined]);
    assert.equal(totpStep(secret, expected, step, Number(seconds) * 1000), undefined);
  }
});

test('passwords: old costs are still checked, and a flood is refused', async () => {
  const passwords = new Passwords(2);
  const stored = await new Passwords(4).hash('静夜思静夜思静夜思静夜思');
  assert.match(stored, /^scrypt\$4\$8\$3\$/);
  assert.ok(await passwords.matches('静夜思静夜思静夜思静夜思', stored));
  assert.ok(!(await passwords.matches('静夜思', stored)));
  assert.ok(!(await passwords.matches('静夜思', undefined)));
  const flood = Array.from({ length: 100 }, () => passwords.matches('x', stored));
  const refused = (await Promise.allSettled(flood)).filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 100 - 2 - 32);
  assert.ok(await passwords.matches('静夜思静夜思静夜思静夜思', stored));
});

test('what people type is checked', async () => {
  await using accounts = await open();
  const { applications } = accounts;
  const wrong = [
    { email: 'nobody' },
    { email: 'a@b\nBcc: c@d' },
    { name: '' },
    { name: 'a\u0007b' },
    { organisation: 'x'.repeat(201) },
    { purpose: '  ' },
    { password: 'short' },
    { password: 'x'.repeat(257) },
    { phone: 'DROP TABLE' },
  ];
  for (const one of wrong) {
    const field = Object.keys(one)[0];
    await assert.rejects(applications.apply({ ...form, ...one }), { code: 'ACCOUNT_BAD_VALUE', field });
  }
  assert.deepEqual(await applications.list(), []);
  const quoted = await applications.apply({ ...form, organisation: "Robert'); DROP TABLE keys;--" });
  assert.equal((await applications.list())[0]?.organisation, "Robert'); DROP TABLE keys;--");
  await applications.approve(quoted);
});

test('the secret of the server: made beside the file, guarded, and missed where it is lost', async () => {
  const file = newFile();
  const environment = {};
  const accounts = await open(file, { environment });
  const secret = `${file}.secret`;
  if (process.platform !== 'win32') assert.equal(statSync(secret).mode & 0o777, 0o600);
  const { account } = await accounts.members.add({ organisation: 'a', email: 'a@b', name: 'a' });
  const { text } = await accounts.keys.make(account.id, { name: 'a' });
  await accounts.close();
  await using again = await open(file, { environment });
  await again.keys.authenticate(text);
  renameSync(secret, `${secret}.away`);
  const lost = { code: 'ACCOUNT_SECRET', message: /is missing or not that of/, chinese: /缺失/ };
  await assert.rejects(open(file, { environment }), lost);
  writeFileSync(secret, 'f'.repeat(64), { mode: 0o600 });
  await assert.rejects(open(file, { environment }), lost);
  await assert.rejects(open(file, { environment: SECRET }), lost);
  await assert.rejects(open(newFile(), { environment: { TUNAN_ACCOUNTS_SECRET: 'short' } }), /give at least 32/);
  renameSync(`${secret}.away`, secret);
  if (process.platform !== 'win32') {
    chmodSync(secret, 0o644);
    await assert.rejects(open(file, { environment }), /can be read by others: chmod 600/);
    chmodSync(secret, 0o600);
  }
  const database = await openDatabase(file);
  assert.equal(await forgetServerSecret(database, Date.now()), 1);
  await database.close();
  writeFileSync(secret, 'e'.repeat(64), { mode: 0o600 });
  await using other = await open(file, { environment });
  await assert.rejects(other.keys.authenticate(text), /is not known here/);
  assert.ok(!readFileSync(file).includes(text.slice(-40)));
});
