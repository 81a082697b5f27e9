import assert from 'node:assert/strict';
import { test } from 'node:test';
import { satisfies } from '@tunan/inference';
import { meterGrammar } from './impose.ts';
import { judgeMeter, readMeter } from './meter.ts';
import { rhymeBook } from './rhyme-book.ts';
import { versesOf } from './verses.ts';

const WASHING =
  '中仄中平中仄平韵，中平中仄仄平平韵。中平中仄仄平平韵。\n中仄中平平仄仄，中平中仄仄平平韵。中平中仄仄平平韵。';
const PLUM = '中仄仄平平，中仄平平仄韵。中仄平平仄仄平，中仄平平仄韵。';
const TWO = '平仄韵，平仄韵。仄平韵2，仄平韵2。';
const judge = (measure: string, text: string, more = {}) =>
  judgeMeter(text, readMeter(measure), { book: rhymeBook('ci'), tones: true, rhyme: true, ...more });
const YAN = '一曲新词酒一杯，去年天气旧亭台。夕阳西下几时回。无可奈何花落去，似曾相识燕归来。小园香径独徘徊。';

test('poems of the Song have the measures of their tunes', () => {
  assert.deepEqual(judge(WASHING, YAN), {
    passed: true,
    message: {
      zh: '字数合谱，平仄合谱，押词韵第三部平',
      en: 'as many characters as the measure, its tones, rhymes in 第三部 (level) of rhymes of ci',
    },
  });
  assert.match(judge(PLUM, '驿外断桥边，寂寞开无主。已是黄昏独自愁，更著风和雨。').message.zh, /押词韵第四部仄$/);
  assert.match(judge(TWO, '风雨，歌舞。日长，梦乡。').message.zh, /押词韵第四部仄、第二部平$/);
});

test('what departs from the measure is told with its place', () => {
  assert.match(judge(WASHING, YAN.replace('杯', '')).message.zh, /应为 6 句：7、7、7、7、7、7 字，现为 6 句：6、/);
  assert.match(judge(WASHING, YAN.replace('天气', '天云')).message.zh, /第 2 句第 4 字“云”应为仄声/);
  assert.match(judge(WASHING, YAN.replace('徊', '徨')).message.en, /line 6 ends in 徨, which does not rhyme/);
  assert.match(judge(WASHING, YAN.replace('徘徊', '归来')).message.zh, /第 6 句韵脚“来”重复/);
  assert.ok(judge(WASHING, YAN.replace('徊', '徨'), { rhyme: false }).passed);
});

test('the grammar of a measure takes texts that pass alone, and deals its rhymes out', () => {
  const measure = readMeter(TWO);
  for (let seed = 1; seed <= 20; seed++) {
    let state = seed;
    const draw = () => {
      state = (state * 16807) % 2147483647;
      return state / 2147483647;
    };
    const source = meterGrammar(measure, rhymeBook('ci'), draw);
    const sets = new Map([...source.matchAll(/^(\S+) ::= \[(.*)\]$/gm)].map(([, name, body]) => [name!, [...body!]]));
    const root = source.match(/^root ::= (.*)$/m)![1]!.split(' ');
    const text = root.map((part) => (part.startsWith('"') ? JSON.parse(part) : sets.get(part)!.at(-1)!)).join('');
    assert.ok(satisfies(text, { kind: 'grammar', source }));
    const judged = judgeMeter(text, measure, { book: rhymeBook('ci'), tones: true, rhyme: true });
    assert.ok(judged.passed, `${text} ${judged.message.zh}`);
    const [first] = versesOf(text);
    assert.ok(!satisfies(text.replace(first!.join(''), `${first![0]}的`), { kind: 'grammar', source }));
  }
});
