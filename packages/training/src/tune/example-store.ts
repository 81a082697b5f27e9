/**
 * Many examples in little memory: four bytes a token and one a character of JSON in large blocks, in place of an object for each. An example
 * is made anew each time it is asked for.
 */

import type { EncodedAnswer, EncodedExample } from './encode-example.ts';
import type { ExampleContent } from './examples.ts';

/** Examples by number; a list of them, or a store's. */
export interface Examples extends Iterable<EncodedExample> {
  readonly length: number;
  at(index: number): EncodedExample | undefined;
}

/** Elements of a block; an example that is larger has one of its own. */
const BLOCK = 1 << 20;

export class ExampleStore {
  /** Of each answer its ids, twice, plus one where they are learnt. */
  readonly #tokens = new Blocks(Int32Array);
  readonly #contents = new Blocks(Uint8Array);
  /** The first answer of each example: a preference has two. */
  readonly #firsts = new Numbers();
  readonly #lines = new Numbers();
  readonly #encoder = new TextEncoder();

  get length(): number {
    return this.#lines.length;
  }

  add({ ids, learnt, line, content, rejected }: EncodedExample): void {
    this.#firsts.add(this.#tokens.length);
    this.#lines.add(line);
    for (const answer of rejected === undefined ? [{ ids, learnt }] : [{ ids, learnt }, rejected])
      this.#tokens.add(answer.ids.map((id, at) => 2 * id + answer.learnt[at]!));
    this.#contents.add(this.#encoder.encode(JSON.stringify(content)));
  }

  at(index: number): EncodedExample {
    const first = this.#firsts.at(index);
    const end = index + 1 < this.length ? this.#firsts.at(index + 1) : this.#tokens.length;
    const contents = this.#contents;
    const answer = (number: number): EncodedAnswer => {
      const marked = this.#tokens.at(number);
      return { ids: marked.map((one) => one >> 1), learnt: Uint8Array.from(marked, (one) => one & 1) };
    };
    return {
      ...answer(first),
      rejected: end - first === 2 ? answer(first + 1) : undefined,
      line: this.#lines.at(index),
      get content() {
        return JSON.parse(new TextDecoder().decode(contents.at(index))) as ExampleContent;
      },
    };
  }

  /** Those of the given numbers, in their order. */
  of(indexes: Uint32Array): Examples {
    const at = (place: number) => (place < indexes.length ? this.at(indexes[place]!) : undefined);
    return {
      length: indexes.length,
      at,
      *[Symbol.iterator]() {
        for (let place = 0; place < indexes.length; place++) yield at(place)!;
      },
    };
  }
}

type Elements = Int32Array | Uint8Array;

/** Arrays behind each other. */
class Blocks<T extends Elements> {
  readonly #make: new (
    length: number,
  ) => T;
  readonly #blocks: T[] = [];
  #used = BLOCK;
  /** Block and offset of each array. */
  readonly #places = new Numbers();
  readonly #lengths = new Numbers();

  constructor(make: new (length: number) => T) {
    this.#make = make;
  }

  get length(): number {
    return this.#lengths.length;
  }

  add(values: T): void {
    if (this.#blocks.length === 0 || this.#used + values.length > this.#blocks.at(-1)!.length) {
      this.#blocks.push(new this.#make(Math.max(BLOCK, values.length)));
      this.#used = 0;
    }
    this.#blocks.at(-1)!.set(values, this.#used);
    this.#places.add((this.#blocks.length - 1) * 2 ** 32 + this.#used);
    this.#lengths.add(values.length);
    this.#used += values.length;
  }

  at(index: number): T {
    const place = this.#places.at(index);
    const start = place % 2 ** 32;
    return this.#blocks[Math.floor(place / 2 ** 32)]!.subarray(start, start + this.#lengths.at(index)) as T;
  }
}

/** Numbers of an array that grows. */
export class Numbers {
  #values = new Float64Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  /** Not a copy. */
  get all(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }
}
