/**
 * Traditional → Simplified by OpenCC's t2s tables (characters and phrases: 乾坤 stays, 乾 alone becomes 干; 憑藉 becomes
 * 凭借, 狼藉 stays). Text that is Simplified already passes unchanged. The tables know 乾 (heaven, read qián) only in a few
 * modern words, so its uses in reign names and in the language of the Changes are kept by a rule of our own. Words of Taiwan or Hong
 * Kong (印表機, 滑鼠) become those of the mainland only where the recipe names the region, and in Traditional texts alone: the same
 * words may mean something else elsewhere. OpenCC has 809 words of Taiwan and 79 of Hong Kong.
 */
import { Converter } from 'opencc-js/t2cn';
import { simplecc } from 'simplecc-wasm';
import type { DocumentStage, Draft } from '../document.ts';
import type { DocumentStageOptions } from '../recipe-stages.ts';
import { scriptOf } from './script.ts';

type Options = Extract<DocumentStageOptions, { use: 'simplify' }>;

const HEAVEN = /乾(?=[德符安淳乾文封龍健剛端竺旋寧祐興闥策體卦爻明城行])|(?<=[體法西旋傾秉乘隆])乾/g;
// A private-use character that no table converts.
const KEPT = '\u{F8FF}';

/** OpenCC's name of the tables with words, not characters alone. */
const WORDS_OF = { tw: 'twp', hk: 'hkp' } as const;

export function simplifyRegion({ region }: Options): DocumentStage {
  if (region === 'none') return simplify;
  const words = Converter({ from: WORDS_OF[region], to: 't' });
  return (draft) => (scriptOf(draft.body) === 'Hant' ? simplify(mapTexts(draft, words)) : simplify(draft));
}

export function simplify(draft: Draft): Draft {
  return mapTexts(draft, simplified);
}

function mapTexts(draft: Draft, convert: (text: string) => string): Draft {
  const meta: Record<string, string> = {};
  for (const [key, value] of Object.entries(draft.meta)) meta[key] = convert(value);
  return { ...draft, title: convert(draft.title), body: convert(draft.body), meta };
}

function simplified(text: string): string {
  if (!text.includes('乾')) return simplecc(text, 't2s');
  return simplecc(text.replace(HEAVEN, KEPT), 't2s').replaceAll(KEPT, '乾');
}
