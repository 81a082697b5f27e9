/**
 * Splits by source: a classifier that only learnt what its sources look like fails on others. Every label has at least one source on
 * either side.
 */
import { createHash } from 'node:crypto';
import { ClassifierError } from '../errors.ts';
import type { Example } from '../example.ts';

export interface SourcedExample extends Example {
  readonly source: string;
}

interface Split {
  readonly rest: readonly SourcedExample[];
  readonly held: readonly SourcedExample[];
  /** Those of `held`. */
  readonly sources: readonly string[];
}

/**
 * @param options.held sources to hold out; one for each label is chosen by the seed unless told.
 * @throws ClassifierError CLASSIFIER_EXAMPLES where a label would have no source on one side.
 */
export function splitBySource(
  examples: readonly SourcedExample[],
  options: { readonly held: readonly string[] | undefined; readonly seed: number },
): Split {
  const sources = options.held ?? chooseSources(examples, options.seed);
  checkSides(examples, sources);
  return {
    rest: examples.filter(({ source }) => !sources.includes(source)),
    held: examples.filter(({ source }) => sources.includes(source)),
    sources,
  };
}

function chooseSources(examples: readonly SourcedExample[], seed: number): string[] {
  const chosen = new Set<string>();
  for (const [label, sources] of sourcesByLabel(examples)) {
    if (sources.some((source) => chosen.has(source))) continue;
    const ordered = sources.toSorted((a, b) => draw(`${seed} ${a}`) - draw(`${seed} ${b}`));
    const free = ordered.find((source) => leavesOthers(examples, new Set([...chosen, source])));
    if (free === undefined) throw tooFewSources(label);
    chosen.add(free);
  }
  return [...chosen].sort();
}

function leavesOthers(examples: readonly SourcedExample[], chosen: ReadonlySet<string>): boolean {
  return [...sourcesByLabel(examples).values()].every((sources) => sources.some((source) => !chosen.has(source)));
}

function checkSides(examples: readonly SourcedExample[], held: readonly string[]): void {
  const known = new Set(examples.map(({ source }) => source));
  const unknown = held.find((source) => !known.has(source));
  if (unknown !== undefined) {
    throw new ClassifierError(
      'CLASSIFIER_EXAMPLES',
      `no example comes from "${unknown}"; the sources are ${[...known].sort().join(', ')}`,
    );
  }
  for (const [label, sources] of sourcesByLabel(examples)) {
    const apart = sources.filter((source) => held.includes(source)).length;
    if (apart === 0 || apart === sources.length) throw tooFewSources(label);
  }
}

function tooFewSources(label: string): ClassifierError {
  return new ClassifierError(
    'CLASSIFIER_EXAMPLES',
    `label "${label}" needs sources to train on, to choose thresholds on and to be tested on; add documents of another source`,
  );
}

function sourcesByLabel(examples: readonly SourcedExample[]): Map<string, string[]> {
  const sources = new Map<string, Set<string>>();
  for (const { label, source } of examples) sources.set(label, (sources.get(label) ?? new Set()).add(source));
  return new Map([...sources].sort(([a], [b]) => (a < b ? -1 : 1)).map(([label, set]) => [label, [...set].sort()]));
}

/** A number in [0, 1) that only the text decides. */
function draw(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32LE() / 0x1_0000_0000;
}
