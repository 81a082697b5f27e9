import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { testFolder } from '../testing/databases.ts';
import { killAndCompare } from '../testing/ledger-kills.ts';

test('processes that are killed leave no reservation, and are billed for what was recorded', async () => {
  using own = testFolder();
  const { folder } = own;
  const place = path.join(folder, 'accounts.sqlite');
  const { requests, refusedAtEnd } = await killAndCompare({ place, folder, processes: 2, clients: 12, kills: 4 });
  assert.ok(requests > 0 && refusedAtEnd);
});
