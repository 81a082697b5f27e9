/**
 * Traditional → Simplified by OpenCC's t2s tables (characters and phrases: 乾坤 stays, 乾 alone becomes 干; 憑藉 becomes
 * 凭借, 狼藉 stays). Text that is Simplified already passes unchanged. The tables know 乾 (heaven, read qián) only in a few
 * modern words, so its uses in reign names and in the language of the Changes are kept by a rule of our own.
 */
import { simplecc } from 'simplecc-wasm';
import type { Draft } from '../document.ts';

const HEAVEN = /乾(?=[德符安淳乾文封龍健剛端竺旋寧祐興闥策體卦爻明城行])|(?<=[體法西旋傾秉乘隆])乾/g;
// A private-use character that no table converts.
const KEPT = '\u{F8FF}';

export function simplify(draft: Draft): Draft {
  const meta: Record<string, string> = {};
  for (const [key, value] of Object.entries(draft.meta)) meta[key] = simplified(value);
  return { ...draft, title: simplified(draft.title), body: simplified(draft.body), meta };
}

function simplified(text: string): string {
  if (!text.includes('乾')) return simplecc(text, 't2s');
  return simplecc(text.replace(HEAVEN, KEPT), 't2s').replaceAll(KEPT, '乾');
}
