import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import type { AppInput } from '@tunan/protocol';
import { migrate } from '../storage/migrate.ts';
import { openDatabase } from '../storage/open-database.ts';
import { postgresServer, testFolder } from '../testing/databases.ts';
import { APP_STORE_LIMITS, AppStore } from './app-store.ts';

using folders = testFolder();
const { folder } = folders;
after(() => folders[Symbol.dispose]());
const server = await postgresServer();
after(() => server?.close());

const both = (text: string) => ({ zh: text, en: text });
const file = (title: string): AppInput => ({
  ...{ tunan_app: 1, name: 'a', title: both(title), description: both('x'), group: 'verse' },
  inputs: [{ name: 'theme', label: both('题') }],
});
const owner = { organisationId: 'org', accountId: 'acc' };

for (const kind of ['sqlite', 'postgres']) {
  const skip = kind === 'postgres' && server === undefined ? 'PostgreSQL (initdb, postgres) is not installed' : false;

  test(`${kind}: revisions are kept, the newest ones, and a save over an older one writes nothing`, {
    skip,
  }, async () => {
    const place = kind === 'postgres' ? await server!.newDatabase() : path.join(folder, 'a.sqlite');
    await using database = await openDatabase(place);
    await migrate(database, async () => assert.fail('nothing to back up'));
    let now = 1_000;
    const store = new AppStore(database, () => now++);
    const { id } = (await store.add(owner, file('一'), 'poem'))!;
    assert.deepEqual((await Promise.all(['二', '三'].map((title) => store.save(owner, id, 1, file(title))))).sort(), [
      2,
      undefined,
    ]);
    assert.equal(await store.save({ ...owner, organisationId: 'other' }, id, 2, file('盗')), undefined);
    assert.deepEqual(
      (await store.versions(id)).map(({ revision }) => revision),
      [2, 1],
    );
    for (let revision = 2; revision < APP_STORE_LIMITS.versions + 5; revision++) {
      assert.equal(await store.save(owner, id, revision, file(`第${revision + 1}版`)), revision + 1);
    }
    const versions = await store.versions(id);
    assert.equal(versions.length, APP_STORE_LIMITS.versions);
    assert.equal(versions[0]!.file.title.zh, `第${versions[0]!.revision}版`);
    const found = await store.find('org', id);
    assert.deepEqual([found?.revision, found?.copiedFrom, found?.shared], [versions[0]!.revision, 'poem', false]);

    assert.equal(await store.find('other', id), undefined);
    assert.equal(await store.share('other', id, true), false);
    assert.equal(await store.share('org', id, true), true);
    assert.equal((await store.list('other')).length, 1);
    assert.equal(await store.delete('other', id), false);
    // Of an organisation that is gone nothing is shared.
    await database.write((queries) =>
      queries.run("INSERT INTO organisations (id, name, kind, created_at, deleted_at) VALUES ('org', 'x', 'y', 0, 1)"),
    );
    assert.equal((await store.list('other')).length, 0);
    assert.equal(await store.find('other', id), undefined);
    assert.equal(await store.delete('org', id), true);
    assert.deepEqual(await store.versions(id), []);
  });
}
