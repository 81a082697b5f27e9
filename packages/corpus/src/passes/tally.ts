/** Counts of one unit as it goes through the stages, and the samples of what they drop. */
import type { Said } from '@tunan/protocol/mistakes';
import type { Document, Draft } from '../document.ts';
import { excerpt, keepSamples, rankOf, type Sample } from '../report/samples.ts';
import type { Damaged } from '../sources/source-item.ts';

/** A dropped document, as it stands in rejects/: the text is what the stage saw. */
export type Reject = Document & { stage: string; reason: string; detail?: string; kept?: string };

/** Documents that came into a stage, and how many it dropped for each reason. */
export interface StageCount {
  stage: string;
  documents: number;
  characters: number;
  /** Of the pages as they were fetched before they are extracted, of the text in UTF-8 after. */
  bytes: number;
  reasons: Record<string, number>;
  /** Documents whose text it changed; of `extract`, which writes the text, none. */
  changed: number;
}

/** What stages left in meta, counted: places masked by kind, documents repaired by kind, scripts, charsets. */
export type Marks = Record<string, Record<string, number>>;

/** Enough of a damaged record to see what it is. */
const DAMAGED_CHARACTERS = 2_000;

/** Fields of meta that say what was done, as `kind` or `kind:count` joined by commas. */
const MARKS = ['masked', 'repaired', 'script', 'encoding'];

/** Counts of one unit. */
export class Tally {
  readonly stages: StageCount[];
  readonly readCount = emptyCount('read');
  readonly skipped: Record<string, number> = {};
  readonly marks: Marks = {};
  #pending: Sample[] = [];
  readonly #size = new Size();

  constructor(names: string[]) {
    this.stages = names.map(emptyCount);
  }

  /** Counts a draft; its bytes. */
  read(draft: Draft): number {
    return this.#size.addTo(this.readCount, draft);
  }

  enter(index: number, draft: Draft): void {
    this.#size.addTo(this.stages[index]!, draft);
  }

  change(index: number): void {
    this.stages[index]!.changed++;
  }

  mark(meta: Document['meta']): void {
    for (const key of MARKS) {
      if (meta[key] === undefined) continue;
      this.marks[key] ??= {};
      const counts = this.marks[key];
      for (const part of meta[key].split(',')) {
        const [kind = '', count = '1'] = part.split(':');
        counts[kind] = (counts[kind] ?? 0) + Number(count);
      }
    }
  }

  drop(index: number, reason: string): void {
    countOne(this.stages[index]!.reasons, reason);
  }

  skip(kind: string): void {
    countOne(this.skipped, kind);
  }

  damage({ damaged, id, url, detail, text = '' }: Damaged, source: string): Reject {
    this.readCount.documents++;
    countOne(this.readCount.reasons, damaged);
    const meta = url === undefined ? {} : { url };
    const reject = { id, text: text.slice(0, DAMAGED_CHARACTERS), source, meta, stage: 'read', reason: damaged };
    return detail === undefined ? reject : { ...reject, detail: detail.en };
  }

  /** @param detail what the reject says of itself, where it is said in words */
  sample(reject: Reject, detail: Said | undefined = proofOf(reject)): void {
    const { stage, reason, id } = reject;
    const sample = { stage, reason, rank: rankOf(id), id, text: excerpt(reject.text) };
    this.#pending.push(detail === undefined ? sample : { ...sample, detail });
    if (this.#pending.length > 2_000) this.#pending = keepSamples(this.#pending);
  }

  samples(): Sample[] {
    return keepSamples(this.#pending);
  }
}

/** Counts and names alone, the same in every language. */
function proofOf({ detail }: Reject): Said | undefined {
  return detail === undefined ? undefined : { en: detail, zh: detail };
}

function emptyCount(stage: string): StageCount {
  return { stage, documents: 0, characters: 0, bytes: 0, reasons: {}, changed: 0 };
}

function countOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Sizes of drafts; most stages leave most texts alone, so the last text is not measured again. */
class Size {
  #title = '';
  #body = '';
  #characters = 0;
  #bytes = 0;

  addTo(count: StageCount, { title, body, page }: Draft): number {
    if (title !== this.#title || body !== this.#body) {
      [this.#title, this.#body] = [title, body];
      const newline = title === '' ? 0 : 1;
      this.#characters = codePoints(title) + newline + codePoints(body);
      this.#bytes = Buffer.byteLength(title) + newline + Buffer.byteLength(body);
    }
    count.documents++;
    count.characters += this.#characters;
    const bytes = page?.bytes.length ?? this.#bytes;
    count.bytes += bytes;
    return bytes;
  }
}

export function codePoints(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) n--;
  return n;
}
