import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { galleryApps } from './apps/find-app.ts';
import { findShippedModel } from './shipped-model.ts';

test('the model of the checkout is whole, small enough for a repository, and has the adapters that the gallery asks for', async () => {
  const { directory, adapters } = (await findShippedModel())!; // against the hashes of its manifest
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).size, 0);
  assert.ok(bytes <= 90e6, `${bytes} bytes`);
  const asked = (await galleryApps()).flatMap(({ adapter }) => adapter ?? []);
  assert.deepEqual(asked.sort(), adapters.map(({ name }) => name).sort());
});
