/**
 * First pass over one unit, in a worker: every draft goes through the document stages; survivors and rejects are spilled
 * as finished JSON lines, with what duplicate detection needs to know about each survivor. Nothing grows with the unit
 * but the numbers a document.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Said, systemProblem } from '@tunan/protocol/mistakes';
import { type Document, type Draft, isRejection, type Rejection, textOf } from '../document.ts';
import { Signer } from '../duplicates/signatures.ts';
import { CorpusError } from '../errors.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { SpillWriter } from '../reading/spill.ts';
import type { Recipe, Source } from '../recipe/recipe.ts';
import { type ReadFile, readFileOf } from '../report/file-list.ts';
import type { Sample } from '../report/samples.ts';
import type { SourceItem } from '../sources/source-item.ts';
import { readUnit, sourceLabel, type Unit } from '../sources/units.ts';
import type { PreparedStage } from '../stages/document-stages.ts';
import { saveResult } from './finished-tasks.ts';
import type { SharedCount } from './shared-count.ts';
import { type TakeDown, takeDownMatcher } from './take-down.ts';
import { codePoints, type Marks, type Reject, type StageCount, Tally } from './tally.ts';

export interface UnitTask {
  task: 'read';
  unit: Unit;
  index: number;
  folder: string;
  takeDowns?: TakeDown;
}

/** A shard of the corpus that is being added to: its documents are signed and otherwise left alone. */
export interface SignTask {
  task: 'sign';
  path: string;
  index: number;
  folder: string;
}

/** Everything about a unit's survivors, a number a document, in file order. */
export interface UnitResult {
  index: number;
  lengths: Uint32Array; // bytes of the spilled line, newline included
  characters: Uint32Array; // of the text
  rejectLengths: Uint32Array;
  stages: StageCount[];
  /** What the source gave, damaged places included; `reasons` tells their kinds. */
  read: StageCount;
  /** Records that are no documents, by kind. */
  skipped: Record<string, number>;
  marks: Marks;
  samples: Sample[];
  /** Of a source of documents: what each file gave. */
  files?: ReadFile[];
}

const GLIMPSE_SOURCE = 1 << 16;
const GLIMPSE_CHARACTERS = 500;

export function spillPath(folder: string, index: number, kind: 'documents' | 'rejects'): string {
  return join(folder, `${String(index).padStart(6, '0')}.${kind}`);
}

/** Everything that a unit may leave in the work folder besides its result. */
const SPILLED = ['documents', 'rejects', 'signatures', 'shingles', 'lines'];

export function unitResultPath(folder: string, index: number): string {
  return join(folder, `${String(index).padStart(6, '0')}.unit`);
}

/** Does a unit and marks it as done. */
export async function processUnit(
  recipe: Recipe,
  base: string,
  stages: PreparedStage[],
  task: UnitTask,
  count?: SharedCount,
): Promise<UnitResult> {
  const mark = unitResultPath(task.folder, task.index);
  rmSync(mark, { force: true });
  const result = await readThrough(recipe, base, stages, task, count);
  markDone(mark, result);
  return result;
}

/** Signs a shard and marks it as done. */
export async function signShard(recipe: Recipe, stages: PreparedStage[], task: SignTask): Promise<UnitResult> {
  const mark = unitResultPath(task.folder, task.index);
  rmSync(mark, { force: true });
  const tally = new Tally(stages.map((stage) => stage.name));
  const characters: number[] = [];
  using documents = new SpillWriter(spillPath(task.folder, task.index, 'documents'));
  using rejects = new SpillWriter(spillPath(task.folder, task.index, 'rejects'));
  using signer = new Signer(recipe, task.folder, task.index);
  for await (const { value } of readJsonLines(task.path)) {
    const document = value as Document;
    documents.write(Buffer.from(`${JSON.stringify(document)}\n`));
    characters.push(codePoints(document.text));
    signer.add(document, bodyOf(document));
  }
  signer.finish();
  const result = resultOf(task.index, documents, characters, rejects, tally);
  markDone(mark, result);
  return result;
}

/** The text without the title that heads it. */
function bodyOf({ text, meta }: Document): string {
  return meta.title !== undefined && text.startsWith(`${meta.title}\n`) ? text.slice(meta.title.length + 1) : text;
}

function markDone(mark: string, result: UnitResult): void {
  const spilled = SPILLED.map((kind) => mark.replace(/unit$/, kind));
  saveResult(
    mark,
    result,
    spilled.filter((path) => existsSync(path)),
  );
}

function resultOf(
  index: number,
  documents: SpillWriter,
  characters: number[],
  rejects: SpillWriter,
  tally: Tally,
): UnitResult {
  return {
    index,
    lengths: documents.finish(),
    characters: Uint32Array.from(characters),
    rejectLengths: rejects.finish(),
    stages: tally.stages,
    read: tally.readCount,
    skipped: tally.skipped,
    marks: tally.marks,
    samples: tally.samples(),
  };
}

async function readThrough(
  recipe: Recipe,
  base: string,
  stages: PreparedStage[],
  task: UnitTask,
  count: SharedCount | undefined,
): Promise<UnitResult> {
  using documents = new SpillWriter(spillPath(task.folder, task.index, 'documents'));
  using rejects = new SpillWriter(spillPath(task.folder, task.index, 'rejects'));
  using signer = new Signer(recipe, task.folder, task.index);
  const tally = new Tally(stages.map((stage) => stage.name));
  const characters: number[] = [];
  const source = recipe.sources[task.unit.source]!;
  const isTakenDown = task.takeDowns === undefined ? undefined : takeDownMatcher(task.takeDowns);
  const drop = (reject: Reject, detail?: Said) => {
    rejects.write(Buffer.from(`${JSON.stringify(reject)}\n`));
    tally.sample(reject, detail);
  };
  const files: ReadFile[] = [];
  for await (const item of itemsOf(source, task.unit, base)) {
    const file = source.type === 'document' ? readFileOf(item, codePoints) : undefined;
    if (file !== undefined) files.push(file);
    if ('skipped' in item) {
      tally.skip(item.skipped);
      continue;
    }
    if ('damaged' in item) {
      drop(tally.damage(item, sourceLabel(source)), item.detail);
      continue;
    }
    if (isTakenDown?.(item) === true) {
      tally.skip('taken-down');
      continue;
    }
    const bytes = tally.read(item);
    count?.add(1, bytes);
    const outcome = runStages(item, stages, tally);
    if (outcome.rejected !== undefined) {
      drop({ ...documentOf(outcome.draft), ...outcome.rejected });
      continue;
    }
    if (outcome.draft.page !== undefined) throw pageLeft(recipe, item.source);
    const document = documentOf(outcome.draft);
    tally.mark(document.meta);
    documents.write(Buffer.from(`${JSON.stringify(document)}\n`));
    characters.push(codePoints(document.text));
    // Of a finished document the title is not known by itself: both sides of an update are signed alike.
    signer.add(document, task.takeDowns === undefined ? outcome.draft.body : bodyOf(document));
  }
  signer.finish();
  const result = resultOf(task.index, documents, characters, rejects, tally);
  return files.length === 0 ? result : { ...result, files };
}

/** @throws CorpusError CORPUS_SOURCE_READ where the system cannot read what was there when the build began */
async function* itemsOf(source: Source, unit: Unit, base: string): AsyncGenerator<SourceItem> {
  try {
    yield* readUnit(source, unit, base);
  } catch (cause) {
    if (cause instanceof CorpusError || (cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    const why = systemProblem(cause) ?? { en: (cause as Error).message, zh: (cause as Error).message };
    throw new CorpusError(
      'CORPUS_SOURCE_READ',
      { en: `cannot read ${unit.path}: ${why.en}`, zh: `无法读取 ${unit.path}：${why.zh}` },
      { cause },
    );
  }
}

interface Outcome {
  draft: Draft;
  rejected?: { stage: string } & Rejection;
}

function runStages(start: Draft, stages: PreparedStage[], tally: Tally): Outcome {
  let draft = start;
  for (const [index, stage] of stages.entries()) {
    tally.enter(index, draft);
    const result = stage.run(draft);
    if (isRejection(result)) {
      tally.drop(index, result.reason);
      return { draft, rejected: { stage: stage.name, ...result } };
    }
    if (draft.page === undefined && (result.body !== draft.body || result.title !== draft.title)) tally.change(index);
    draft = result;
  }
  return { draft };
}

function documentOf(draft: Draft): Document {
  const meta = { ...draft.carried, ...draft.meta, ...(draft.url === undefined ? {} : { url: draft.url }) };
  const text = draft.page === undefined ? textOf(draft) : glimpse(draft.page.html ?? '');
  return { id: draft.id, text, source: draft.source, meta };
}

/** What a rejected page says at its beginning, roughly: a person who reads the rejects wants to see what it was. */
function glimpse(html: string): string {
  const start = html.slice(0, GLIMPSE_SOURCE).replace(/<(script|style)\b[\s\S]*?<\/\1/gi, ' ');
  return start
    .replace(/<[^<>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .slice(0, GLIMPSE_CHARACTERS)
    .trim();
}

function pageLeft(recipe: Recipe, source: string): CorpusError {
  return new CorpusError('CORPUS_RECIPE', {
    en: `the source ${source} of the recipe ${recipe.name} gives web pages; put the stages decode and extract first`,
    zh: `配方 ${recipe.name} 的来源 ${source} 是网页；请把 decode 与 extract 阶段放在最前`,
  });
}
