import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { postgresServer, testFolder } from '../testing/databases.ts';
import { killAndCompare } from '../testing/ledger-kills.ts';

const many = { processes: 3, clients: 64, kills: 100 };

test('sqlite: 100 kills of three processes with 64 clients', async (t) => {
  using own = testFolder();
  const { folder } = own;
  const result = await killAndCompare({ place: path.join(folder, 'accounts.sqlite'), folder, ...many });
  assert.ok(result.lost > 0 && result.refusedAtEnd, 'some were killed while they ran');
  t.diagnostic(JSON.stringify(result));
});

test('sqlite: processes that stand still for so long that others settle them send nothing that is not billed', async (t) => {
  using own = testFolder();
  const { folder } = own;
  const place = path.join(folder, 'accounts.sqlite');
  const result = await killAndCompare({ place, folder, processes: 3, clients: 24, kills: 8, stops: true });
  assert.ok(result.lost > 0);
  t.diagnostic(JSON.stringify(result));
});

test('postgres: 100 kills of three processes with 64 clients', async (t) => {
  const server = await postgresServer();
  if (server === undefined) {
    t.skip('PostgreSQL (initdb, postgres) is not installed');
    return;
  }
  using own = testFolder();
  try {
    const result = await killAndCompare({ place: await server.newDatabase(), folder: own.folder, ...many });
    assert.ok(result.lost > 0 && result.refusedAtEnd, 'some were killed while they ran');
    t.diagnostic(JSON.stringify(result));
  } finally {
    await server.close();
  }
});
