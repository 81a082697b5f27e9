/** Whether lines begin with given characters, one each (藏头). */
import type { Judgement } from './judgement.ts';
import { versesOf } from './verses.ts';

/** @param characters of each line; any number when absent */
export function judgeAcrostic(heads: string, text: string, characters?: number): Judgement {
  const wanted = Array.from(heads);
  const verses = versesOf(text);
  if (verses.length !== wanted.length) {
    const message = {
      zh: `应有 ${wanted.length} 句，现有 ${verses.length} 句`,
      en: `${wanted.length} lines are wanted, there are ${verses.length}`,
    };
    return { passed: false, message };
  }
  const wrong = verses.findIndex((verse, line) => verse[0] !== wanted[line]);
  if (wrong >= 0) {
    const message = {
      zh: `第 ${wrong + 1} 句应以“${wanted[wrong]}”开头`,
      en: `line ${wrong + 1} should begin with ${wanted[wrong]}`,
    };
    return { passed: false, message };
  }
  const long = characters === undefined ? -1 : verses.findIndex((verse) => verse.length !== characters);
  if (long >= 0) {
    const message = {
      zh: `第 ${long + 1} 句有 ${verses[long]!.length} 字，应为 ${characters} 字`,
      en: `line ${long + 1} has ${verses[long]!.length} characters, ${characters} are wanted`,
    };
    return { passed: false, message };
  }
  return { passed: true, message: { zh: `各句依次以“${heads}”各字开头`, en: `the lines begin with ${heads}` } };
}
