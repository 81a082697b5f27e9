import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRejection } from '../../document.ts';
import { decodePage } from './decode-page.ts';

test('a page without high bytes is UTF-8', () => {
  const page = decodePage(Buffer.from('<p>plain</p>'));
  assert.ok(!isRejection(page));
  assert.equal(page.encoding, 'utf-8');
});
