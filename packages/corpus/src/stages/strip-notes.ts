/**
 * Takes editors' notes out of title and body: （一作「凰」）, （见《唐诗纪事》卷二。）, 〖1〗, 〔换头〕, notes that run over several
 * lines and nest. A supplied character in square brackets ([爽]节) is text and stays without the brackets. A body whose
 * round brackets do not pair is rejected: what is note and what is verse cannot be told any more.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { Draft, Rejection } from '../document.ts';
import { documentStage } from '../stage.ts';

const schema = z
  .strictObject({ use: z.literal('strip-notes') })
  .describe(inBoth('For collections of poems: notes of editors go.', '用于诗词：去掉校注。'));

const OPEN = '（〖〔';
const CLOSE = '）〗〕';
const SUPPLIED = /\[([\p{Script=Han}□]{1,12})\]/gu;
const NOTE_MARK = /\[[\d一二三四五六七八九十]{1,3}\]/g;
const LEADING = /^[，。、；：！？”’》·]+/;
const DOUBLED = /[，、：；](?=[，。；！？])|(?<=[。！？；])[，、：；。]/g;
// Lines of punctuation alone, which editions leave where a note was.
const EMPTY_LINES = /^[，。、；：！？“”‘’]+\n|\n[，。、；：！？“”‘’]+$/gm;
const HAS_TEXT = /[\p{L}\p{N}□]/u;
// A number of poems after a circle: 占梦第二十五（京本第十三□九首）.
const COUNT_IN_TITLE = /□[〇一二三四五六七八九十百]+首/;

export function stripNotes(draft: Draft): Draft | Rejection {
  const title = stripTitle(draft.title);
  if (!/[（）〖〗〔〕[\]]/.test(draft.body)) return { ...draft, title, body: draft.body.replace(EMPTY_LINES, '') };
  const body = withoutNotes(draft.body.replace(NOTE_MARK, '').replace(SUPPLIED, '$1'));
  if (body === undefined) return { reason: 'unbalanced-brackets' };
  return { ...draft, title, body: rejoin(body) };
}

function stripTitle(title: string): string {
  if (!/[（）〖〗〔〕[\]□]/.test(title)) return title;
  const plain = title.replace(NOTE_MARK, '').replace(SUPPLIED, '$1').replace(COUNT_IN_TITLE, '');
  // An unpaired bracket in a title opens a note that runs to its end.
  const stripped = withoutNotes(plain) ?? plain.replace(/[（〖〔].*$/, '').replace(/[）〗〕]/g, '');
  return stripped.replace(/ +/g, ' ').replace(LEADING, '').trim();
}

/** Text outside all brackets, or undefined where brackets do not pair. */
function withoutNotes(text: string): string | undefined {
  let kept = '';
  const open: number[] = [];
  for (const c of text) {
    const opens = OPEN.indexOf(c);
    const closes = CLOSE.indexOf(c);
    if (opens >= 0) open.push(opens);
    else if (closes >= 0) {
      if (open.pop() !== closes) return undefined;
    } else if (open.length === 0) kept += c;
  }
  return open.length === 0 ? kept : undefined;
}

/** Mends the lines that a note was cut out of: stray punctuation goes, a verse cut in two is joined again. */
function rejoin(body: string): string {
  const lines: string[] = [];
  for (const raw of body.split('\n')) {
    const line = raw.replace(LEADING, '').replace(DOUBLED, '').trim();
    if (!HAS_TEXT.test(line)) continue;
    const last = lines.at(-1);
    if (last !== undefined && /[，、：\p{L}]$/u.test(last)) lines[lines.length - 1] = last + line;
    else lines.push(line);
  }
  return lines.join('\n');
}

export const stripNotesStage = documentStage({
  label: { zh: '去校注', en: 'Notes taken out' },
  names: {
    'unbalanced-brackets': { zh: '括号不配对', en: 'brackets do not pair' },
  },
  schema,
  prepare: () => stripNotes,
});
