/**
 * Character references that were left in a text: &#20013; &#x4E2D; without semicolon, escaped twice (&amp;#20013;), with its
 * ampersand lost (amp;#20013;) or spaced out, typographic names (&nbsp; &ldquo;), and runs of \u4E2D. References to
 * ASCII (&#60;, &lt;) stay unless the text is full of references to Chinese: pages about HTML mean them.
 */
import { decodeHTML } from 'entities';

// A missing semicolon is taken for one only where the number cannot go on.
const NUMERIC = /(?:&(?:amp;)*|(?<![a-z])amp;) ?# ?(?:[xX]([0-9a-fA-F]{2,6})|([0-9]{2,7}))(?:;|(?![0-9a-fA-F;]))/g;
const NAMED =
  /&(?:amp;)*(nbsp|ensp|emsp|ldquo|rdquo|lsquo|rsquo|mdash|ndash|hellip|middot|bull|times|laquo|raquo|deg|copy|reg|trade|permil|yen|quot);/g;
const ESCAPED = /(?:\\u[0-9a-fA-F]{4}){3,}/g;

/** From so many references outside ASCII on, those to ASCII are damage too. */
const MANY = 3;

export function decodeReferences(text: string): string {
  if (!text.includes('&') && !text.includes('amp;') && !text.includes('\\u')) return text;
  let outside = 0;
  for (const match of text.matchAll(NUMERIC)) if (codeOf(match[1], match[2]) >= 0x80) outside++;
  return text
    .replace(NUMERIC, (whole, hex?: string, decimal?: string) => {
      const code = codeOf(hex, decimal);
      if (code < 0x80 && (outside < MANY || code < 0x20)) return whole;
      return characterOf(code) ?? whole;
    })
    .replace(NAMED, (_, name: string) => (name === 'nbsp' ? ' ' : decodeHTML(`&${name};`)))
    .replace(ESCAPED, (run) => unescapeRun(run) ?? run);
}

function codeOf(hex: string | undefined, decimal: string | undefined): number {
  return hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
}

/** As HTML reads it: 128-159 are windows-1252. */
function characterOf(code: number): string | undefined {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return code === 0xa0 ? ' ' : decodeHTML(`&#${code};`);
}

/** Escapes of a program are left alone: only what is Chinese for the greater part is text that was escaped. */
function unescapeRun(run: string): string | undefined {
  const text = run.replace(/\\u(.{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const chinese = text.match(/[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]/g)?.length ?? 0;
  return text.isWellFormed() && 2 * chinese > text.length ? text : undefined;
}
