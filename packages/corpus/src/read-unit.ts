/**
 * First pass over one unit, in a worker: every draft goes through the document stages; survivors and rejects are spilled
 * as finished JSON lines, with what duplicate detection needs to know about each survivor. Nothing grows with the unit
 * but the numbers a document.
 */
import { join } from 'node:path';
import { type Document, type Draft, isRejection, textOf } from './document.ts';
import { mix } from './duplicates/shingles.ts';
import { Signer } from './duplicates/signatures.ts';
import type { Recipe } from './recipe.ts';
import { readUnit, type Unit } from './sources/units.ts';
import { SpillWriter } from './spill.ts';
import type { PreparedStage } from './stages/document-stages.ts';

/** A dropped document, as it stands in rejects/: the text is what the stage saw. */
export type Reject = Document & { stage: string; reason: string; kept?: string };

/** A reject shown in the report; those with the smallest `rank` are shown, whatever the number of workers. */
export type Sample = { stage: string; reason: string; rank: number; id: string; text: string; kept?: string };

/** Documents that came into a stage, and how many it dropped for each reason. */
type StageCount = { stage: string; documents: number; characters: number; reasons: Record<string, number> };

export type UnitTask = { task: 'read'; unit: Unit; index: number; folder: string };

/** Everything about a unit's survivors, a number a document, in file order. */
export type UnitResult = {
  index: number;
  lengths: Uint32Array; // bytes of the spilled line, newline included
  characters: Uint32Array; // of the text
  rejectLengths: Uint32Array;
  stages: StageCount[];
  samples: Sample[];
};

export const SAMPLES_A_REASON = 6;
const SAMPLE_CHARACTERS = 160;

export function spillPath(folder: string, index: number, kind: 'documents' | 'rejects'): string {
  return join(folder, `${String(index).padStart(6, '0')}.${kind}`);
}

export async function processUnit(recipe: Recipe, stages: PreparedStage[], task: UnitTask): Promise<UnitResult> {
  using documents = new SpillWriter(spillPath(task.folder, task.index, 'documents'));
  using rejects = new SpillWriter(spillPath(task.folder, task.index, 'rejects'));
  using signer = new Signer(recipe, task.folder, task.index);
  const tally = new Tally(stages.map((stage) => stage.name));
  const characters: number[] = [];
  for await (const draft of readUnit(recipe, task.unit)) {
    const outcome = runStages(draft, stages, tally);
    if (outcome.rejected !== undefined) {
      const reject: Reject = { ...documentOf(outcome.draft), ...outcome.rejected };
      rejects.write(Buffer.from(`${JSON.stringify(reject)}\n`));
      tally.sample(reject);
      continue;
    }
    const document = documentOf(outcome.draft);
    documents.write(Buffer.from(`${JSON.stringify(document)}\n`));
    characters.push(codePoints(document.text));
    signer.add(document, outcome.draft.body);
  }
  signer.finish();
  return {
    index: task.index,
    lengths: documents.finish(),
    characters: Uint32Array.from(characters),
    rejectLengths: rejects.finish(),
    stages: tally.stages,
    samples: tally.samples(),
  };
}

type Outcome = { draft: Draft; rejected?: { stage: string; reason: string } };

function runStages(start: Draft, stages: PreparedStage[], tally: Tally): Outcome {
  let draft = start;
  for (const [index, stage] of stages.entries()) {
    tally.enter(index, draft);
    const result = stage.run(draft);
    if (isRejection(result)) {
      tally.drop(index, result.reason);
      return { draft, rejected: { stage: stage.name, reason: result.reason } };
    }
    draft = result;
  }
  return { draft };
}

function documentOf(draft: Draft): Document {
  const meta = draft.url === undefined ? draft.meta : { ...draft.meta, url: draft.url };
  return { id: draft.id, text: textOf(draft), source: draft.source, meta };
}

/** The part of a text that the report shows. */
export function excerpt(text: string): string {
  const characters = [...text.slice(0, 2 * SAMPLE_CHARACTERS)];
  return characters.length > SAMPLE_CHARACTERS
    ? `${characters.slice(0, SAMPLE_CHARACTERS).join('')}…`
    : characters.join('');
}

/** A rank that depends on the id alone, so that samples are a fixed random choice. */
function rankOf(id: string): number {
  let h = 0;
  for (let i = 0; i < id.length; i++) h = Math.imul(h, 31) + id.charCodeAt(i);
  return mix(h);
}

/** Keeps the samples of smallest rank for each stage and reason. */
export function keepSamples(samples: Sample[]): Sample[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = `${sample.stage} ${sample.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  const byRank = (a: Sample, b: Sample) => a.rank - b.rank || (a.id < b.id ? -1 : 1);
  return [...groups.values()].flatMap((group) => group.sort(byRank).slice(0, SAMPLES_A_REASON));
}

class Tally {
  readonly stages: StageCount[];
  private pending: Sample[] = [];

  constructor(names: string[]) {
    this.stages = names.map((stage) => ({ stage, documents: 0, characters: 0, reasons: {} }));
  }

  enter(index: number, draft: Draft): void {
    const stage = this.stages[index]!;
    stage.documents++;
    stage.characters += codePoints(textOf(draft));
  }

  drop(index: number, reason: string): void {
    const { reasons } = this.stages[index]!;
    reasons[reason] = (reasons[reason] ?? 0) + 1;
  }

  sample(reject: Reject): void {
    const { stage, reason, id } = reject;
    this.pending.push({ stage, reason, rank: rankOf(id), id, text: excerpt(reject.text) });
    if (this.pending.length > 2_000) this.pending = keepSamples(this.pending);
  }

  samples(): Sample[] {
    return keepSamples(this.pending);
  }
}

function codePoints(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) n--;
  return n;
}
