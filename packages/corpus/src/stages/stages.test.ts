import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Draft, isRejection, type Rejection } from '../document.ts';
import { markMissing } from './mark-missing.ts';
import { normalise } from './normalise.ts';
import { rules } from './rules.ts';
import { simplify } from './simplify.ts';
import { stripNotes } from './strip-notes.ts';
import { VARIANTS } from './variants.ts';
import { verse } from './verse.ts';

function draft(body: string, title = '题'): Draft {
  return { id: 'x#0', source: 's', title, body, meta: { author: '某' } };
}

function kept(result: Draft | Rejection): Draft {
  assert.ok(!isRejection(result), JSON.stringify(result));
  return result;
}

const body = (stage: (d: Draft) => Draft | Rejection, text: string) => kept(stage(draft(text))).body;
const title = (stage: (d: Draft) => Draft | Rejection, text: string) => kept(stage(draft('山', text))).title;

test('simplify tells 乾 (heaven) from 乾 (dry)', () => {
  assert.equal(body(simplify, '乾坤一擲，乾符年中，乾德以後，體乾。'), '乾坤一掷，乾符年中，乾德以后，体乾。');
  assert.equal(body(simplify, '淚已乾，酒杯乾。'), '泪已干，酒杯干。');
});

test('normalise keeps Chinese punctuation and makes ASCII punctuation Chinese only beside Chinese', () => {
  assert.equal(body(normalise, '天,地;人 ?「有」『無』，，'), '天，地；人？“有”‘無’，');
  assert.equal(body(normalise, '怎做夫人？。一半兒，。罷！！；。'), '怎做夫人？一半兒。罷！');
  assert.equal(
    body(normalise, 'See the map, it is (very) old: 10,000 years.'),
    'See the map, it is (very) old: 10,000 years.',
  );
  assert.equal(body(normalise, '他說"好"了'), '他說“好”了');
});

test('normalise removes invisible characters, compatibility ideographs, full width, empty lines', () => {
  assert.equal(body(normalise, '\uFEFF春\u200B眠\u00AD不\uFE00覺\r\n\r\n曉　處\t處\n'), '春眠不覺\n曉處處');
  assert.equal(body(normalise, '\uF91D\uF914ＡＢ１２'), '欄樂AB12');
  assert.equal(title(normalise, ' 帝京篇　十首  一\n'), '帝京篇 十首 一');
});

test('normalise is idempotent on any text', () => {
  const characters = fc.constantFrom(...'山水 \n\t,;:!?()“"\'，。；！？「」□○〇a1Ａ　\u200b鴈');
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 40 }), (text) => {
      const once = normalise(draft(text));
      assert.deepEqual(normalise(once), once);
    }),
  );
});

test('variants are pairs of different characters, none of which is folded on', () => {
  for (const [variant, standard] of VARIANTS) {
    assert.notEqual(variant, standard);
    assert.equal(VARIANTS.has(standard), false, `${variant} → ${standard} is folded again`);
  }
  assert.equal(VARIANTS.get('靑'), '青');
});

test('one mark stands for every kind of missing character; a circle in a number is a zero', () => {
  assert.equal(body(markMissing, '{氵仓}江⿰木養兮タ架\uE000�●'), '□江□兮□架□□□');
  assert.equal(body(markMissing, '一○七七年○'), '一〇七七年□');
  assert.equal(title(markMissing, '偈頌 其四○'), '偈頌 其四〇');
});

test('notes go, nested and over several lines; supplied characters stay', () => {
  assert.equal(
    body(stripNotes, '更见凤（一作“凰”）声无妓态，\n（此诗见（《后集》）卷四。\n）风流变动一园春。'),
    '更见凤声无妓态，风流变动一园春。',
  );
  assert.equal(body(stripNotes, '[爽]节在重九，物华新雨余。[一]'), '爽节在重九，物华新雨余。');
  assert.equal(body(stripNotes, '后回（一本作“悔”。\n）定无鱼。\n（一本作“疑”。\n）。'), '后回定无鱼。');
  assert.equal(body(stripNotes, '得在文翁教化中。\n。'), '得在文翁教化中。');
  assert.equal(title(stripNotes, '兵要望江南 占梦第二十五（京本第十三□九首） 九'), '兵要望江南 占梦第二十五 九');
  assert.equal(title(stripNotes, '送客（《舆地纪胜》一'), '送客');
});

test('brackets that do not pair are a reject', () => {
  assert.deepEqual(stripNotes(draft('春眠（一作“困”不觉晓。')), { reason: 'unbalanced-brackets' });
  assert.deepEqual(stripNotes(draft('春眠）不觉晓。')), { reason: 'unbalanced-brackets' });
});

test('fragments, catalogue entries, dialogue and commentary are told from works', () => {
  assert.deepEqual(verse(draft('一雁下寒汀。', '句 其二')), { reason: 'fragment' });
  assert.deepEqual(verse(draft('诗题：嬉游首句：我身岂比狂游辈。', '存目')), { reason: 'catalogue-entry' });
  assert.deepEqual(verse(draft('（正末云）哥哥请坐。')), { reason: 'play-dialogue' });
  assert.deepEqual(verse(draft('《唐诗纪事》卷五引此诗。')), { reason: 'commentary' });
  assert.equal(kept(verse(draft('子曰：《诗》三百，一言以蔽之。'))).body, '子曰：《诗》三百，一言以蔽之。');
  assert.equal(kept(verse(draft('句句皆佳。', '句溪夏日送卢霈秀才'))).title, '句溪夏日送卢霈秀才');
});

test('a title that ran over into the verses gives them back', () => {
  const mended = kept(verse(draft('听的寒雁哑哑。', '离亭宴煞·早是可曾经，又逢暮秋。恰不听寒蛩，又')));
  assert.equal(mended.title, '离亭宴煞');
  assert.equal(mended.body, '早是可曾经，又逢暮秋。恰不听寒蛩，又听的寒雁哑哑。');
  assert.equal(kept(verse(draft('山一程。', '长相思·山一程'))).title, '长相思·山一程');
});

test('each rule names its reason; a limit that is not given is not checked', () => {
  const strict = rules({ use: 'rules', minHan: 4, maxHan: 6, minHanShare: 0.8, maxMissing: 0, maxForeign: 1 });
  const reason = (text: string) => (strict(draft(text)) as { reason?: string }).reason;
  assert.equal(reason('山□水中'), 'missing-characters');
  assert.equal(reason('山水中'), 'too-short');
  assert.equal(reason('山水中山水中山'), 'too-long');
  assert.equal(reason('山水中天ab'), 'foreign-characters');
  assert.equal(reason('山水中天a'), undefined);
  assert.equal(reason('𠀀𠀁山，水。'), undefined);
  const share = rules({ use: 'rules', minHanShare: 0.9 });
  assert.deepEqual(share(draft('山水中天a')), { reason: 'low-han-share' });
  assert.equal(isRejection(rules({ use: 'rules' })(draft('abc□'))), false);
});
