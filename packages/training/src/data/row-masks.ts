/**
 * What a row of tokens asks of the model: which positions each one sees, where it stands in its document, and which predictions count.
 *
 * A document of a row begins at the `<eod>` in front of it, which is also the target that ends the one before; what stands in front of the
 * first `<eod>` of a row is the rest of a document. All that is drawn depends on (key, row) alone.
 */

import { foldKey } from './permutation.ts';

/** Targets of this value do not count: the default of the loss. */
export const IGNORED = -100;

/** Where input tokens are replaced by `<mask>`: anywhere in a document, in its prefix, or behind it. */
export type MaskedPart = 'All' | 'Prefix' | 'Target';

export interface PrefixOptions {
  /** Bounds of the share of a document that is its prefix; drawn uniformly for each. */
  readonly least: number;
  readonly most: number;
  readonly mask?: { readonly part: MaskedPart; readonly probability: number; readonly id: number } | undefined;
}

export interface RowMaskOptions {
  /** Id of `<eod>`. */
  readonly eod: number;
  /** 'row': a position sees what is before it in the row; 'document': in its document, whose positions count from 0. */
  readonly attention: 'row' | 'document';
  /** Of a prefix language model. */
  readonly prefix?: PrefixOptions | undefined;
}

/** A row as the model takes it; all of length T. */
export interface MaskedRow {
  readonly ids: Int32Array;
  readonly targets: Int32Array;
  /** Position t sees first[t] <= s < last[t]; absent where it is causal over the row. */
  readonly first?: Int32Array | undefined;
  readonly last?: Int32Array | undefined;
  /** Absent where they count from 0 to T - 1. */
  readonly positions?: Int32Array | undefined;
  /** Targets that count. */
  readonly counted: number;
}

/**
 * @param tokens T + 1: inputs are the first T, targets the last T
 * @param length predictions that are no padding
 * @param key of the row's random draws
 */
export function maskRow(tokens: Int32Array, length: number, key: number, options: RowMaskOptions): MaskedRow {
  const time = tokens.length - 1;
  const { eod, attention, prefix } = options;
  const ids = tokens.slice(0, time);
  const targets = tokens.slice(1).fill(IGNORED, length);
  const documents = documentsOf(tokens, time, eod);
  const last = prefix === undefined ? undefined : Int32Array.from({ length: time }, (_, t) => t + 1);
  documents.forEach(({ start, end }, index) => {
    if (last === undefined || start >= length) return;
    const prefixEnd = start + prefixLength(end - start, prefix!, foldKey(key, index));
    last.fill(prefixEnd, start, prefixEnd);
    // The last token of the prefix predicts the first of the target.
    targets.fill(IGNORED, start, prefixEnd - 1);
    if (prefix!.mask !== undefined) maskTokens(tokens, { ids, targets }, { start, prefixEnd, end }, key, prefix!.mask);
  });
  const byDocument = (at: (start: number, t: number) => number) =>
    attention === 'row' ? undefined : fromDocuments(documents, time, at);
  return {
    ids,
    targets,
    first: byDocument((start) => start),
    last,
    positions: byDocument((start, t) => t - start),
    counted: targets.reduce((sum, target) => sum + (target === IGNORED ? 0 : 1), 0),
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function documentsOf(tokens: Int32Array, time: number, eod: number): Span[] {
  const starts = [0];
  for (let t = 1; t < time; t++) if (tokens[t] === eod) starts.push(t);
  return starts.map((start, index) => ({ start, end: starts[index + 1] ?? time }));
}

function fromDocuments(documents: readonly Span[], time: number, at: (start: number, t: number) => number): Int32Array {
  const values = new Int32Array(time);
  for (const { start, end } of documents) for (let t = start; t < end; t++) values[t] = at(start, t);
  return values;
}

/** From 1, which is the `<eod>` alone, to `length`, behind which one token is left to predict. */
function prefixLength(length: number, { least, most }: PrefixOptions, key: number): number {
  const share = least + (most - least) * unitOf(key);
  return Math.min(length, 1 + Math.floor(share * length));
}

/**
 * The first token of a document is never masked. A masked token of the prefix counts as a target, since nothing that predicts it sees it;
 * behind the prefix all count already.
 */
function maskTokens(
  tokens: Int32Array,
  { ids, targets }: { readonly ids: Int32Array; readonly targets: Int32Array },
  { start, prefixEnd, end }: Span & { readonly prefixEnd: number },
  key: number,
  { part, probability, id }: NonNullable<PrefixOptions['mask']>,
): void {
  const from = part === 'Target' ? prefixEnd : start + 1;
  const to = part === 'Prefix' ? prefixEnd : end;
  for (let t = from; t < to; t++) {
    if (unitOf(foldKey(key, 0, t)) >= probability) continue;
    ids[t] = id;
    if (t < prefixEnd) targets[t - 1] = tokens[t]!;
  }
}

/** A key as a number of [0, 1). */
function unitOf(key: number): number {
  return key / 2 ** 32;
}
