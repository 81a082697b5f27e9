/** Counts for the manifest and samples for the report, gathered from the units and the decisions. */
import type { Decisions } from './decide.ts';
import type { Manifest } from './manifest.ts';
import { excerpt, keepSamples, type Sample, type UnitResult } from './read-unit.ts';
import type { Recipe } from './recipe.ts';
import { mix } from './shingles.ts';
import type { Input } from './sources/units.ts';
import type { SpilledCorpus } from './spilled-corpus.ts';

export function funnel(recipe: Recipe, corpus: SpilledCorpus, { first }: Decisions): Manifest['stages'] {
  const stages = recipe.stages.flatMap((stage, index): Manifest['stages'] => {
    if (stage.use === 'exact-duplicates' || stage.use === 'near-duplicates') return [];
    return [addUp(stage.use, corpus.units, index)];
  });
  const count = { documents: 0, characters: 0 };
  const kept = { documents: 0, characters: 0 };
  for (let i = 0; i < corpus.documents; i++) {
    for (const sum of first[i] === i ? [count, kept] : [count]) {
      sum.documents++;
      sum.characters += corpus.characters[i]!;
    }
  }
  for (const { use } of recipe.stages) {
    const duplicate = count.documents - kept.documents;
    if (use === 'exact-duplicates') stages.push({ stage: use, ...count, reasons: duplicate > 0 ? { duplicate } : {} });
    if (use === 'near-duplicates') stages.push({ stage: use, ...kept, reasons: {} });
  }
  return stages;
}

function addUp(stage: string, units: UnitResult[], index: number): Manifest['stages'][number] {
  const sum: Manifest['stages'][number] = { stage, documents: 0, characters: 0, reasons: {} };
  for (const unit of units) {
    const { documents, characters, reasons } = unit.stages[index]!;
    sum.documents += documents;
    sum.characters += characters;
    for (const [reason, n] of Object.entries(reasons)) sum.reasons[reason] = (sum.reasons[reason] ?? 0) + n;
  }
  const byName = Object.entries(sum.reasons).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...sum, reasons: Object.fromEntries(byName) };
}

/** Documents read and kept in each collection, in recipe order. */
export function collectionCounts(recipe: Recipe, inputs: Input[], corpus: SpilledCorpus, { first }: Decisions) {
  const names = inputs.map((input) => collectionName(recipe, input));
  const collections: Manifest['collections'] = {};
  for (const [index, name] of names.entries()) {
    const { lengths, rejectLengths } = corpus.units[index]!;
    collections[name] ??= { read: 0, kept: 0, characters: 0 };
    collections[name].read += lengths.length + rejectLengths.length;
  }
  for (let i = 0; i < corpus.documents; i++) {
    if (first[i] !== i) continue;
    const collection = collections[names[corpus.unitOf(i)]!]!;
    collection.kept++;
    collection.characters += corpus.characters[i]!;
  }
  return collections;
}

function collectionName(recipe: Recipe, input: Input): string {
  const source = recipe.sources[input.source]!;
  return source.type === 'jsonl' ? source.name : source.collections[input.collection]!.name;
}

export function provenance(recipe: Recipe, inputs: Input[]): Manifest['provenance'] {
  return recipe.sources.map((source, index) => {
    const files = inputs.filter((input) => input.source === index);
    const name = source.type === 'jsonl' ? source.name : `${source.package}@${source.version}`;
    const homepage = source.homepage === undefined ? {} : { homepage: source.homepage };
    const bytes = files.reduce((n, file) => n + file.bytes, 0);
    return { source: name, type: source.type, licence: source.licence, ...homepage, files: files.length, bytes };
  });
}

/** Samples of every reason, duplicates with the id of the copy that was kept. */
export function samplesOf(corpus: SpilledCorpus, { first }: Decisions): Sample[] {
  const copies: { rank: number; document: number }[] = [];
  for (let i = 0; i < corpus.documents; i++) {
    if (first[i] !== i) copies.push({ rank: mix(corpus.digests[4 * i]! ^ i), document: i });
  }
  copies.sort((a, b) => a.rank - b.rank || a.document - b.document);
  const duplicates = copies.slice(0, 6).map(({ rank, document }): Sample => {
    const { id, text } = corpus.document(document);
    const kept = corpus.document(first[document]!).id;
    return { stage: 'exact-duplicates', reason: 'duplicate', rank, id, text: excerpt(text), kept };
  });
  return keepSamples([...corpus.units.flatMap((unit) => unit.samples), ...duplicates]);
}
