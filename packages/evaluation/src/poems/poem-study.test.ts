import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studyPoems } from './poem-study.ts';
import { regularShare } from './regular-share.ts';
import { ThemeAssociation, themeOverlap } from './theme-overlap.ts';
import { POEM_THEMES, SHOWN_THEMES } from './themes.ts';

const SNOW = '千山鸟飞绝，万径人踪灭。\n孤舟蓑笠翁，独钓寒江雪。';
const SPRING = '春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。';
const CLIMB = '白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。';
const SEVEN = '朝辞白帝彩云间，千里江陵一日还。两岸猿声啼不住，轻舟已过万重山。';

test('the share of poems in regular form, of samples and of real ones', () => {
  assert.deepEqual(regularShare([`江雪\n${SNOW}`, '无'], [`春晓\n${SPRING}`]), { samples: 2, share: 0.5, real: 1 });
});

test('overlap is the share of the theme that the poem contains', () => {
  assert.equal(themeOverlap('江雪', SNOW), 1);
  assert.equal(themeOverlap('春雪', SNOW), 0.5);
  assert.equal(themeOverlap('山，山月', SNOW), 0.5);
  assert.equal(themeOverlap('秋月', SNOW), 0);
  assert.ok(Number.isNaN(themeOverlap('snow', SNOW)));
});

const POEMS = [
  ...Array.from({ length: 6 }, () => ({ title: '雪', body: '天寒地白，人在雪中。' })),
  ...Array.from({ length: 6 }, () => ({ title: '春', body: '花红柳绿，人在春中。' })),
];

test('association hears what goes with a theme, without its own characters', () => {
  const association = new ThemeAssociation(POEMS, ['雪', '春']);
  // 寒 stands in 6 poems, all of them titled 雪; by chance 6 * 6 / 12 would be.
  assert.equal(association.strength('雪', '寒'), Math.log2(7 / 4));
  assert.equal(association.strength('雪', '花'), Math.log2(1 / 4));
  assert.equal(association.strength('雪', '人'), 0);
  assert.equal(association.strength('雪', '雪'), 0);
  assert.equal(association.strength('雪', '寒，花'), (Math.log2(7 / 4) + Math.log2(1 / 4)) / 2);
  assert.equal(association.strength('雪', '未'), 0);
  assert.throws(() => association.strength('月', '寒'), /no counts/);
});

const SAMPLES = [
  { theme: '江雪', poem: SNOW },
  { theme: '春雨', poem: SPRING },
  { theme: '登楼', poem: CLIMB },
  { theme: '轻舟', poem: SEVEN },
  { theme: '登高', poem: '不是绝句' },
];

test('poems are summed up beside the same poems under other themes', () => {
  const study = studyPoems(SAMPLES, { seed: 1 });
  assert.deepEqual(study.form, { five: 3, seven: 1, share: 0.8 });
  assert.equal(study.overlap.own, (1 + 1 + 0.5 + 1 + 0) / 5);
  // Of the twenty other pairings, SNOW has 舟 and SEVEN has 江.
  assert.equal(study.overlap.shuffled, (0.5 + 0.5) / 20);
  assert.equal(study.overlap.difference, study.overlap.own - study.overlap.shuffled);
  // Of the 120 ways to deal five themes only the own one scores as high.
  assert.ok(Math.abs(study.overlap.chance - 1 / 120) < 0.004, String(study.overlap.chance));
  assert.equal(study.association, undefined);
  assert.deepEqual(studyPoems(SAMPLES, { seed: 1 }), study);
});

test('poems that do not follow their themes stand out from nothing', () => {
  const samples = SAMPLES.map(({ theme }) => ({ theme, poem: SNOW }));
  const { overlap } = studyPoems(samples, { seed: 1 });
  assert.equal(overlap.chance, 1);
  assert.ok(Math.abs(overlap.difference) < 1e-12);
});

test('with training text the association is contrasted too', () => {
  const association = new ThemeAssociation(POEMS, ['雪', '春']);
  const samples = [
    { theme: '雪', poem: '天寒地白' },
    { theme: '春', poem: '花红柳绿' },
  ];
  const study = studyPoems(samples, { association, seed: 1 });
  assert.ok(study.association!.own > 0.5 && study.association!.shuffled < -0.5);
});

test('one theme alone cannot be shuffled', () => {
  assert.throws(() => studyPoems(SAMPLES.slice(0, 1), { seed: 1 }), { code: 'EVALUATION_TOO_FEW_SAMPLES' });
});

test('twenty different themes, the shown ones among them', () => {
  assert.equal(new Set(POEM_THEMES).size, 20);
  assert.equal(new Set(SHOWN_THEMES).size, 3);
});
