/**
 * Two traits by which a small model's texts go wrong, measured alike on what it writes and on real documents: do they end, and
 * do they repeat themselves.
 */

/** A text up to some length, and whether it came to its end there. */
export interface CutText {
  readonly text: string;
  readonly ended: boolean;
}

export interface TextTraits {
  readonly texts: number;
  /** Share of texts that came to their end within the length that was allowed. */
  readonly ended: number;
  /** Share of the characters that end a run of GRAM characters which the same text has had before. */
  readonly repeated: number;
}

/** Shorter runs are repeated by chance and by form. */
const GRAM = 4;

export function textTraits(texts: readonly CutText[]): TextTraits {
  let [repeated, all] = [0, 0];
  for (const { text } of texts) {
    const characters = [...text];
    const seen = new Set<string>();
    for (let end = GRAM; end <= characters.length; end++) {
      const gram = characters.slice(end - GRAM, end).join('');
      if (seen.has(gram)) repeated++;
      seen.add(gram);
      all++;
    }
  }
  return {
    texts: texts.length,
    ended: texts.filter(({ ended }) => ended).length / Math.max(1, texts.length),
    repeated: all === 0 ? 0 : repeated / all,
  };
}

/** As much of a real document as a sample may have. @param tokens of the document, its end included */
export function firstPart(text: string, tokens: number, longest: number): CutText {
  if (tokens <= longest) return { text, ended: true };
  return { text: text.slice(0, Math.floor((text.length * longest) / tokens)), ended: false };
}
