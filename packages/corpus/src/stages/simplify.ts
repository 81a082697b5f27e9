/**
 * Traditional → Simplified (to-simplified.ts). A Simplified text comes out as it went in but for what is Traditional in it; names keep what
 * the 通用规范汉字表 keeps for names (毕昇, 钱锺书). Words of Taiwan or Hong Kong (印表機, 滑鼠) become those of the mainland only where the
 * recipe names the region, and in Traditional texts alone: the same words may mean something else elsewhere.
 * OpenCC has 809 words of Taiwan and 79 of Hong Kong.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { Converter } from 'opencc-js/t2cn';
import { z } from 'zod';
import type { DocumentStage, Draft } from '../document.ts';
import { documentStage } from '../stage.ts';
import { foldCompatibility } from './compatibility.ts';
import { scriptOf } from './script.ts';
import { count, simplifiedShare, toSimplified } from './to-simplified.ts';

const schema = z
  .strictObject({
    use: z.literal('simplify'),
    region: z
      .enum(['none', 'tw', 'hk'])
      .default('none')
      .describe(
        inBoth(
          'Traditional texts come from there, and their words become those of the mainland (滑鼠 → 鼠标); `none` changes characters alone.',
          '繁体文本来自该地，其用词改为大陆用词（滑鼠 → 鼠标）；`none` 只转换字形。',
        ),
      ),
  })
  .describe(inBoth('Traditional script becomes Simplified.', '繁体转为简体。'));

type Options = z.infer<typeof schema>;

/** OpenCC's name of the tables with words, not characters alone. */
const WORDS_OF = { tw: 'twp', hk: 'hkp' } as const;

export function simplifyRegion({ region }: Options): DocumentStage {
  if (region === 'none') return simplify;
  const words = Converter({ from: WORDS_OF[region], to: 't' });
  return (draft) => (scriptOf(draft.body) === 'Hant' ? simplify(mapTexts(draft, words)) : simplify(draft));
}

export function simplify(draft: Draft): Draft {
  const body = foldCompatibility(draft.body);
  const counts = count(body);
  const share = simplifiedShare(body === '' ? count(foldCompatibility(draft.title)) : counts);
  return mapTexts(draft, (text) => {
    if (text === draft.body) return toSimplified(body, counts, share);
    const folded = foldCompatibility(text);
    return toSimplified(folded, count(folded), share);
  });
}

function mapTexts(draft: Draft, convert: (text: string) => string): Draft {
  const meta: Record<string, string> = {};
  for (const [key, value] of Object.entries(draft.meta)) meta[key] = convert(value);
  return { ...draft, title: convert(draft.title), body: convert(draft.body), meta };
}

export const simplifyStage = documentStage({
  label: { zh: '繁转简', en: 'Traditional → Simplified' },
  schema,
  prepare: simplifyRegion,
});
