import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateIn, dateInAddress, dateOfMeta } from './dates.ts';

test('dates as pages write them', () => {
  const dates: [string, string | undefined][] = [
    ['发布时间：2024-05-06 08:30 来源：某网', '2024-05-06T08:30:00'],
    ['2024.5.6', '2024-05-06'],
    ['２０２４年５月６日', '2024-05-06'],
    ['2024年5月6日 下午3:20', '2024-05-06T15:20:00'],
    ['2024年5月6日（星期一）9时5分', '2024-05-06T09:05:00'],
    ['2024年05月06日 星期一 23:10:59', '2024-05-06T23:10:59'],
    ['2024/5/6 12:05 AM', '2024-05-06T00:05:00'],
    ['2024-05-05T23:30:00Z', '2024-05-05T23:30:00Z'],
    ['2024-05-06T08:30:00.123+08:00', '2024-05-06T08:30:00+08:00'],
    ['2024-05-06 08:30:00 +0800', '2024-05-06T08:30:00+08:00'],
    ['2024-05-06 08:30 UTC+8', '2024-05-06T08:30:00+08:00'],
    ['二〇二四年五月六日', '2024-05-06'],
    ['二○一九年十二月三十一日', '2019-12-31'],
    ['二零零八年十月廿五日', '2008-10-25'],
    ['民國113年5月6日', '2024-05-06'],
    ['中華民國一百一十三年十月二十日', '2024-10-20'],
    ['民国元年1月1日', '1912-01-01'],
    ['May 6, 2024', '2024-05-06'],
    ['Sept. 3rd, 2021 4:05 pm', '2021-09-03T16:05:00'],
    ['6 May 2024 08:30', '2024-05-06T08:30:00'],
    ['Mon, 06 May 2024 08:30:00 GMT', '2024-05-06T08:30:00Z'],
    ['Mon May 06 08:30:00 +0800 2024', '2024-05-06T08:30:00+08:00'],
    ['2024-02-30', undefined],
    ['2024-13-01', undefined],
    ['版本 3.2024.5.6', undefined],
    ['电话 2024-5678', undefined],
  ];
  for (const [text, date] of dates) assert.equal(dateIn(text), date, text);
});

test('dates in metadata and addresses', () => {
  assert.equal(dateOfMeta('20240506'), '2024-05-06');
  assert.equal(dateOfMeta('20240506083005'), '2024-05-06T08:30:05');
  assert.equal(dateOfMeta('1714955400'), '2024-05-06T00:30:00Z');
  assert.equal(dateOfMeta('1714955400000'), '2024-05-06T00:30:00Z');
  assert.equal(dateIn('20240506'), undefined);
  assert.equal(dateInAddress('https://example.com/2024/05/06/a.html'), '2024-05-06');
  assert.equal(dateInAddress('https://example.com/a20240506.html'), undefined);
});
