import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { codeBlocks, documents, root } from './documents.ts';

// Below the root, so that the packages are found.
mkdirSync(path.join(root, 'build'), { recursive: true });
const folder = mkdtempSync(path.join(root, 'build/code-examples-'));
after(() => rmSync(folder, { recursive: true }));

test('every TypeScript example of a document satisfies the compiler', () => {
  const examples = documents().flatMap((document) => codeBlocks(document, 'ts').map((code) => ({ ...document, code })));
  assert.ok(examples.length >= 10);
  for (const [at, { file, code }] of examples.entries())
    writeFileSync(path.join(folder, `${at}-${file.replaceAll('/', '-')}.ts`), `${code}\nexport {};\n`);
  const config = path.join(folder, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: path.join(root, 'tsconfig.json'),
      compilerOptions: { typeRoots: [path.join(root, 'node_modules/@types')] },
      include: ['./*.ts'],
    }),
  );
  const { status, stdout } = spawnSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', config], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
