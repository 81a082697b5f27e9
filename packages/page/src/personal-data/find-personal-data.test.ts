import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findPersonalData } from './find-personal-data.ts';
import { PERSONAL_DATA } from './kinds.ts';

const file = path.resolve(import.meta.dirname, '../../fixtures/personal-data.txt');
const SENTENCES = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const MARKED = /⟦([a-z-]+)\|([^⟧]*)⟧/g;

const marked = (text: string): string => {
  let result = '';
  let from = 0;
  for (const { kind, begin, end } of findPersonalData(text, PERSONAL_DATA)) {
    result += `${text.slice(from, begin)}⟦${kind}|${text.slice(begin, end)}⟧`;
    from = end;
  }
  return result + text.slice(from);
};

test('personal data of 553 sentences: what is found is right, and what is there is found', () => {
  const placed = (text: string): Set<string> => {
    let shift = 0;
    return new Set(
      Array.from(text.matchAll(MARKED), ({ 0: whole, 1: kind, 2: value, index }) => {
        const begin = index - shift;
        shift += whole.length - value!.length;
        return `${kind} ${begin} ${value}`;
      }),
    );
  };
  let [expected, found, right] = [0, 0, 0];
  const wrong: string[] = [];
  for (const sentence of SENTENCES) {
    const is = marked(sentence.replace(MARKED, '$2'));
    const [wanted, got] = [placed(sentence), placed(is)];
    expected += wanted.size;
    found += got.size;
    for (const each of got) if (wanted.has(each)) right++;
    if (is !== sentence) wrong.push(`${sentence}  →  ${is}`);
  }
  const message = `precision ${right}/${found}, recall ${right}/${expected}:\n${wrong.join('\n')}`;
  assert.ok(SENTENCES.length >= 500 && right >= 0.98 * found && right >= 0.98 * expected, message);
});

test('a number that its word names is found with a wrong check digit too, as a slip; other numbers must prove themselves', () => {
  const slips = (text: string) => findPersonalData(text, PERSONAL_DATA).map(({ slip }) => slip);
  assert.deepEqual(slips('身份证号：110105194912310021，身份证号：11010519491231002X'), [true, false]);
  assert.deepEqual(slips('卡号6228480402564890181，共110105194912310021件'), [true]);
});
