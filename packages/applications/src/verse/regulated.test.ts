import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VerseForm } from '@tunan/protocol';
import { judgeRegulated } from './regulated.ts';
import { rhymeBook } from './rhyme-book.ts';

const judge = (form: VerseForm, text: string, book: 'pingshui' | 'new' = 'pingshui') =>
  judgeRegulated(text, { form, book: rhymeBook(book), tones: true, rhyme: true });

const CLIMB = '白日依山尽，黄河入海流。欲穷千里目，更上一层楼。';

test('poems of the Tang are told by their order of lines and their rhyme', () => {
  const known: [VerseForm, string, string][] = [
    ['five-quatrain', CLIMB, '五绝，仄起首句不入韵，押平水韵十一尤'],
    [
      'seven-quatrain',
      '朝辞白帝彩云间，千里江陵一日还。两岸猿声啼不住，轻舟已过万重山。',
      '七绝，平起首句入韵，押平水韵十五删',
    ],
    [
      'five-regulated',
      '国破山河在，城春草木深。感时花溅泪，恨别鸟惊心。烽火连三月，家书抵万金。白头搔更短，浑欲不胜簪。',
      '五律，仄起首句不入韵，押平水韵十二侵',
    ],
    [
      'seven-regulated',
      '劍外忽傳收薊北，初聞涕淚滿衣裳。卻看妻子愁何在，漫卷詩書喜欲狂。白日放歌須縱酒，青春作伴好還鄉。即從巴峽穿巫峽，便下襄陽向洛陽。',
      '七律，仄起首句不入韵，押平水韵七阳',
    ],
  ];
  for (const [form, text, message] of known) assert.deepEqual(judge(form, text).message.zh, message);
});

test('what is accepted of 拗救, and what is not', () => {
  // 平平仄平仄 in the third line; 大拗 in the third line, saved by a level third place in the fourth.
  assert.ok(judge('five-quatrain', '红豆生南国，春来发几枝。愿君多采撷，此物最相思。').passed);
  assert.ok(
    judge(
      'five-regulated',
      '离离原上草，一岁一枯荣。野火烧落尽，春风吹又生。远芳侵古道，晴翠接荒城。又送王孙去，萋萋满别情。',
    ).passed,
  );
  // The same without the level place that makes it good.
  const unsaved = judge(
    'five-regulated',
    '离离原上草，一岁一枯荣。野火烧落尽，春风又复生。远芳侵古道，晴翠接荒城。又送王孙去，萋萋满别情。',
  );
  assert.ok(!unsaved.passed);
  // 三平尾
  assert.match(
    judge('five-quatrain', '白日依山尽，黄河入海流。欲穷千里目，更上高层楼。').message.zh,
    /第 4 句第 3 字“高”应为仄声/,
  );
});

test('faults are told with their places, in both languages', () => {
  const tone = judge('five-quatrain', '床前明月光，疑是地上霜。举头望明月，低头思故乡。');
  assert.deepEqual(tone, {
    passed: false,
    message: {
      zh: '第 2 句第 4 字“上”应为平声；第 3 句第 2 字“头”应为仄声',
      en: 'line 2, character 4 (上) should be level; line 3, character 2 (头) should be oblique',
    },
  });
  const rhyme = judge('five-quatrain', CLIMB.replace('楼', '台'));
  assert.match(rhyme.message.zh, /第 4 句韵脚“台”不押十一尤韵|第 2 句韵脚“流”/);
  assert.match(judge('five-quatrain', CLIMB.replace('楼', '流')).message.zh, /韵脚“流”重复/);
  assert.match(judge('five-quatrain', CLIMB.replace('更', '')).message.zh, /现为 4 句：5、5、5、4 字/);
  assert.match(judge('seven-quatrain', '').message.en, /this has 0/);
});

test('by the new rhymes tones are those of today', () => {
  // 白 and 欲 are read level and oblique today; 入 is oblique in both books.
  assert.ok(!judge('five-quatrain', '白日依山尽，黄河入海流。一屋千里目，更上十层楼。').passed);
  const book = rhymeBook('new');
  assert.ok(book.fits('白', 'level') && !rhymeBook('pingshui').fits('白', 'level'));
  assert.ok(book.rhymesOf('东', 'level')[0]!.name === '十一庚');
});

test('a character that no book has fits in tone and rhymes with nothing', () => {
  const book = rhymeBook('pingshui');
  assert.ok(book.fits('氧', 'level') && book.fits('氧', 'oblique') && book.rhymesOf('氧', 'level').length === 0);
  assert.ok(!judge('five-quatrain', CLIMB.replace('楼', '氧')).passed);
});

test('106 rhymes, each with the character that names it', () => {
  const book = rhymeBook('pingshui');
  assert.equal(book.rhymes('level').length, 30);
  for (const { name, characters } of book.rhymes('level')) assert.ok(characters.has(name.at(-1)!), name);
});
