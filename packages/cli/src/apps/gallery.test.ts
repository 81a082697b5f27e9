import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examplesAgainstChecks, promptText, withDefaults } from '@tunan/applications';
import appRun from '../commands/app/app-run.ts';
import { galleryApps, galleryNames } from './find-app.ts';

const apps = await galleryApps();

test('the gallery has every application that the original had, each file named after it', () => {
  assert.deepEqual(apps.map(({ name }) => name).sort(), galleryNames());
  assert.ok(apps.length >= 20);
  for (const { name, title, description, author, licence } of apps) {
    for (const said of [title, description]) {
      assert.match(said.zh, /\p{Script=Han}/u, name);
      assert.match(said.en, /^[A-Z]/, name);
    }
    assert.ok(author !== '' && licence !== '', name);
  }
});

test('the help names applications that there are', () => {
  const named = appRun.examples.map((line) => line.split(' ')[3]!).filter((name) => !name.endsWith('.yaml'));
  assert.ok(named.length > 0);
  for (const name of named) assert.ok(galleryNames().includes(name), name);
});

for (const app of apps) {
  test(`${app.name}: its examples pass its own checks, and its prompt ends where the answer begins`, () => {
    assert.deepEqual(examplesAgainstChecks(app), []);
    const prompt = promptText(app, withDefaults(app, Object.fromEntries(app.inputs.map(({ name }) => [name, '题']))));
    assert.ok(prompt.endsWith(app.prompt.output_prefix), prompt);
    assert.ok(app.retries === 0 || app.checks.length > 0);
  });
}
