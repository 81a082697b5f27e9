/**
 * Which script a Chinese text is written in: Simplified (Hans), Traditional (Hant), or both. It counts characters that exist in one
 * script alone (character-forms.ts). It knows characters, no words; converting is the work of stage `simplify`.
 */
import { characterForms, SIMPLIFIED_ONLY, TRADITIONAL_ONLY } from './character-forms.ts';

export type Script = 'Hans' | 'Hant' | 'mixed';

/** A minority below this share is a quotation, a name or a slip. */
const MINORITY = 0.1;

/** @returns undefined where nothing tells, as in 山水人心 */
export function scriptOf(text: string): Script | undefined {
  const { kinds } = characterForms();
  let [simplified, traditional] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const kind = kinds[text.charCodeAt(i)]!;
    simplified += kind & SIMPLIFIED_ONLY;
    traditional += (kind & TRADITIONAL_ONLY) >> 1;
  }
  const telling = simplified + traditional;
  if (telling === 0) return undefined;
  if (traditional < MINORITY * telling) return 'Hans';
  return simplified < MINORITY * telling ? 'Hant' : 'mixed';
}
