/**
 * `buildCorpus`: sources → stages → duplicates → split → corpus directory. Two passes over the documents by worker
 * threads, with the decisions that need the whole corpus made between them. The same recipe and input give the same
 * bytes for any number of workers, and after any number of interruptions. Memory: about 0.2 KB a document for the decisions, some MB a worker.
 */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Said } from '@tunan/protocol/mistakes';
import { type Manifest, PIPELINE_VERSION, readManifest, SPLITS } from './directory/manifest.ts';
import {
  clearTraces,
  finishBuilding,
  isFree,
  makeFolder,
  startBuilding,
  WORK,
  writeSynced,
} from './directory/output-directory.ts';
import { CorpusError, writeProblem } from './errors.ts';
import { type Decisions, decide } from './passes/decide.ts';
import { collectionCounts, funnel, keptSamples, marksOf, provenance, samplesOf } from './passes/funnel.ts';
import { LocalRunner } from './passes/local-runner.ts';
import type { BuildOptions } from './passes/runner.ts';
import type { PassedDocuments } from './passes/spilled-corpus.ts';
import { resolveStageInputs } from './passes/stage-inputs.ts';
import { writeClusters } from './passes/write-corpus.ts';
import { chooseParts, type Recipe, recipeSha256 } from './recipe/recipe.ts';
import { attributions } from './report/attributions.ts';
import { datasetCard } from './report/dataset-card.ts';
import { fileList } from './report/file-list.ts';
import { corpusReport } from './report/report.ts';
import type { Sample } from './report/samples.ts';
import { CollectedTexts } from './sources/collected-texts.ts';
import type { Surroundings } from './sources/paths.ts';
import { type Input, inputsSha256, resolveInputs, unreadInputs } from './sources/units.ts';
import { requireSpark, SparkRunner } from './spark/spark-runner.ts';

/** `resumed`: the finished corpus of this recipe and input was there already, and nothing was done. */
export interface BuildResult {
  manifest: Manifest;
  directory: string;
  resumed: boolean;
}

/**
 * Builds the corpus of a recipe into `out`, or recognises it there. Nothing that stands in `out` is overwritten.
 * @throws CorpusError for a missing source, malformed input, an output that is in use or cannot be written, or no document left.
 */
export async function buildCorpus(whole: Recipe, options: BuildOptions): Promise<BuildResult> {
  const { out, base = process.cwd() } = options;
  const recipe = chooseParts(whole, options.parts);
  const inputs = await resolveInputs(recipe, surroundings(options));
  const fingerprint = {
    pipelineVersion: PIPELINE_VERSION,
    recipeSha256: recipeSha256(recipe),
    inputsSha256: inputsSha256(inputs, await resolveStageInputs(recipe, base)),
  };
  const present = presentCorpus(out, fingerprint);
  if (present !== undefined) return { manifest: present, directory: out, resumed: true };
  if (options.runner === 'spark') requireSpark(out);
  using started = startBuilding(out, JSON.stringify(fingerprint));
  const { building } = started;
  try {
    const manifest = await buildIn(building, recipe, inputs, fingerprint, options);
    finishBuilding(building, out);
    return { manifest, directory: out, resumed: false };
  } catch (cause) {
    const error = writeProblem(building, cause);
    // A full disk, a file server or a cluster in trouble passes, and what was done stays done; a mistake in recipe or input leaves nothing.
    const passes =
      error instanceof CorpusError && ['CORPUS_OUTPUT', 'CORPUS_SPARK', 'CORPUS_SOURCE_READ'].includes(error.code);
    if (error instanceof CorpusError && !passes) rmSync(building, { recursive: true, force: true });
    if (!passes) throw error;
    const said = {
      en: `${error.message}; what is done is kept: run the same command again to go on`,
      zh: `${error.chinese ?? error.message}；已完成的部分保留：重新运行同一命令即可继续`,
    };
    throw new CorpusError(error.code, said, { cause: error });
  }
}

/** What sources are resolved in. */
export function surroundings({
  out,
  base = process.cwd(),
  downloads = `${out}.downloads`,
  local,
  collected,
  onProgress,
}: BuildOptions): Surroundings {
  return {
    base,
    downloads,
    local,
    ...(collected === undefined ? {} : { collected: new CollectedTexts(collected) }),
    onFetched: (done, total, bytes) => onProgress?.({ stage: 'fetch', done, total, documents: 0, bytes }),
  };
}

type Fingerprint = Pick<Manifest, 'pipelineVersion' | 'recipeSha256' | 'inputsSha256'>;

async function buildIn(
  building: string,
  recipe: Recipe,
  inputs: Input[],
  fingerprint: Fingerprint,
  options: BuildOptions,
): Promise<Manifest> {
  const work = join(building, WORK);
  for (const folder of [work, join(building, 'shards'), join(building, 'rejects')]) makeFolder(folder);
  const task = { recipe, inputs, directory: building, work, options };
  await using runner = options.runner === 'spark' ? new SparkRunner(task) : new LocalRunner(task);
  const corpus = await runner.read();
  const finder = runner.finder();
  const decisions = await decide(recipe, corpus.digests, finder);
  requireTraining(recipe, corpus, decisions);
  const written = await runner.write(decisions);
  const clusters = writeClusters(building, corpus, decisions.cluster);

  const collections = collectionCounts(recipe, inputs, corpus, decisions);
  const read = Object.values(collections).reduce((n, c) => n + c.read, 0);
  const { contentBytes, distinctCharacters, metaFields, splits, rejects } = written;
  const unread = unreadInputs(recipe, inputs, options.base ?? process.cwd());
  const manifest: Manifest = {
    format: 'tunan-corpus',
    formatVersion: 1,
    name: recipe.name,
    licence: recipe.licence,
    ...fingerprint,
    ...(Object.keys(unread).length === 0 ? {} : { unread }),
    counts: {
      read,
      kept: read - rejects.documents,
      dropped: rejects.documents,
      characters: Object.values(splits).reduce((n, split) => n + split.characters, 0),
      contentBytes,
      distinctCharacters,
    },
    stages: funnel(recipe, corpus, decisions),
    marks: marksOf(corpus.units),
    nearDuplicates: { ...clusters, comparisons: decisions.comparisons },
    metaFields,
    collections,
    splits,
    rejects,
    provenance: provenance(recipe, inputs, corpus, decisions),
    recipe,
  };
  const isKept = (_: number, i: number) => decisions.dropped[i] === 0;
  const data = {
    samples: samplesOf(corpus, decisions),
    kept: keptSamples(corpus, decisions),
    lengths: corpus.characters.filter(isKept),
    quality: qualityOf(finder.rank().quality.filter(isKept)),
  };
  writeSynced(join(building, 'report.html'), corpusReport(manifest, data));
  const files = corpus.units.flatMap((unit) => unit.files ?? []);
  if (files.length > 0) writeSynced(join(building, 'files.jsonl'), fileList(files));
  writeSynced(join(building, 'README.md'), datasetCard(manifest));
  writeSynced(join(building, 'ATTRIBUTIONS.md'), attributions(manifest));
  writeSynced(join(building, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/** Scores from 0 to 1; none where no stage gave any. */
function qualityOf(millionths: Uint32Array): number[] {
  return millionths.some((score) => score > 0) ? Array.from(millionths, (score) => score / 1e6) : [];
}

const OTHER: Record<keyof Fingerprint, [en: string, zh: string]> = {
  recipeSha256: ['recipe', '配方'],
  inputsSha256: ['input', '输入'],
  pipelineVersion: ['version of tunan', 'tunan 的版本'],
};

/** The manifest of a finished corpus of the same recipe and input; undefined where `out` is free. */
function presentCorpus(out: string, fingerprint: Fingerprint): Manifest | undefined {
  if (isFree(out)) return undefined;
  let present: Manifest;
  try {
    present = readManifest(out);
  } catch (cause) {
    const problem = {
      en: `${out} holds something that is no corpus; choose another --out, nothing was changed`,
      zh: `${out} 中的内容不是语料；请换一个 --out，未做任何改动`,
    };
    throw new CorpusError('CORPUS_OUTPUT', problem, { cause });
  }
  for (const [key, value] of Object.entries(fingerprint)) {
    if (present[key as keyof Fingerprint] === value) continue;
    const [what, zh] = OTHER[key as keyof Fingerprint];
    throw new CorpusError('CORPUS_OUTPUT', {
      en: `${out} holds the corpus "${present.name}" of another ${what}; choose another --out or remove it first`,
      zh: `${out} 中是语料“${present.name}”，${zh}不同；请换一个 --out，或先将它移走`,
    });
  }
  for (const { file, bytes } of [
    ...SPLITS.flatMap((split) => present.splits[split].shards),
    ...present.rejects.shards,
  ]) {
    if (statSync(join(out, file), { throwIfNoEntry: false })?.size === bytes) continue;
    throw new CorpusError('CORPUS_OUTPUT', {
      en: `${join(out, file)} is missing or cut; remove ${out} and build it again`,
      zh: `${join(out, file)} 缺失或不完整；请删除 ${out} 后重新构建`,
    });
  }
  clearTraces(out);
  return present;
}

function requireTraining(recipe: Recipe, corpus: PassedDocuments, decisions: Decisions): void {
  if (decisions.split.includes(0)) return;
  const dropped = corpus.units.reduce((n, unit) => n + unit.rejectLengths.length, 0);
  const reasons = funnel(recipe, corpus, decisions).flatMap((one) =>
    Object.entries(one.reasons).map(([reason, count]): [string, number] => [`${one.stage} ${reason}`, count]),
  );
  const most = reasons.sort(([, a], [, b]) => b - a).slice(0, 3);
  const why = most.map(([reason, count]) => `, ${reason} ${count}`).join('');
  const read = dropped + corpus.documents;
  const hint = damageHint(corpus.units.flatMap(({ samples }) => samples));
  throw new CorpusError('CORPUS_EMPTY', {
    en: `the recipe ${recipe.name} leaves no document to train on (${read} read, ${dropped} dropped${why})${hint.en}; look at its rules and sources`,
    zh: `配方 ${recipe.name} 没有留下可训练的文档（读入 ${read} 篇，剔除 ${dropped} 篇${why}）${hint.zh}；请检查其规则与来源`,
  });
}

/** Where the first damaged record is; records without a text are mostly records whose text has another name. */
function damageHint(samples: Sample[]): Said {
  const first = samples.find(({ stage, detail }) => stage === 'read' && detail !== undefined);
  if (first?.detail === undefined) return { en: '', zh: '' };
  const { id, detail, reason } = first;
  const example = '"fields": {"text": "…"}';
  const field = reason === 'no-text';
  return {
    en: `; first ${id}, ${detail.en}${field ? `: name the field with the text in the source: ${example}` : ''}`,
    zh: `；第一处为 ${id}（${detail.zh}）${field ? `：请在来源中写明正文字段：${example}` : ''}`,
  };
}
