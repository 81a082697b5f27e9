/**
 * A grammar over the tokens of a vocabulary: which ones may come next, behind the tokens so far.
 *
 * Contract: exact. A token is allowed where its bytes lead on to some text of the grammar, tokens that are parts of characters too; the
 * end of the text exactly where the grammar accepts. The grammar never gets stuck (network.ts), and neither do tokens, since every byte
 * that it may take is a token of its own, which is checked. Masks are kept with the state of the automaton, so that a state is paid
 * for once, whichever sequences come by it.
 */
import { Automaton, type State } from './automaton.ts';
import { constraintError } from './constraint-error.ts';
import type { Grammar } from './expression.ts';
import { Network } from './network.ts';
import type { TokenTrie } from './token-trie.ts';

export class Constraint {
  readonly #automaton: Automaton;
  readonly #trie: TokenTrie;
  /** The state at each depth of the pass. */
  readonly #path: State[];

  /** @throws InferenceError where nothing satisfies the grammar, or the vocabulary cannot write it */
  constructor(grammar: Grammar, trie: TokenTrie) {
    const network = new Network(grammar);
    refuseUnwritable(network, trie);
    this.#automaton = new Automaton(network);
    this.#trie = trie;
    this.#path = new Array<State>(trie.deepest + 1);
  }

  /** Where no token has come. */
  get start(): State {
    return this.#automaton.start;
  }

  /** The state behind a token, null where it is not allowed. */
  after(state: State, bytes: Uint8Array): State | null {
    let here: State | null = state;
    for (const byte of bytes) {
      here = this.#automaton.step(here, byte);
      if (here === null) return null;
    }
    return here;
  }

  /** Sets the logits (V) of all tokens that cannot come to -Infinity; what ends a text is the caller's affair. */
  apply(state: State, logits: Float32Array): void {
    state.mask ??= this.#maskOf(state);
    const { mask } = state;
    for (let word = 0; word < mask.length; word++) {
      const bits = mask[word]!;
      if (bits === 0xffffffff) continue;
      const first = word * 32;
      const end = Math.min(first + 32, logits.length);
      if (bits === 0) logits.fill(Number.NEGATIVE_INFINITY, first, end);
      else
        for (let id = first; id < end; id++)
          if (((bits >>> (id - first)) & 1) === 0) logits[id] = Number.NEGATIVE_INFINITY;
    }
  }

  /** One bit for each id. */
  #maskOf(start: State): Uint32Array {
    const { depths, bytes, ends, tokens, twins, size } = this.#trie;
    const { columns } = this.#automaton;
    const mask = new Uint32Array(Math.ceil(size / 32));
    const path = this.#path;
    path[0] = start;
    for (let node = 0; node < bytes.length; ) {
      const depth = depths[node]!;
      const from = path[depth]!;
      const column = columns[bytes[node]!]!;
      const next = from.next[column] ?? this.#automaton.column(from, column);
      if (next === null) {
        node = ends[node]!;
        continue;
      }
      path[depth + 1] = next;
      const id = tokens[node]!;
      if (id >= 0) {
        mask[id >>> 5]! |= 1 << (id & 31);
        for (const twin of twins.get(id) ?? []) mask[twin >>> 5]! |= 1 << (twin & 31);
      }
      node++;
    }
    return mask;
  }
}

function refuseUnwritable(network: Network, { depths, bytes, tokens }: TokenTrie): void {
  const writable = new Set<number>();
  depths.forEach((depth, node) => {
    if (depth === 0 && tokens[node]! >= 0) writable.add(bytes[node]!);
  });
  const missing = [...network.bytes].find((byte) => !writable.has(byte));
  if (missing === undefined) return;
  const hex = missing.toString(16).padStart(2, '0');
  throw constraintError({
    en: `the model's vocabulary has no token for the byte 0x${hex}, which it may need`,
    zh: `模型的词表没有它可能需要的字节 0x${hex} 的词元`,
  });
}
