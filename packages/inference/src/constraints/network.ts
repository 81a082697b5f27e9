/**
 * A grammar as a network of nodes over bytes (a recursive transition network): an edge takes a byte, a call goes through a rule and
 * comes back.
 *
 * Contract: from every node of a finished network the end can be reached, so that who follows edges never gets stuck; a grammar that
 * matches nothing has no network. A rule never calls itself before it took a byte (left recursion is refused), so that the calls open
 * at a place are finitely many. Its size is bounded. Sets of nodes, and so determinism, are for automaton.ts.
 */
import { type ByteRange, type CodePoints, utf8Sequences } from './code-points.ts';
import { constraintError } from './constraint-error.ts';
import type { Expression, Grammar } from './expression.ts';

/** Nodes of a network; one that is larger costs too much of a server's memory and time. */
const MOST_NODES = 200_000;
const MOST_EDGES = 1_000_000;
/** Of one place of an intersection. */
const MOST_COMMON = 10_000;
/** A set of characters that takes more sequences of bytes is laid out once, and called. */
const MOST_INLINE = 4;

export interface ByteEdge {
  readonly from: number;
  readonly to: number;
  readonly target: number;
}

export interface Call {
  /** Where the rule begins, and where its caller goes on. */
  readonly start: number;
  readonly back: number;
}

/** Everything that can happen at a node without a byte being taken is already done. */
export interface Node {
  readonly edges: readonly ByteEdge[];
  readonly calls: readonly Call[];
  /** The rule, or the whole text where no call is open, may end here. */
  readonly final: boolean;
}

interface Draft {
  readonly edges: ByteEdge[];
  readonly calls: { readonly rule: string; readonly back: number }[];
  readonly free: number[];
}

interface RuleNodes {
  readonly start: number;
  readonly end: number;
}

export class Network {
  readonly start: number;
  readonly #drafts: Draft[] = [];
  readonly #rules = new Map<string, RuleNodes>();
  readonly #ends = new Set<number>();
  readonly #productive: Uint8Array;
  readonly #nodes: (Node | undefined)[] = [];
  #edges = 0;
  /** Inside of an intersection there are no calls. */
  #mayCall = true;

  /** @throws InferenceError for a grammar that matches nothing, is too large, or left-recursive */
  constructor(grammar: Grammar) {
    const main = this.#newRule();
    this.start = main.start;
    this.#addRules(grammar);
    this.#emit(grammar.start, main.start, main.end);
    this.#productive = this.#findProductive();
    if (this.#productive[main.start] === 0) {
      throw constraintError({ en: 'no text at all satisfies it', zh: '没有任何文本满足它' });
    }
    this.#refuseLeftRecursion();
  }

  /** The bytes that occur on edges. */
  get bytes(): ReadonlySet<number> {
    const found = new Set<number>();
    for (const { edges } of this.#drafts) {
      for (const { from, to, target } of edges) {
        if (this.#productive[target] === 1) for (let byte = from; byte <= to; byte++) found.add(byte);
      }
    }
    return found;
  }

  /** The borders between bytes that some edge treats differently. */
  get borders(): ReadonlySet<number> {
    return new Set(this.#drafts.flatMap(({ edges }) => edges.flatMap(({ from, to }) => [from, to + 1])));
  }

  node(id: number): Node {
    this.#nodes[id] ??= this.#finish(id);
    return this.#nodes[id];
  }

  #finish(id: number): Node {
    const reached = this.#freely(id);
    const drafts = reached.map((one) => this.#drafts[one]!);
    const edges = drafts.flatMap((draft) => draft.edges).filter(({ target }) => this.#productive[target] === 1);
    const calls = drafts
      .flatMap((draft) => draft.calls)
      .map(({ rule, back }) => ({ start: this.#rules.get(rule)!.start, back }))
      .filter(({ start, back }) => this.#productive[start] === 1 && this.#productive[back] === 1);
    return { edges, calls, final: reached.some((one) => this.#ends.has(one)) };
  }

  /** Nodes that are reached without a byte and without a call. */
  #freely(id: number): number[] {
    const reached = new Set([id]);
    for (const one of reached) for (const next of this.#drafts[one]!.free) reached.add(next);
    return [...reached];
  }

  #addRules({ rules }: Grammar): void {
    for (const name of rules.keys()) this.#rules.set(name, this.#newRule());
    for (const [name, expression] of rules) {
      const { start, end } = this.#rules.get(name)!;
      this.#emit(expression, start, end);
    }
  }

  #newRule(): RuleNodes {
    const nodes = { start: this.#newNode(), end: this.#newNode() };
    this.#ends.add(nodes.end);
    return nodes;
  }

  #newNode(): number {
    if (this.#drafts.length >= MOST_NODES) throw tooLarge();
    return this.#drafts.push({ edges: [], calls: [], free: [] }) - 1;
  }

  /** Lays ways between two nodes that spell what the expression matches. */
  #emit(expression: Expression, from: number, to: number): void {
    switch (expression.kind) {
      case 'text':
        this.#chain(
          [...Buffer.from(expression.text, 'utf8')].map((byte) => [byte, byte]),
          from,
          to,
        );
        break;
      case 'character':
        this.#emitCharacter(expression.set, from, to);
        break;
      case 'sequence':
        this.#emitSequence(expression.parts, from, to);
        break;
      case 'choice':
        for (const option of expression.options) this.#emit(option, from, to);
        break;
      case 'repeat':
        this.#emitRepeat(expression, from, to);
        break;
      case 'rule':
        if (!this.#rules.has(expression.name)) throw new Error(`there is no rule ${expression.name}`);
        this.#drafts[from]!.calls.push({ rule: expression.name, back: to });
        break;
      case 'all':
        this.#emitAll(expression.parts, from, to);
        break;
      case 'automaton':
        this.#emitAutomaton(expression, from, to);
        break;
    }
  }

  #emitCharacter(set: CodePoints, from: number, to: number): void {
    const name = `characters ${set.join(' ')}`;
    if (this.#rules.has(name) && this.#mayCall) {
      this.#drafts[from]!.calls.push({ rule: name, back: to });
      return;
    }
    const sequences = utf8Sequences(set);
    if (sequences.length <= MOST_INLINE || !this.#mayCall) {
      this.#branch(sequences, from, to);
      return;
    }
    const nodes = this.#newRule();
    this.#rules.set(name, nodes);
    this.#branch(sequences, nodes.start, nodes.end);
    this.#drafts[from]!.calls.push({ rule: name, back: to });
  }

  #addEdge(node: number, edge: ByteEdge): void {
    if (++this.#edges > MOST_EDGES) throw tooLarge();
    this.#drafts[node]!.edges.push(edge);
  }

  #chain(bytes: readonly ByteRange[], from: number, to: number): void {
    if (bytes.length === 0) {
      this.#drafts[from]!.free.push(to);
      return;
    }
    let here = from;
    bytes.forEach(([low, high], place) => {
      const target = place === bytes.length - 1 ? to : this.#newNode();
      this.#addEdge(here, { from: low, to: high, target });
      here = target;
    });
  }

  /** Ways that begin alike share their beginning: a set of thousands of characters has few edges at each node, and few places behind a byte. */
  #branch(sequences: readonly (readonly ByteRange[])[], from: number, to: number): void {
    const alike = new Map<number, (readonly ByteRange[])[]>();
    for (const sequence of sequences) {
      const [low, high] = sequence[0]!;
      const key = 256 * low + high;
      const known = alike.get(key);
      if (known === undefined) alike.set(key, [sequence]);
      else known.push(sequence);
    }
    for (const group of alike.values()) {
      const [[low, high]] = group[0] as readonly [ByteRange];
      if (group.some((sequence) => sequence.length === 1)) this.#addEdge(from, { from: low, to: high, target: to });
      const rest = group.flatMap((sequence) => (sequence.length > 1 ? [sequence.slice(1)] : []));
      if (rest.length === 0) continue;
      const target = this.#newNode();
      this.#addEdge(from, { from: low, to: high, target });
      this.#branch(rest, target, to);
    }
  }

  #emitSequence(parts: readonly Expression[], from: number, to: number): void {
    if (parts.length === 0) this.#drafts[from]!.free.push(to);
    let here = from;
    parts.forEach((part, place) => {
      const next = place === parts.length - 1 ? to : this.#newNode();
      this.#emit(part, here, next);
      here = next;
    });
  }

  #emitRepeat({ part, least, most }: Expression & { kind: 'repeat' }, from: number, to: number): void {
    let here = from;
    for (let count = 0; count < least; count++) {
      const next = this.#newNode();
      this.#emit(part, here, next);
      here = next;
    }
    if (most === undefined) {
      const loop = this.#newNode();
      this.#drafts[here]!.free.push(loop);
      this.#emit(part, loop, loop);
      here = loop;
    }
    for (let count = least; count < (most ?? least); count++) {
      this.#drafts[here]!.free.push(to);
      const next = this.#newNode();
      this.#emit(part, here, next);
      here = next;
    }
    this.#drafts[here]!.free.push(to);
  }

  #emitAutomaton({ edges, finals }: Expression & { kind: 'automaton' }, from: number, to: number): void {
    const nodes = new Map<number, number>();
    const nodeOf = (state: number): number => {
      const known = nodes.get(state) ?? this.#newNode();
      nodes.set(state, known);
      return known;
    };
    this.#drafts[from]!.free.push(nodeOf(0));
    for (const [state, letter, next] of edges) {
      const byte = letter.charCodeAt(0);
      this.#addEdge(nodeOf(state), { from: byte, to: byte, target: nodeOf(next) });
    }
    for (const state of finals) this.#drafts[nodeOf(state)]!.free.push(to);
  }

  /** The product of the networks of all parts. */
  #emitAll(parts: readonly Expression[], from: number, to: number): void {
    const outside = this.#mayCall;
    this.#mayCall = false;
    const networks = parts.map((part) => {
      const { start, end } = { start: this.#newNode(), end: this.#newNode() };
      this.#emit(part, start, end);
      return { start, end };
    });
    this.#mayCall = outside;
    const nodes = new Map<string, number>();
    const left: { readonly states: readonly number[]; readonly node: number }[] = [];
    const nodeOf = (states: readonly number[]): number => {
      const key = states.join(',');
      const known = nodes.get(key);
      if (known !== undefined) return known;
      const node = this.#newNode();
      nodes.set(key, node);
      left.push({ states, node });
      return node;
    };
    this.#drafts[from]!.free.push(nodeOf(networks.map(({ start }) => start)));
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { states, node } = next;
      const reached = states.map((state) => this.#freely(state));
      if (reached.every((set, place) => set.includes(networks[place]!.end))) this.#drafts[node]!.free.push(to);
      const choices = reached.map((set) => set.flatMap((one) => this.#drafts[one]!.edges));
      for (const edge of commonEdges(choices)) {
        this.#addEdge(node, { from: edge.from, to: edge.to, target: nodeOf(edge.targets) });
      }
    }
  }

  /** Nodes from which the end of their rule can be reached. */
  #findProductive(): Uint8Array {
    const productive = new Uint8Array(this.#drafts.length);
    const waiting = new Map<number, number[]>();
    const wake = (needed: number, node: number) => {
      const sleepers = waiting.get(needed);
      if (sleepers === undefined) waiting.set(needed, [node]);
      else sleepers.push(node);
    };
    this.#drafts.forEach(({ edges, calls, free }, node) => {
      for (const { target } of edges) wake(target, node);
      for (const target of free) wake(target, node);
      for (const { rule, back } of calls) {
        wake(back, node);
        wake(this.#rules.get(rule)!.start, node);
      }
    });
    const isProductive = (node: number): boolean => {
      const { edges, calls, free } = this.#drafts[node]!;
      return (
        this.#ends.has(node) ||
        edges.some(({ target }) => productive[target] === 1) ||
        free.some((target) => productive[target] === 1) ||
        calls.some(({ rule, back }) => productive[back] === 1 && productive[this.#rules.get(rule)!.start] === 1)
      );
    };
    const queue = [...this.#ends];
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if (productive[node] === 1 || !isProductive(node)) continue;
      productive[node] = 1;
      queue.push(...(waiting.get(node) ?? []));
    }
    return productive;
  }

  /** Rules through which one can go without a byte. */
  #findNullable(): ReadonlySet<number> {
    const nullable = new Set<number>();
    const starts = [...this.#rules.values()].map(({ start }) => start);
    for (let before = -1; before !== nullable.size; ) {
      before = nullable.size;
      for (const start of starts) if (this.#withoutBytes(start, nullable).final) nullable.add(start);
    }
    return nullable;
  }

  /** What is met from a node on without a byte: rules that are called, and whether the end is. */
  #withoutBytes(start: number, nullable: ReadonlySet<number>): { called: ReadonlySet<number>; final: boolean } {
    const called = new Set<number>();
    const reached = new Set([start]);
    let final = false;
    for (const one of reached) {
      const node = this.node(one);
      final ||= node.final;
      for (const call of node.calls) {
        called.add(call.start);
        if (nullable.has(call.start)) reached.add(call.back);
      }
    }
    return { called, final };
  }

  #refuseLeftRecursion(): void {
    const nullable = this.#findNullable();
    const called = new Map<number, ReadonlySet<number>>();
    for (const { start } of this.#rules.values()) called.set(start, this.#withoutBytes(start, nullable).called);
    for (const [name, { start }] of this.#rules) {
      const reached = new Set(called.get(start));
      for (const one of reached) for (const next of called.get(one) ?? []) reached.add(next);
      if (!reached.has(start)) continue;
      throw constraintError({
        en: `${name} begins with itself; write the repetition behind: list ::= item ("," item)*`,
        zh: `${name} 以自身开头；请把重复写在后面：list ::= item ("," item)*`,
      });
    }
  }
}

function tooLarge(): Error {
  return constraintError({ en: 'it is too large; make counts of repetitions smaller', zh: '它过大；请减小重复次数' });
}

interface CommonEdge {
  readonly from: number;
  readonly to: number;
  readonly targets: readonly number[];
}

/** The edges that all networks have in common, with a target in each. */
function commonEdges(choices: readonly (readonly ByteEdge[])[]): CommonEdge[] {
  let common: CommonEdge[] = [{ from: 0, to: 255, targets: [] }];
  for (const edges of choices) {
    common = common.flatMap(({ from, to, targets }) =>
      edges.flatMap((edge) => {
        const range = { from: Math.max(from, edge.from), to: Math.min(to, edge.to) };
        return range.from <= range.to ? [{ ...range, targets: [...targets, edge.target] }] : [];
      }),
    );
    if (common.length > MOST_COMMON) throw tooLarge();
  }
  return common;
}
