import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedPlaces } from './changed-places.ts';

test('places that differ are shown with a little of what stands before them', () => {
  assert.deepEqual(changedPlaces('一样', '一样'), []);
  assert.deepEqual(changedPlaces('', '新的正文'), []);
  assert.deepEqual(changedPlaces('甲\n乙丙\n丁', '甲\n乙□\n丁'), [{ before: '乙丙', after: '乙□' }]);
  const [place] = changedPlaces(`${'天'.repeat(20)}地${'人'.repeat(80)}`, `${'天'.repeat(20)}黄${'人'.repeat(80)}`);
  assert.deepEqual(place, {
    before: `…${'天'.repeat(6)}地${'人'.repeat(41)}…`,
    after: `…${'天'.repeat(6)}黄${'人'.repeat(41)}…`,
  });
});

test('lines that are gone or new stand alone, three places at most', () => {
  assert.deepEqual(changedPlaces('广告\n正文', '正文'), [{ before: '广告', after: '' }]);
  assert.equal(changedPlaces('一\n二\n三\n四', '壹\n贰\n叁\n肆').length, 3);
});
