/**
 * `tunan study new`: human texts → texts of the model to the same prompts, of the same kind and length → none that stand in the training
 * text → items, booklets, files. Nothing is written before everything is known to be right, and study.json last.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, writeWhole } from '@tunan/files';
import type { Engine, OpenedEngine } from '@tunan/inference';
import type { Said } from '@tunan/protocol/mistakes';
import { type Study, type StudyDesign, type StudyItem, type StudyKind, studySchema } from '@tunan/protocol/studies';
import { EvaluationError } from '../errors.ts';
import { seededRandom } from '../random.ts';
import { CLAIM, type Claim } from '../statistics/binomial.ts';
import { consentText } from './consent.ts';
import { type HumanText, readHumanTexts } from './human-texts.ts';
import { COPY_LENGTH, findKnown } from './known-texts.ts';
import { writeCandidates } from './machine-texts.ts';
import { type DesignedStudy, designStudy, itemsOf, type Matched } from './study-design.ts';
import type { StudyKey, TextCounts } from './study-key.ts';
import { planStudy, requireEnough, type StudyPlan } from './study-plan.ts';

export type NewStudyStage = 'write' | 'search';

export interface NewStudyOptions {
  /** Files of JSON lines. */
  readonly humans: readonly string[];
  /** Opens the model, when what needs none has been found to be right; it is closed afterwards. */
  readonly open: () => Promise<OpenedEngine>;
  /** The text that the model has learnt; undefined where nobody has it. */
  readonly corpus: { readonly name: string; readonly documents: () => AsyncIterable<string> } | undefined;
  readonly design: StudyDesign;
  readonly judges: number;
  /** Texts that a judge is asked about. */
  readonly each: number;
  /** Checks of attention for each judge. */
  readonly checks: number;
  readonly title: Said;
  /** Who runs the study and how they are reached. */
  readonly by: string;
  /** In place of our own. */
  readonly consent?: Said | undefined;
  readonly claim?: Claim | undefined;
  /** Makes the study even if it is too small to show the claim. */
  readonly pilot: boolean;
  /** Whether each judge needs a code of their own. */
  readonly invitations: boolean;
  readonly tries: number;
  readonly band: number;
  readonly templates: Readonly<Partial<Record<StudyKind, string>>>;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  /** Characters a second that nobody reads faster than, and the least seconds for a text. */
  readonly readingRate: number;
  readonly shortestSeconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((stage: NewStudyStage, done: number, of: number | undefined) => void) | undefined;
}

export interface MadeStudy {
  readonly study: Study;
  readonly texts: StudyKey['texts'];
  readonly search: StudyKey['search'];
  readonly plan: StudyPlan;
  /** Codes, of which each lets one judge in. */
  readonly invitations: readonly string[];
}

/** @throws EvaluationError, InferenceError, WriteError */
export async function makeStudy(out: string, options: NewStudyOptions): Promise<MadeStudy> {
  requireEmpty(out);
  const humans = readHumanTexts(options.humans);
  const planFor = (prompts: number) => {
    const each = Math.min(options.each, prompts);
    return planStudy({ judges: options.judges, each, items: itemsOf(options.design, prompts) }, options.claim ?? CLAIM);
  };
  const enough = (prompts: number): StudyPlan => {
    const plan = planFor(prompts);
    const texts = { prompts, wanted: options.each, itemsOf: (count: number) => itemsOf(options.design, count) };
    if (!options.pilot) requireEnough(plan, texts);
    return plan;
  };
  // Before hours of writing: more than there are now it will not be.
  enough(humans.length);
  const { engine, name: model } = await options.open();
  using _engine = engine;
  const { matched, unused, texts, search } = await matchTexts(humans, engine, options);
  requireTexts(matched, texts);
  const plan = enough(matched.length);
  const designed = designStudy(matched, {
    ...{ design: options.design, judges: options.judges, each: plan.each, checks: options.checks },
    carriers: unused.map(({ text, ...one }) => ({ ...one, human: text })),
    random: seededRandom(options.seed),
  });
  const invitations = options.invitations ? designed.booklets.map(() => randomBytes(9).toString('base64url')) : [];
  const study = studyOf(designed, invitations, options);
  const key: StudyKey = {
    ...{ format: 1, study: study.id, model, seed: options.seed },
    ...{ sampling: samplingOf(options), templates: options.templates, search, texts, plan, items: designed.answers },
  };
  writeStudy(out, { study, items: designed.items, key, invitations });
  return { study, texts, search, plan, invitations };
}

interface MatchedTexts {
  readonly matched: readonly Matched[];
  /** Human texts that stand beside none of the model's. */
  readonly unused: readonly HumanText[];
  readonly texts: StudyKey['texts'];
  readonly search: StudyKey['search'];
}

/** The model's first text to each prompt that is no copy, beside human texts that it has not learnt. */
async function matchTexts(
  humans: readonly HumanText[],
  engine: Engine,
  options: NewStudyOptions,
): Promise<MatchedTexts> {
  const candidates = await writeCandidates(humans, {
    ...{ ...options, engine },
    onProgress: (done, of) => options.onProgress?.('write', done, of),
  });
  const written = candidates.flat();
  const found = await searchCorpus([...humans.map(({ text }) => text), ...written], options);
  const isKnown = (index: number): boolean => found?.known[index] ?? false;
  const counts = new Map<StudyKind, { -readonly [name in keyof TextCounts]: number }>();
  const matched: Matched[] = [];
  const unused: HumanText[] = [];
  const taken = new Set<string>();
  let place = humans.length;
  humans.forEach((human, index) => {
    const { kind, prompt, text, source } = human;
    const count = counts.get(kind) ?? { given: 0, known: 0, unmatched: 0, used: 0 };
    counts.set(kind, count);
    const machine = candidates[index]!.find((one, i) => !isKnown(place + i) && !taken.has(one) && one !== text);
    place += candidates[index]!.length;
    count.given++;
    if (isKnown(index)) count.known++;
    else if (machine === undefined) count.unmatched++;
    else {
      count.used++;
      taken.add(machine);
      matched.push({ kind, prompt, human: text, machine, source });
      return;
    }
    unused.push(human);
  });
  const search = found && {
    ...{ corpus: options.corpus!.name, documents: found.documents, copyLength: COPY_LENGTH },
    ...{ copies: found.known.slice(humans.length).filter(Boolean).length, candidates: written.length },
  };
  return { matched, unused, texts: Object.fromEntries(counts), search };
}

async function searchCorpus(texts: readonly string[], { corpus, onProgress, signal }: NewStudyOptions) {
  if (corpus === undefined) return undefined;
  let read = 0;
  const documents = async function* () {
    for await (const document of corpus.documents()) {
      signal?.throwIfAborted();
      if (++read % 1000 === 0) onProgress?.('search', read, undefined);
      yield document;
    }
  };
  return await findKnown(texts, documents());
}

const samplingOf = ({ temperature, topP, tries, band }: NewStudyOptions) => ({ temperature, topP, tries, band });

/** A judge is to see one text of each sort at the least. */
const FEWEST = 2;

/** @throws EvaluationError */
function requireTexts(matched: readonly Matched[], texts: StudyKey['texts']): void {
  if (matched.length >= FEWEST) return;
  const sum = (name: keyof TextCounts) => Object.values(texts).reduce((total, one) => total + one[name], 0);
  throw new EvaluationError('EVALUATION_TOO_FEW_SAMPLES', {
    en: `only ${matched.length} of ${sum('given')} human texts can be used: ${sum('known')} stand in the training text, and to ${sum('unmatched')} the model wrote nothing of the same length that is no copy; give other texts, more --tries or a wider --band`,
    zh: `${sum('given')} 篇人写文本中只有 ${matched.length} 篇可用：${sum('known')} 篇在训练语料中，${sum('unmatched')} 篇模型没有写出长度相近且非照抄的文本；请换用文本，或增大 --tries、--band`,
  });
}

/** Characters a second of a reader at leisure, and the seconds in which a question is answered. */
const LEISURE = { characters: 6, seconds: 6 };

function studyOf(designed: DesignedStudy, invitations: readonly string[], options: NewStudyOptions): Study {
  const [booklet] = designed.booklets;
  const shown = new Map(designed.items.map((item) => [item.id, item]));
  const characters = booklet!.reduce((sum, id) => sum + shown.get(id)!.texts.join('').length, 0);
  const items = booklet!.length;
  const minutes = Math.max(1, Math.round((characters / LEISURE.characters + items * LEISURE.seconds) / 60));
  return studySchema.parse({
    ...{ format: 1, id: newId(), title: options.title, by: options.by, design: options.design },
    consent: options.consent ?? consentText({ by: options.by, items, minutes }),
    ...{ made: new Date().toISOString(), minutes },
    ...{ readingRate: options.readingRate, shortestSeconds: options.shortestSeconds, booklets: designed.booklets },
    ...(invitations.length > 0 && {
      invitations: invitations.map((code) => createHash('sha256').update(code).digest('hex')),
    }),
  });
}

const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const newId = (): string => Array.from(randomBytes(10), (byte) => LETTERS[byte % LETTERS.length]).join('');

interface StudyFiles {
  readonly study: Study;
  readonly items: readonly StudyItem[];
  readonly key: StudyKey;
  readonly invitations: readonly string[];
}

/** @throws WriteError */
function writeStudy(out: string, { study, items, key, invitations }: StudyFiles): void {
  makeFolder(out);
  const place = (name: string) => path.join(out, name);
  const secret = (name: string, content: string) => {
    writeWhole(place(name), content);
    chmodSync(place(name), 0o600);
  };
  secret('answers.json', `${JSON.stringify(key, undefined, 1)}\n`);
  writeWhole(place('items.jsonl'), items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  if (invitations.length > 0) secret('invitations.txt', `${invitations.join('\n')}\n`);
  writeWhole(place('study.json'), `${JSON.stringify(study, undefined, 1)}\n`);
}

/** @throws EvaluationError */
function requireEmpty(out: string): void {
  if (!existsSync(out) || readdirSync(out).length === 0) return;
  throw new EvaluationError('EVALUATION_BAD_SETTING', {
    en: `${out} is not empty: give a new folder with --out, so that no judgement is lost`,
    zh: `${out} 不是空目录：请用 --out 给出新目录，以免丢失已有的判断`,
  });
}
