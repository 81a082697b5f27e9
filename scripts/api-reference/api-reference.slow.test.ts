import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const out = mkdtempSync(path.join(tmpdir(), 'tunan-api-reference-'));
after(() => rmSync(out, { recursive: true }));

test('the reference of the packages is written without a warning', () => {
  execFileSync(process.execPath, [path.join(import.meta.dirname, 'write.ts'), '--out', out], { stdio: 'inherit' });
  assert.ok(existsSync(path.join(out, 'index.html')));
});
