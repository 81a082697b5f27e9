/**
 * A network made deterministic, one state at a time as they are met: from a state and a byte to the next state.
 *
 * A state is a set of places, and a place a node with the calls that are open there. Open calls are kept as chains that share their
 * beginnings, and equal chains and equal sets are one object, so that two texts behind which the same can follow are in the same state,
 * however deeply they are nested. A call that its rule ends with is not kept open. Bytes that no edge tells apart share a column.
 * States are found again as long as they are remembered; when there are too many all are forgotten, and those in use live on.
 */
import type { Network } from './network.ts';

/** With more than these all are forgotten: a few kilobytes each, with their masks. */
const MOST_STATES = 4_000;

/** Calls that are open, the innermost first. */
interface OpenCalls {
  readonly id: number;
  readonly back: number;
  readonly outer: OpenCalls | undefined;
}

interface Place {
  readonly node: number;
  readonly open: OpenCalls | undefined;
}

export class State {
  readonly places: readonly Place[];
  /** The text may end here. */
  readonly accepts: boolean;
  /** By column; undefined where it was not asked for yet, null where nothing follows. */
  readonly next: (State | null | undefined)[];
  /** For who keeps something with a state. */
  mask: Uint32Array | undefined;

  constructor(places: readonly Place[], accepts: boolean, columns: number) {
    this.places = places;
    this.accepts = accepts;
    this.next = new Array<State | null | undefined>(columns).fill(undefined);
  }
}

export class Automaton {
  /** The column of each byte. */
  readonly columns: Uint8Array;
  readonly #network: Network;
  readonly #samples: readonly number[];
  #states = new Map<string, State>();
  #calls = new Map<string, OpenCalls>();
  #callsMade = 0;
  #start: State | undefined;
  readonly #mostStates: number;

  constructor(network: Network, mostStates = MOST_STATES) {
    this.#network = network;
    this.#mostStates = mostStates;
    this.columns = new Uint8Array(256);
    const samples: number[] = [];
    const borders = network.borders;
    for (let byte = 0; byte < 256; byte++) {
      if (byte === 0 || borders.has(byte)) samples.push(byte);
      this.columns[byte] = samples.length - 1;
    }
    this.#samples = samples;
  }

  /** Where nothing has been read. */
  get start(): State {
    this.#start ??= this.#stateOf([{ node: this.#network.start, open: undefined }]);
    return this.#start;
  }

  /** The state behind one more byte, null where no text goes on so. */
  step(state: State, byte: number): State | null {
    return this.column(state, this.columns[byte]!);
  }

  /** The same for all bytes of a column. */
  column(state: State, column: number): State | null {
    const known = state.next[column];
    if (known !== undefined) return known;
    const byte = this.#samples[column]!;
    const reached: Place[] = [];
    for (const { node, open } of state.places) {
      for (const edge of this.#network.node(node).edges) {
        if (edge.from <= byte && byte <= edge.to) reached.push({ node: edge.target, open });
      }
    }
    const next = reached.length === 0 ? null : this.#stateOf(reached);
    state.next[column] = next;
    return next;
  }

  /** Follows calls and returns until bytes are needed. */
  #stateOf(reached: readonly Place[]): State {
    const places = new Map<string, Place>();
    const seen = new Set<string>();
    const left = [...reached];
    let accepts = false;
    for (let place = left.pop(); place !== undefined; place = left.pop()) {
      const key = keyOf(place);
      if (seen.has(key)) continue;
      seen.add(key);
      const { open } = place;
      const { edges, calls, final } = this.#network.node(place.node);
      if (edges.length > 0) places.set(key, place);
      for (const { start, back } of calls) left.push({ node: start, open: this.#opened(back, open) });
      if (!final) continue;
      if (open === undefined) accepts = true;
      else left.push({ node: open.back, open: open.outer });
    }
    const key = `${accepts ? '+' : '-'}${[...places.keys()].sort().join(' ')}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#states.size >= this.#mostStates) this.#forget();
    const state = new State([...places.values()], accepts, this.#samples.length);
    this.#states.set(key, state);
    return state;
  }

  #opened(back: number, outer: OpenCalls | undefined): OpenCalls | undefined {
    const { edges, calls, final } = this.#network.node(back);
    if (final && edges.length === 0 && calls.length === 0) return outer;
    const key = `${back} ${outer?.id ?? ''}`;
    const known = this.#calls.get(key);
    if (known !== undefined) return known;
    const open = { id: this.#callsMade++, back, outer };
    this.#calls.set(key, open);
    return open;
  }

  /** Those in use live on, and are found no more: what comes behind them is made anew. No number of a call is given twice. */
  #forget(): void {
    this.#states = new Map();
    this.#calls = new Map();
    this.#start = undefined;
  }
}

const keyOf = ({ node, open }: Place): string => `${node}:${open?.id ?? ''}`;
