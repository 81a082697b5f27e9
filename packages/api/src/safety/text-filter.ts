/**
 * Looks over a text that comes in parts, and hands it on in parts: words and personal data masked, or the text ended where something is that
 * may not be shown. Only so much is held back as may still become a match; whatever the parts are, the whole is the same.
 *
 * A classifier judges the text so far at every CLASSIFIED units and at the end; what was handed on before it judges is not taken back. Lines
 * are looked at by their last LINE units.
 */
import { findDecidedPersonalData, findPersonalData } from '@tunan/page/personal-data';
import type { Action, DirectionRules, Finding } from './rules.ts';
import { folded } from './word-trie.ts';

/** A part of the text as it came, and what is shown for it. */
export interface ShownPiece {
  /** UTF-16 units of the text as it came. */
  readonly begin: number;
  readonly end: number;
  readonly text: string;
  readonly masked: boolean;
}

export interface FilterStep {
  readonly pieces: readonly ShownPiece[];
  readonly findings: readonly Finding[];
  /** What ended the text. Nothing may be pushed any more. */
  readonly blocked: Finding | undefined;
}

interface Span extends Finding {
  readonly begin: number;
  readonly end: number;
  readonly mask: string;
}

const LINE = 2_000;
const CLASSIFIED = 200;
/** What the classifier is shown of a long text: its end. */
const JUDGED = 4_000;

export class TextFilter {
  readonly #rules: DirectionRules;
  /** The line so far, as far as it is looked at, and what is held back of it. */
  #text = '';
  /** The same, folded. */
  #folded = '';
  /** Where #text begins in the whole, and how much of it has been decided. */
  #base = 0;
  #decided = 0;
  /** What the classifier has not judged yet begins here. */
  #judged = 0;
  /** The end of what stands before #text, for the classifier. */
  #before = '';

  constructor(rules: DirectionRules) {
    this.#rules = rules;
  }

  /** @param text whole characters */
  push(text: string): FilterStep {
    this.#text += text;
    this.#folded += folded(text);
    return this.#step(false);
  }

  /** The rest. */
  end(): FilterStep {
    return this.#step(true);
  }

  #step(isEnd: boolean): FilterStep {
    const { spans, border } = this.#find(isEnd);
    const pieces: ShownPiece[] = [];
    const findings: Finding[] = [];
    let at = this.#decided;
    let blocked: Finding | undefined;
    const show = (end: number, masked?: Span) => {
      if (end > at) {
        const text = masked?.mask ?? this.#text.slice(at, end);
        pieces.push({ begin: this.#base + at, end: this.#base + end, text, masked: masked !== undefined });
      }
      at = Math.max(at, end);
    };
    /** Up to a place, stopping where the classifier has to judge. */
    const go = (end: number, masked?: Span) => {
      while (masked === undefined && this.#rules.classifier !== undefined && blocked === undefined) {
        const stop = this.#judged + CLASSIFIED - this.#base;
        if (stop > end) break;
        show(Math.max(at, stop));
        blocked = this.#judge(stop, findings);
      }
      if (blocked === undefined) show(end, masked);
    };
    for (const span of spans) {
      go(span.begin);
      if (blocked !== undefined) break;
      findings.push(span);
      if (span.action === 'block') {
        blocked = span;
        break;
      }
      if (span.action === 'mask' && span.end > at) go(span.end, span);
    }
    if (blocked === undefined) go(border);
    if (blocked === undefined && isEnd) blocked = this.#judge(this.#text.length, findings);
    this.#decided = at;
    this.#trim();
    return { pieces, findings, blocked };
  }

  /** In the order of places; what is masked does not overlap. */
  #find(isEnd: boolean): { readonly spans: Span[]; readonly border: number } {
    const { words, personalData } = this.#rules;
    const text = this.#folded;
    const from = this.#decided;
    const spans: Span[] = [];
    let border = text.length;
    for (const [action, trie] of words) {
      const scanned = trie.scan(text, from, isEnd);
      border = Math.min(border, scanned.border);
      for (const { begin, end, value } of scanned.found)
        spans.push({ ...{ begin, end, action, source: 'list', category: value.category, mask: value.mask } });
    }
    if (personalData !== undefined) {
      const { kinds, action, masks } = personalData;
      const decided = isEnd
        ? { found: findPersonalData(this.#text, kinds), border }
        : findDecidedPersonalData(this.#text, kinds);
      border = Math.min(border, Math.max(from, decided.border));
      for (const { kind, begin, end } of decided.found) {
        if (begin < from) continue;
        spans.push({ begin, end, action, source: 'personal-data', category: kind, mask: masks[kind] });
      }
    }
    spans.sort((a, b) => b.begin - a.begin);
    for (let moved = true; moved; ) {
      moved = false;
      for (const { begin, end } of spans) {
        if (begin >= border || end <= border) continue;
        border = begin;
        moved = true;
      }
    }
    return { spans: inOrder(spans.filter(({ begin }) => begin < border)), border };
  }

  /** @param end of what is judged, in #text */
  #judge(end: number, findings: Finding[]): Finding | undefined {
    const { classifier } = this.#rules;
    const until = this.#base + end;
    if (classifier === undefined || until <= this.#judged) return undefined;
    this.#judged = until;
    const text = (this.#before + this.#text.slice(0, end)).slice(-JUDGED);
    if (classifier.probability(text) < classifier.threshold) return undefined;
    const { action, label } = classifier;
    const finding: Finding = { action, source: 'classifier', category: label };
    findings.push(finding);
    return action === 'block' ? finding : undefined;
  }

  /** Forgets what stands so far before the place that has been reached that nothing looks at it. */
  #trim(): void {
    if (this.#decided <= 2 * LINE) return;
    const cut = this.#decided - LINE;
    if (this.#rules.classifier !== undefined) {
      this.#before = (this.#before + this.#text.slice(0, cut)).slice(-JUDGED);
    }
    this.#text = this.#text.slice(cut);
    this.#folded = this.#folded.slice(cut);
    this.#base += cut;
    this.#decided -= cut;
  }
}

const STRICTNESS: Readonly<Record<Action, number>> = { block: 0, mask: 1, log: 2 };

/** What is masked covers no place twice; what blocks or is only noted stays, wherever it is. */
function inOrder(spans: readonly Span[]): Span[] {
  const sorted = spans.toSorted((a, b) => a.begin - b.begin || STRICTNESS[a.action] - STRICTNESS[b.action]);
  let covered = 0;
  return sorted.filter(({ action, begin, end }) => {
    if (action !== 'mask') return true;
    if (begin < covered) return false;
    covered = end;
    return true;
  });
}
