/** Counts for the manifest and samples for the report, gathered from the units and the decisions. */

import type { Manifest } from '../directory/manifest.ts';
import { mix } from '../duplicates/shingles.ts';
import type { Recipe, Source } from '../recipe/recipe.ts';
import type { KeptSample } from '../report/report.ts';
import { excerpt, keepSamples, SAMPLES_A_REASON, type Sample } from '../report/samples.ts';
import { collectionLabel, contentsOf, type Input, sourceLabel } from '../sources/units.ts';
import { isDocumentStage } from '../stages/stages.ts';
import { type Decisions, DROPS } from './decide.ts';
import type { UnitResult } from './read-unit.ts';
import type { PassedDocuments } from './spilled-corpus.ts';
import type { Marks, StageCount } from './tally.ts';

export function funnel(recipe: Recipe, corpus: PassedDocuments, { dropped }: Decisions): Manifest['stages'] {
  const names = recipe.stages.filter(isDocumentStage).map((stage) => stage.use);
  const stages = names.map((name, index) => addUp(name, corpus.units, (unit) => unit.stages[index]!));
  if (recipe.sources.some(mayBeDamaged)) stages.unshift(addUp('read', corpus.units, (unit) => unit.read));
  const entering = { documents: 0, characters: 0 };
  const losses = DROPS.map(() => ({ documents: 0, characters: 0 }));
  for (let i = corpus.existing.documents; i < corpus.documents; i++) {
    for (const sum of dropped[i] === 0 ? [entering] : [entering, losses[dropped[i]! - 1]!]) {
      sum.documents++;
      sum.characters += corpus.characters[i]!;
    }
  }
  for (const [index, { stage, reason }] of DROPS.entries()) {
    const { documents, characters } = losses[index]!;
    const reasons: Record<string, number> = documents > 0 ? { [reason]: documents } : {};
    if (recipe.stages.some(({ use }) => use === stage)) stages.push({ stage, ...entering, reasons });
    entering.documents -= documents;
    entering.characters -= characters;
  }
  return stages;
}

/** Sources in which single records can be damaged while the rest is read; in a package damage is an error. */
function mayBeDamaged({ type }: Source): boolean {
  return type !== 'npm-package';
}

function addUp(
  stage: string,
  units: UnitResult[],
  countOf: (unit: UnitResult) => StageCount,
): Manifest['stages'][number] {
  const counts = units.map(countOf);
  const total = (field: 'documents' | 'characters' | 'bytes' | 'changed') =>
    counts.reduce((n, count) => n + count[field], 0);
  return {
    stage,
    documents: total('documents'),
    characters: total('characters'),
    bytes: total('bytes'),
    reasons: addCounts(counts.map(({ reasons }) => reasons)),
    ...(total('changed') === 0 ? {} : { changed: total('changed') }),
  };
}

/** What the stages left in meta, over all units that were read. */
export function marksOf(units: UnitResult[]): Marks {
  return addMarks(units.map(({ marks }) => marks));
}

export function addMarks(parts: Marks[]): Marks {
  const names = [...new Set(parts.flatMap((part) => Object.keys(part)))].sort();
  return Object.fromEntries(names.map((name) => [name, addCounts(parts.map((part) => part[name] ?? {}))]));
}

export function addCounts(parts: Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const part of parts) for (const [name, n] of Object.entries(part)) sum[name] = (sum[name] ?? 0) + n;
  return Object.fromEntries(Object.entries(sum).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const NEAR = 1 + DROPS.findIndex(({ stage }) => stage === 'near-duplicates');

/** Documents read and kept in each collection, in recipe order. */
export function collectionCounts(recipe: Recipe, inputs: Input[], corpus: PassedDocuments, { dropped }: Decisions) {
  const names = inputs.map(({ source, collection }) => collectionLabel(recipe.sources[source]!, collection));
  const collections: Manifest['collections'] = {};
  for (const [index, name] of names.entries()) {
    const { lengths, rejectLengths } = corpus.units[corpus.existing.units + index]!;
    collections[name] ??= { read: 0, kept: 0, characters: 0 };
    collections[name].read += lengths.length + rejectLengths.length;
  }
  for (let i = corpus.existing.documents; i < corpus.documents; i++) {
    const collection = collections[names[corpus.unitOf(i) - corpus.existing.units]!]!;
    if (dropped[i] === NEAR) collection.nearDuplicates = (collection.nearDuplicates ?? 0) + 1;
    if (dropped[i] !== 0) continue;
    collection.kept++;
    collection.characters += corpus.characters[i]!;
  }
  return collections;
}

/** What was read of each source, and what is kept of it. */
export function provenance(
  recipe: Recipe,
  inputs: Input[],
  corpus: PassedDocuments,
  { dropped }: Decisions,
): Manifest['provenance'] {
  const kept = recipe.sources.map(() => ({ kept: 0, characters: 0 }));
  for (let i = corpus.existing.documents; i < corpus.documents; i++) {
    if (dropped[i] !== 0) continue;
    const sum = kept[inputs[corpus.unitOf(i) - corpus.existing.units]!.source]!;
    sum.kept++;
    sum.characters += corpus.characters[i]!;
  }
  return recipe.sources.map((source, index) => {
    const units = corpus.units.slice(corpus.existing.units).filter((_, i) => inputs[i]!.source === index);
    const skipped = addCounts(units.map((unit) => unit.skipped));
    // The first part of a file stands for all of it.
    const files = inputs.filter(({ source, part }) => source === index && (part === undefined || part.start === 0));
    const fileCount = files.reduce((n, { members }) => n + (members?.length ?? 1), 0);
    const name = sourceLabel(source);
    const homepage = source.homepage === undefined ? {} : { homepage: source.homepage };
    const bytes = files.reduce((n, file) => n + file.bytes, 0);
    const contents = contentsOf(
      source,
      inputs.filter((input) => input.source === index),
    );
    return {
      source: name,
      type: source.type,
      licence: source.licence,
      ...homepage,
      files: fileCount,
      bytes,
      ...kept[index]!,
      ...(source.type === 'repository' ? { repository: source.repository, commit: source.commit, contents } : {}),
      ...(Object.keys(skipped).length === 0 ? {} : { skipped }),
    };
  });
}

/** Samples of every reason, duplicates with the id of the copy that was kept. */
export function samplesOf(corpus: PassedDocuments, decisions: Decisions): Sample[] {
  const drops = DROPS.flatMap((_, index) => samplesOfDrop(corpus, decisions, index + 1));
  return keepSamples([...corpus.units.flatMap((unit) => unit.samples), ...drops]);
}

/** Some of the documents that are kept, a fixed random choice. */
export function keptSamples(corpus: PassedDocuments, decisions: Decisions): KeptSample[] {
  return sampleOfDrop(corpus, decisions, 0).map(({ document }) => {
    const { id, text } = corpus.document(document);
    return { id, text: excerpt(text) };
  });
}

/** The documents that samplesOf and keptSamples read: dropped ones, those that are kept for them, and others that are kept. */
export function sampledDocuments(corpus: PassedDocuments, decisions: Decisions): number[] {
  const drops = DROPS.flatMap((_, index) => sampleOfDrop(corpus, decisions, index + 1));
  const kept = sampleOfDrop(corpus, decisions, 0).map(({ document }) => document);
  return [...kept, ...drops.flatMap(({ document }) => [document, decisions.keptFor[document]!])];
}

function sampleOfDrop(
  corpus: PassedDocuments,
  { dropped }: Decisions,
  why: number,
): { rank: number; document: number }[] {
  let ranked: { rank: number; document: number }[] = [];
  const smallest = () => ranked.sort((a, b) => a.rank - b.rank || a.document - b.document).slice(0, SAMPLES_A_REASON);
  for (let i = corpus.existing.documents; i < corpus.documents; i++) {
    if (dropped[i] !== why) continue;
    ranked.push({ rank: mix(corpus.digests[4 * i]! ^ i), document: i });
    if (ranked.length > 2_000) ranked = smallest();
  }
  return smallest();
}

function samplesOfDrop(corpus: PassedDocuments, decisions: Decisions, why: number): Sample[] {
  return sampleOfDrop(corpus, decisions, why).map(({ rank, document }): Sample => {
    const { id, text } = corpus.document(document);
    const copy = decisions.keptFor[document]!;
    const kept = copy === document ? {} : { kept: corpus.document(copy).id };
    return { ...DROPS[why - 1]!, rank, id, text: excerpt(text), ...kept };
  });
}
