import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { postgresServer, testFolder } from '../testing/databases.ts';
import { restoreBackup, writeBackup } from './backup.ts';
import type { Database } from './database.ts';
import { migrate, SCHEMA_VERSION } from './migrate.ts';
import { networkMount } from './network-file-system.ts';
import { openDatabase } from './open-database.ts';
import { MIGRATIONS } from './schema.ts';

using folders = testFolder();
const { folder } = folders;
after(() => folders[Symbol.dispose]());
const server = await postgresServer();
after(() => server?.close());
const noServer = server === undefined ? 'PostgreSQL (initdb, postgres) is not installed' : false;

const noBackup = async () => assert.fail('nothing to back up');
let files = 0;
const newPlace = async (kind: string) =>
  kind === 'postgres' ? await server!.newDatabase() : path.join(folder, `${++files}.sqlite`);

for (const kind of ['sqlite', 'postgres']) {
  const skip = kind === 'postgres' && noServer;

  test(`${kind}: a write is whole or not at all, and one at a time`, { skip }, async () => {
    const place = await newPlace(kind);
    await using first = await openDatabase(place);
    await migrate(first, noBackup);
    await using second = await openDatabase(place);
    await first.write((queries) => queries.run("INSERT INTO settings (name, value) VALUES ('n', '0')"));
    const add = (database: Database) =>
      database.write(async (queries) => {
        const [row] = await queries.rows<{ value: string }>("SELECT value FROM settings WHERE name = 'n'");
        await queries.run("UPDATE settings SET value = ? WHERE name = 'n'", String(Number(row!.value) + 1));
      });
    await Promise.all(Array.from({ length: 40 }, (_, turn) => add(turn % 2 === 0 ? first : second)));
    const value = async (database: Database) =>
      (await database.rows<{ value: string }>("SELECT value FROM settings WHERE name = 'n'"))[0]?.value;
    assert.equal(await value(second), '40');
    const given = new Error('given up');
    await assert.rejects(
      first.write(async (queries) => {
        await queries.run("UPDATE settings SET value = '99' WHERE name = 'n'");
        throw given;
      }),
      (error) => error === given,
    );
    assert.equal(await value(second), '40');
    // What is wrong in a statement is a fault of the program, and not the database that is gone.
    await assert.rejects(first.rows('SELECT nothing FROM nowhere'), (error: Error) => error.name !== 'StorageError');
    await add(second);
    assert.equal(await value(first), '41');
  });

  test(`${kind}: whole numbers come back as numbers up to 2^53 - 1`, { skip }, async () => {
    await using database = await openDatabase(await newPlace(kind));
    await migrate(database, noBackup);
    const most = Number.MAX_SAFE_INTEGER;
    const insert = "INSERT INTO limits (scope, subject, model, metric, amount) VALUES ('key', 'a', '*', 'x', ?)";
    await database.write((queries) => queries.run(insert, most));
    const [row] = await database.rows<object>('SELECT amount, subject FROM limits');
    assert.deepEqual({ ...row }, { amount: most, subject: 'a' });
  });

  test(`${kind}: steps forward with a backup first, of a newer program refused`, { skip }, async () => {
    const place = await newPlace(kind);
    await using database = await openDatabase(place);
    await migrate(database, noBackup);
    await database.write((queries) => queries.run("INSERT INTO settings (name, value) VALUES ('kept', '静')"));
    const backups: number[] = [];
    const next = [...MIGRATIONS, ['ALTER TABLE settings ADD COLUMN more BIGINT']];
    await migrate(database, async (version) => void backups.push(version), next);
    assert.deepEqual(backups, [SCHEMA_VERSION]);
    const [row] = await database.rows<object>("SELECT * FROM settings WHERE name = 'kept'");
    assert.deepEqual({ ...row }, { name: 'kept', value: '静', more: null });
    await assert.rejects(migrate(database, noBackup), {
      code: 'STORAGE_NEWER',
      message: /was written by a newer tunan/,
    });
    const broken = [...next, ['CREATE TABLE half (x BIGINT)', 'CREATE NONSENSE']];
    await assert.rejects(migrate(database, async () => undefined, broken));
    await assert.rejects(database.rows('SELECT * FROM half'), 'of a step that fails nothing stays');
    await migrate(database, noBackup, next);
  });

  test(`${kind}: a database of every earlier version comes forward whole, and so does the backup that is made before`, {
    skip,
  }, async () => {
    for (let version = 1; version < SCHEMA_VERSION; version++) {
      await using database = await openDatabase(await newPlace(kind));
      await migrate(database, noBackup, MIGRATIONS.slice(0, version));
      await database.write(async (queries) => {
        await queries.run(
          "INSERT INTO organisations (id, name, kind, created_at) VALUES ('o', '图南大学', 'academic', 5)",
        );
        await queries.run(`INSERT INTO accounts (id, organisation_id, email, name, role, owner, password, totp_step, failures,
          locked_until, created_at) VALUES ('a', 'o', 'a@b', '李白', 'user', 1, 'p', 0, 0, 0, 6)`);
      });
      const file = path.join(folder, `${kind}-${version}.backup`);
      await migrate(database, async (from) => {
        assert.equal(from, version);
        await writeBackup(database, file);
      });
      await using copy = await openDatabase(await newPlace(kind));
      assert.equal(await restoreBackup(copy, file), 2);
      for (const one of [database, copy]) {
        const rows =
          await one.rows<object>(`SELECT a.name, a.suspended_at, o.name AS organisation, o.suspended_at AS since
          FROM accounts a JOIN organisations o ON o.id = a.organisation_id`);
        const expected = { name: '李白', suspended_at: null, organisation: '图南大学', since: null };
        assert.deepEqual(
          rows.map((row) => ({ ...row })),
          [expected],
        );
      }
    }
  });

  test(`${kind}: a backup restores into both databases`, { skip }, async () => {
    await using database = await openDatabase(await newPlace(kind));
    await migrate(database, noBackup);
    await database.write(async (queries) => {
      await queries.run("INSERT INTO settings (name, value) VALUES ('motto', ?)", '水之积也不厚\n\u0001');
      await queries.run("INSERT INTO processes (id, identity, beats) VALUES (7, '{}', 9007199254740991)");
    });
    const file = path.join(folder, `${kind}.backup`);
    assert.equal(await writeBackup(database, file), 2);
    for (const other of noServer ? ['sqlite'] : ['sqlite', 'postgres']) {
      await using copy = await openDatabase(await newPlace(other));
      assert.equal(await restoreBackup(copy, file), 2);
      for (const table of ['settings', 'processes']) {
        const rows = async (one: Database) =>
          (await one.rows<object>(`SELECT * FROM ${table}`)).map((row) => ({ ...row }));
        assert.deepEqual(await rows(copy), await rows(database));
      }
      await assert.rejects(restoreBackup(copy, file), { code: 'STORAGE_BACKUP', message: /is not empty/ });
    }
  });
}

test('postgres: gone and back', { skip: noServer }, async () => {
  const place = await server!.newDatabase();
  await using database = await openDatabase(place);
  await migrate(database, noBackup);
  await server!.stop();
  const down = { code: 'STORAGE_DOWN', message: /does not answer/ };
  await assert.rejects(database.rows('SELECT 1 AS x'), down);
  await assert.rejects(
    database.write((queries) => queries.run("DELETE FROM settings WHERE name = ''")),
    down,
  );
  await assert.rejects(openDatabase(place), { code: 'STORAGE_CANNOT_OPEN' });
  await server!.start();
  await database.write((queries) => queries.run("INSERT INTO settings (name, value) VALUES ('a', 'b')"));
  assert.equal((await database.rows('SELECT * FROM settings')).length, 1);
});

test('what is no backup, or a damaged one, is told', async () => {
  await using database = await openDatabase(await newPlace('sqlite'));
  const file = path.join(folder, 'damaged');
  const refused = (content: string) => {
    writeFileSync(file, content);
    return assert.rejects(restoreBackup(database, file), { code: 'STORAGE_BACKUP' });
  };
  await refused('');
  await refused('SQLite format 3\0');
  const head = '{"format":"tunan accounts","version":1}\n';
  await refused(`${head}["settings",{"name":"a","value":"b"`);
  await refused(`${head}["sqlite_master",{"name":"a"}]\n`);
  await refused(`${head}["settings",{"name) --":"a"}]\n`);
  writeFileSync(file, head.replace('1', '99'));
  await assert.rejects(restoreBackup(database, file), { code: 'STORAGE_NEWER' });
  await assert.rejects(restoreBackup(database, path.join(folder, 'none')), /there is no such file/);
  await migrate(database, noBackup);
});

test('sqlite: a read-only file, a missing one, what is no database, a removed one', async () => {
  const place = await newPlace('sqlite');
  await assert.rejects(openDatabase(place, { mustExist: true }), {
    code: 'STORAGE_CANNOT_OPEN',
    message: /there is no database/,
  });
  const text = path.join(folder, 'text');
  writeFileSync(text, '静夜思 '.repeat(200));
  await assert.rejects(openDatabase(text), { code: 'STORAGE_CANNOT_OPEN', message: /is no database/ });
  await using database = await openDatabase(place);
  await migrate(database, noBackup);
  renameSync(place, `${place}.moved`);
  const write = () => database.write((queries) => queries.run("DELETE FROM settings WHERE name = 'x'"));
  await assert.rejects(write(), { code: 'STORAGE_DOWN', message: /was removed while it was in use/ });
  renameSync(`${place}.moved`, place);
  await write();
});

test('sqlite: a file that can only be read', async (t) => {
  const place = await newPlace('sqlite');
  await (await openDatabase(place)).close();
  const program = `
    import { openDatabase } from ${JSON.stringify(path.join(import.meta.dirname, 'open-database.ts'))};
    await openDatabase(${JSON.stringify(place)}).then(() => console.log('opened'), ({ code }) => console.log(code));
    process.exit();`;
  chmodSync(place, 0o444);
  chmodSync(folder, 0o555);
  const other = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  try {
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      ...other,
      cwd: '/',
      encoding: 'utf8',
      stdio: 'pipe',
    });
    assert.equal(said.trim(), 'STORAGE_READ_ONLY');
  } catch (error) {
    if (!/EACCES|EPERM/.test(String(error))) throw error;
    t.skip('another user cannot read the program');
  } finally {
    chmodSync(folder, 0o755);
  }
});

test('sqlite: a process that is killed in a transaction holds up nobody, and what it committed is there', async () => {
  const place = await newPlace('sqlite');
  await using database = await openDatabase(place);
  await migrate(database, noBackup);
  const program = `
    const { DatabaseSync } = require('node:sqlite');
    const other = new DatabaseSync(${JSON.stringify(place)});
    other.exec("INSERT INTO settings VALUES ('done', '1'); BEGIN IMMEDIATE; INSERT INTO settings VALUES ('half', '1')");
    process.kill(process.pid, 'SIGKILL');`;
  assert.throws(() => execFileSync(process.execPath, ['-e', program], { stdio: 'pipe' }));
  await database.write((queries) => queries.run("INSERT INTO settings (name, value) VALUES ('mine', '1')"));
  const rows = await database.rows<{ name: string }>('SELECT name FROM settings ORDER BY name');
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['done', 'mine'],
  );
});

test('sqlite: another process that writes for a while is waited for, and the event loop runs meanwhile', async () => {
  const place = await newPlace('sqlite');
  await using database = await openDatabase(place);
  await migrate(database, noBackup);
  using other = new DatabaseSync(place);
  other.exec('BEGIN IMMEDIATE');
  let turns = 0;
  const timer = setInterval(() => {
    if (++turns === 5) other.exec('COMMIT');
  }, 5);
  await database.write((queries) => queries.run("INSERT INTO settings (name, value) VALUES ('mine', '1')"));
  clearInterval(timer);
  assert.ok(turns >= 5, `${turns} turns`);
});

test('network file systems are known by the mount that a folder lies on', () => {
  const mounts = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 22 0:40 / /srv/my\\040data rw - nfs4 server:/data rw',
    '31 30 8:2 / /srv/my\\040data/local rw - xfs /dev/sdb rw',
    '32 22 0:41 / /home/me/remote rw - fuse.sshfs me@there: rw',
  ].join('\n');
  const kinds = [
    '/var',
    '/srv/my data',
    '/srv/my data/a',
    '/srv/my data/local/a',
    '/srv/my database',
    '/home/me/remote',
  ];
  assert.deepEqual(
    kinds.map((folder) => networkMount(folder, mounts)),
    [undefined, 'nfs4', 'nfs4', undefined, undefined, 'fuse.sshfs'],
  );
});

test('a backup that cannot be written leaves nothing behind', async () => {
  await using database = await openDatabase(await newPlace('sqlite'));
  await migrate(database, noBackup);
  const place = path.join(folder, 'no', 'folder');
  await assert.rejects(writeBackup(database, place), { code: 'FILES_WRITE_FAILED' });
  const file = path.join(folder, 'good');
  await writeBackup(database, file);
  assert.match(
    readFileSync(file, 'utf8'),
    new RegExp(`^\\{"format":"tunan accounts","version":${SCHEMA_VERSION}\\}\\n$`),
  );
  assert.ok(readdirSync(folder).every((name) => !name.endsWith('.partial')));
});
