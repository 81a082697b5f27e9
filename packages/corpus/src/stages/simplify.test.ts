import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Draft } from '../document.ts';
import { CHOICES } from './choices.ts';
import { normalise } from './normalise.ts';
import { simplify, simplifyRegion } from './simplify.ts';
import { foldVariants } from './variants.ts';

function draft(body: string, title = ''): Draft {
  return { id: 'x#0', source: 's', title, body, meta: {} };
}

const simplified = (text: string) => simplify(draft(text)).body;

function rows(fixture: string): string[][] {
  const lines = readFileSync(new URL(`../../fixtures/${fixture}`, import.meta.url), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('|'));
}

test('Traditional sentences become Simplified, each character with two forms as its context asks', () => {
  for (const [traditional, wanted] of rows('simplify.txt')) assert.equal(simplified(traditional!), wanted);
});

test('Simplified sentences pass unchanged, with the names, words and Japanese in them that look Traditional', () => {
  for (const [sentence] of rows('simplified.txt')) assert.equal(simplified(sentence!), sentence);
});

test('what is Traditional in a Simplified text goes, and the particle 着 comes back from a careless 著', () => {
  assert.equal(
    simplified('推动著行业发展，存在著挑战，围绕著著名的著作。'),
    '推动着行业发展，存在着挑战，围绕着著名的著作。',
  );
  assert.equal(
    simplified('这条綫很长，裏面有蘿蔔，毛巾乾净，关於他的事我不瞭解。'),
    '这条线很长，里面有萝卜，毛巾干净，关于他的事我不了解。',
  );
});

test('every sentence is judged by itself, and one that does not tell by the text around it', () => {
  const [hans, hant] = ['这个说法对吗？', '這個說法對嗎？'];
  assert.equal(simplified(`${hans}拚命地汎舟。`), `${hans}拚命地汎舟。`);
  assert.equal(simplified(`${hant}拚命地汎舟。`), `${hans}拼命地泛舟。`);
  assert.equal(simplified(`${hans}\n${hant}他們拚命。`), `${hans}\n${hans}他们拼命。`);
  assert.equal(simplify(draft(hant.repeat(9), '拚命')).title, '拼命');
});

test('a Simplified text is the same after simplification however often', () => {
  const traps = CHOICES.map(({ character }) => character).join('');
  const text = fc.string({ unit: fc.constantFrom(...`${traps}这說為黒の，。\n水`), maxLength: 40 });
  fc.assert(
    fc.property(text, (any) => {
      const once = simplified(`这说法对吗，${any}`);
      assert.equal(once.length, any.length + 6);
      assert.equal(simplified(once), once);
    }),
  );
});

test('rare characters are not simplified by analogy, those of the standard are', () => {
  assert.equal(simplified('趙孟頫說譊譊者，鷿鷈飛過。'), '赵孟𫖯说譊譊者，䴙䴘飞过。');
});

test('compatibility ideographs, radicals and kana of half width are what they look like, before anything is converted', () => {
  assert.equal(simplified('\uF900有此理，李\uF914\uF92D啦。'), '岂有此理，李乐来啦。');
  assert.equal(normalise(draft('⻢克思与⻓江，⼈⼯智能，ﾊﾟﾝとｶﾅ。①㎡')).body, '马克思与长江，人工智能，パンとカナ。①㎡');
});

test('words of Hong Kong become those of the mainland, its characters Simplified, Cantonese stays', () => {
  const hongkong = simplifyRegion({ use: 'simplify', region: 'hk' });
  const { body } = hongkong(draft('衞生署話，啲滑鼠同埋綫材喺羣組裏面，佢哋着緊。')) as Draft;
  assert.equal(body, '卫生署话，啲鼠标同埋线材喺群组里面，佢哋着紧。');
});

test('normalise leaves the names of modern text; variants are folded where a recipe of verse asks for it', () => {
  const names = '钱锺书、牛犇、张迺器住美孚新邨，珮、椀、殽之战。';
  assert.equal(normalise(draft(names)).body, names);
  assert.equal(foldVariants(draft('鴈過靑山')).body, '雁過青山');
});
