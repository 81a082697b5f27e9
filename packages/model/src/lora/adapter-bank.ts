/**
 * Adapters beside one base, of which each row of a packed forward pass may name one. The product with the base is computed once for all
 * rows; the low-rank parts of all adapters of the pass stand side by side in one pair of matrices a map, so that two more products serve
 * them all, each row keeping the columns of its own adapter (the idea is that of Punica, Chen et al. 2023, and S-LoRA, Sheng et al. 2023).
 * Without adapters in a pass nothing of this runs. Without gradients; for running a model, not for training an adapter (lora-layers.ts).
 */

import {
  cat,
  type Device,
  geluTanh,
  keep,
  linear,
  noGrad,
  scope,
  type Tensor,
  tensor,
  where,
  zeros,
} from '@tunan/torch';
import { denseLinear, type LayerMakers, type Linear, type Precision } from '../layers/linear.ts';
import { adapterScale } from './adapter-config.ts';
import type { LoraLayers, LoraPair } from './lora-layers.ts';

/** An adapter that a bank holds. */
export interface BankedAdapter {
  /** By the names of the maps, the scale of the adapter in `a`; float32. */
  readonly pairs: ReadonlyMap<string, LoraPair>;
}

/** Rows that lie side by side and have one adapter. */
export interface AdaptedRows {
  readonly adapter: BankedAdapter;
  readonly first: number;
  readonly count: number;
}

/** Of one map, the pairs of the adapters that have one for it. R: their ranks together. */
interface Stack {
  readonly down: Tensor; // (R, in)
  readonly up: Tensor; // (out, R)
  /** Whose each of the R columns is. */
  readonly owners: readonly BankedAdapter[];
}

/** The rows of a pass from the first that has an adapter to the last. */
interface Span {
  readonly first: number;
  /** N: the adapter of each row. */
  readonly adapters: readonly (BankedAdapter | undefined)[];
  /** (N, R) bool: the columns that a row keeps. By the owners of the columns, for most maps have the same. */
  readonly masks: { readonly owners: readonly BankedAdapter[]; readonly mask: Tensor }[];
}

/** Stacks of more adapters than a pass has serve it too, up to so many times as many. */
const MOST_IDLE = 2;

export class AdapterBank implements Disposable {
  readonly #adapters: BankedAdapter[] = [];
  readonly #dtype: Precision;
  readonly #device: Device;
  #stacked: readonly BankedAdapter[] = [];
  readonly #stacks = new Map<string, Stack | undefined>();
  #span: Span | undefined;

  /** @param place arithmetic and device of the model's products */
  constructor({ dtype = 'float32', device = 'cpu' }: { readonly dtype?: Precision; readonly device?: Device } = {}) {
    this.#dtype = dtype;
    this.#device = device;
  }

  /** @param layers stay the caller's: their numbers are copied */
  add({ config, pairs }: LoraLayers): BankedAdapter {
    const scale = adapterScale(config);
    const made = new Map<string, LoraPair>();
    const copy = (body: () => Tensor) => noGrad(() => scope(() => keep(body().to({ device: this.#device }))));
    for (const [name, { a, b }] of pairs)
      made.set(name, { a: copy(() => a.detach().mul(scale)), b: copy(() => b.detach().clone()) });
    const adapter = { pairs: made };
    this.#adapters.push(adapter);
    return adapter;
  }

  /**
   * Runs what computes products of rows, some of which have adapters. Within it another call may be for a part of the rows.
   * @param rows in order, those that have adapters among the rows of each product
   */
  with<T>(rows: readonly AdaptedRows[], body: () => T): T {
    const around = this.#span;
    if (around === undefined) this.#prepare(new Set(rows.map(({ adapter }) => adapter)));
    const span = rows.length === 0 ? undefined : spanOf(rows);
    this.#span = span;
    try {
      return body();
    } finally {
      this.#span = around;
      for (const { mask } of span?.masks ?? []) mask.dispose();
    }
  }

  /** The layers of a model, with what adapters add. @param base those without */
  over(base: LayerMakers): LayerMakers {
    const makeLinear = base.makeLinear ?? ((_role, parts) => denseLinear(parts));
    return { ...base, makeLinear: (role, parts) => this.#adapted(makeLinear(role, parts), parts.name) };
  }

  [Symbol.dispose](): void {
    this.#restack([]);
    for (const { pairs } of this.#adapters.splice(0)) for (const { a, b } of pairs.values()) disposeBoth(a, b);
  }

  #adapted(base: Linear, name: string): Linear {
    const added = (span: Span, output: Tensor, input: Tensor): Tensor => {
      this.#add(span, name, output, input);
      return output;
    };
    return {
      apply: (input) => (this.#span === undefined ? base.apply(input) : added(this.#span, base.apply(input), input)),
      gelu: (input) =>
        this.#span === undefined
          ? base.gelu(input)
          : scope(() => geluTanh(added(this.#span!, base.apply(input), input))),
      addTo: (residual, input) => {
        const output = base.addTo(residual, input);
        return this.#span === undefined ? output : added(this.#span, output, input);
      },
      ...(base.plain && { plain: base.plain }),
    };
  }

  /** To the rows (N, out) of an output what their adapters make of the input (N, in). */
  #add(span: Span, name: string, output: Tensor, input: Tensor): void {
    const stack = this.#stackOf(name);
    if (stack === undefined) return;
    const { length } = span.adapters;
    scope(() => {
      const narrow = linear(input.narrow(0, span.first, length), stack.down); // (N, R)
      const own = where(
        maskOf(span, stack, this.#device),
        narrow,
        zeros([], { dtype: narrow.dtype, device: this.#device }),
      );
      output.narrow(0, span.first, length).add_(linear(own, stack.up));
    });
  }

  /** Has stacks that serve these adapters; those of the last pass where they do. */
  #prepare(wanted: ReadonlySet<BankedAdapter>): void {
    const serves = [...wanted].every((one) => this.#stacked.includes(one));
    if (!serves || this.#stacked.length > MOST_IDLE * wanted.size) this.#restack([...wanted]);
  }

  #restack(adapters: readonly BankedAdapter[]): void {
    for (const stack of this.#stacks.values()) if (stack !== undefined) disposeBoth(stack.down, stack.up);
    this.#stacks.clear();
    this.#stacked = adapters;
  }

  /** Made when a map is first computed under these adapters; undefined where none of them adapts it. */
  #stackOf(name: string): Stack | undefined {
    if (this.#stacks.has(name)) return this.#stacks.get(name);
    const having = this.#stacked.filter(({ pairs }) => pairs.has(name));
    const pairs = having.map((one) => one.pairs.get(name)!);
    const joined = (tensors: readonly Tensor[], dim: number) =>
      noGrad(() => scope(() => keep(cat(tensors, dim).to(this.#dtype).contiguous())));
    const stack =
      having.length === 0
        ? undefined
        : {
            down: joined(
              pairs.map(({ a }) => a),
              0,
            ),
            up: joined(
              pairs.map(({ b }) => b),
              1,
            ),
            owners: having.flatMap((one, index) => new Array<BankedAdapter>(pairs[index]!.a.shape[0]!).fill(one)),
          };
    this.#stacks.set(name, stack);
    return stack;
  }
}

function spanOf(rows: readonly AdaptedRows[]): Span {
  const { first } = rows[0]!;
  const adapters: (BankedAdapter | undefined)[] = [];
  for (const { adapter, first: start, count } of rows) {
    while (adapters.length < start - first) adapters.push(undefined);
    for (let row = 0; row < count; row++) adapters.push(adapter);
  }
  return { first, adapters, masks: [] };
}

/** Of the columns of a stack those that each row of a span keeps, (N, R). It lives as long as the span. */
function maskOf({ adapters, masks }: Span, { owners }: Stack, device: Device): Tensor {
  const known = masks.find((one) => one.owners.length === owners.length && one.owners.every((o, i) => o === owners[i]));
  if (known !== undefined) return known.mask;
  const kept = Float32Array.from(adapters.flatMap((adapter) => owners.map((owner) => Number(owner === adapter))));
  const mask = keep(scope(() => tensor(kept, { shape: [adapters.length, owners.length], device }).gt(0)));
  masks.push({ owners, mask });
  return mask;
}

function disposeBoth(one: Tensor, other: Tensor): void {
  one.dispose();
  other.dispose();
}
