/**
 * Traditional → Simplified, for one text. Every sentence is judged by the characters that one script alone has, and a little by those of
 * the text around it. What has one form today gets it; what has two (著, 乾, 徵 …) is decided by its context
 * (form-choice.ts), and in a Simplified sentence only where that leaves no doubt. Japanese words keep their forms (毎日新聞).
 */
import {
  BEYOND_PLANE,
  CHOICE,
  CONVERTS,
  CONVERTS_IN_TRADITIONAL,
  characterForms,
  contextOf,
  JAPANESE_ONLY,
  SENTENCE_END,
  SIMPLIFIED_ONLY,
  TRADITIONAL_ONLY,
} from './character-forms.ts';
import { CHOICES, type Choice } from './choices.ts';
import { evidence, WORD_ALONE } from './form-choice.ts';

const ANY = CONVERTS | CONVERTS_IN_TRADITIONAL | CHOICE;
/** The text around counts as this many characters beside those of a sentence. */
const WEIGHT_OF_TEXT = 0.5;

/** Characters that one script alone has, or Japanese, and the kinds of all. */
interface Counts {
  simplified: number;
  traditional: number;
  japanese: number;
  kinds: number;
  to: number;
}

/** A sentence, and how sure it is to be Simplified (0 to 1). */
interface Sentence {
  text: string;
  from: number;
  counts: Counts;
  share: number;
}

/** Simplified characters among those that tell; half where none does. */
export function simplifiedShare({ simplified, traditional }: Counts): number {
  return simplified + traditional === 0 ? 0.5 : simplified / (simplified + traditional);
}

/**
 * @param all what `count` says of the text
 * @param shareOfText Simplified share of the text that this one belongs to
 */
export function toSimplified(text: string, all: Counts, shareOfText: number): string {
  if ((all.kinds & ANY) === 0) return text;
  const units = new Uint16Array(text.length);
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  for (let from = 0; from < text.length; ) {
    const counts = count(text, from, SENTENCE_END);
    if (counts.kinds & ANY) {
      const telling = counts.simplified + counts.traditional;
      const share = (counts.simplified + WEIGHT_OF_TEXT * shareOfText) / (telling + WEIGHT_OF_TEXT);
      convert({ text, from, counts, share }, units);
    }
    from = counts.to;
  }
  const result = Buffer.from(units.buffer).toString('utf16le');
  return all.kinds & BEYOND_PLANE ? beyondPlane(result) : result;
}

function convert({ text, from, counts, share }: Sentence, units: Uint16Array): void {
  const { kinds, inSimplified, inTraditional } = characterForms();
  const goals = share < 0.5 ? inTraditional : inSimplified;
  const mayBeJapanese = counts.japanese > 0 && (share >= 0.5 || counts.japanese >= counts.traditional);
  let run = { to: from, japanese: false };
  for (let at = from; at < counts.to; at++) {
    const unit = units[at]!;
    if (mayBeJapanese && at >= run.to) run = writtenRun(text, at);
    if (run.japanese && goals[unit] !== unit) continue;
    units[at] = kinds[unit]! & CHOICE ? chosen(text, at, share) : goals[unit]!;
  }
}

function chosen(text: string, at: number, share: number): number {
  const index = characterForms().choiceOf[text.charCodeAt(at)]!;
  const { keep, change } = CHOICES[index]!;
  const changes = evidence(contextOf(text, at), index) > neededEvidence(CHOICES[index]!, share);
  return (changes ? change : keep).charCodeAt(0);
}

/** A form that Simplified text does not have goes, whatever the sentence is. One that it has goes where the sentence, or a word, says so. */
function neededEvidence({ character, keep, margin }: Choice, share: number): number {
  if (keep !== character || share < 0.5) return 0;
  return share === 0.5 ? Math.min(margin / 2, WORD_ALONE) : margin;
}

function beyondPlane(text: string): string {
  const { beyond, kinds } = characterForms();
  let [result, done] = ['', 0];
  for (let i = 0; i < text.length; i++) {
    if ((kinds[text.charCodeAt(i)]! & BEYOND_PLANE) === 0) continue;
    result += text.slice(done, i) + beyond.get(text[i]!)!;
    done = i + 1;
  }
  return result + text.slice(done);
}

/**
 * @param stop kinds of which one ends the counting, after it; 0 counts to the end of the text
 */
export function count(text: string, from = 0, stop = 0): Counts {
  const { kinds } = characterForms();
  let [simplified, traditional, japanese, all, to] = [0, 0, 0, 0, from];
  // Without branches: which script a character is of is as good as chance to a processor.
  while (to < text.length && (all & stop) === 0) {
    const kind = kinds[text.charCodeAt(to++)]!;
    all |= kind;
    simplified += kind & SIMPLIFIED_ONLY;
    traditional += kind & TRADITIONAL_ONLY;
    japanese += kind & JAPANESE_ONLY;
  }
  return {
    simplified: simplified / SIMPLIFIED_ONLY,
    traditional: traditional / TRADITIONAL_ONLY,
    japanese: japanese / JAPANESE_ONLY,
    kinds: all,
    to,
  };
}

/** The ideographs and kana from a place on, one unit at least, and whether a form that Japanese alone has stands among them. */
function writtenRun(text: string, from: number): { to: number; japanese: boolean } {
  let to = from + 1;
  if (isWritten(text.charCodeAt(from))) while (to < text.length && isWritten(text.charCodeAt(to))) to++;
  return { to, japanese: count(text.slice(from, to)).japanese > 0 };
}

/** An ideograph or kana. */
function isWritten(unit: number): boolean {
  return (unit >= 0x3041 && unit <= 0x30ff && unit !== 0x30fb) || (unit >= 0x3400 && unit < 0xa000);
}
