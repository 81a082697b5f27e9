/**
 * An ONNX graph while it is built: nodes in the order in which they run, each with one output unless said, and the tensors that they
 * read. It knows no model and no file.
 */

/** Codes of TensorProto.DataType. */
export const elementTypes = {
  float32: { code: 1, bytes: 4 },
  uint8: { code: 2, bytes: 1 },
  int64: { code: 7, bytes: 8 },
  bool: { code: 9, bytes: 1 },
  float16: { code: 10, bytes: 2 },
} as const;
export type ElementType = keyof typeof elementTypes;

/** A whole number is an INT, an array INTS, and a text a STRING. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

export interface GraphNode {
  readonly operator: string;
  /** Of the operator; '' is ONNX itself. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A tensor of the file. */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Its elements side by side, little-endian, in pieces. */
  pieces(): Iterable<ArrayBufferView>;
}

/** An input or output of the graph. A length that a caller chooses has a name. */
export interface GraphValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
  /** What the output is called; otherwise a name is made. */
  readonly output?: string;
}

export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly inputs: GraphValue[] = [];
  readonly outputs: GraphValue[] = [];
  /** Values whose numbers are of a kind that ONNX has no type for, and the kind, as QONNX names it. */
  readonly numberKinds = new Map<string, string>();
  /** What part of the model is being built; the names of nodes begin with it. */
  place = '';
  readonly #made = new Map<string, string>();
  #constants = 0;
  readonly #counts = new Map<string, number>();

  input(name: string, type: ElementType, shape: GraphValue['shape']): string {
    this.inputs.push({ name, type, shape });
    return name;
  }

  output(name: string, type: ElementType, shape: GraphValue['shape']): void {
    this.outputs.push({ name, type, shape });
  }

  /** @returns the name of the output */
  apply(operator: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const { attributes = {}, domain = '' } = options;
    const name = this.#freshName(operator);
    const { output = `${name}:0` } = options;
    this.nodes.push({ operator, domain, name, inputs, outputs: [output], attributes });
    return output;
  }

  /** A node with several outputs. @returns their names */
  applyForSeveral(operator: string, inputs: readonly string[], count: number, options: NodeOptions = {}): string[] {
    const { attributes = {}, domain = '' } = options;
    const name = this.#freshName(operator);
    const outputs = Array.from({ length: count }, (_, index) => `${name}:${index}`);
    this.nodes.push({ operator, domain, name, inputs, outputs, attributes });
    return outputs;
  }

  /** @returns the names of the parts along an axis */
  split(value: string, axis: number, lengths: readonly number[]): string[] {
    const inputs = [value, this.integers(lengths)];
    return this.applyForSeveral('Split', inputs, lengths.length, { attributes: { axis } });
  }

  /** @returns its name */
  add(initializer: Initializer): string {
    this.initializers.push(initializer);
    return initializer.name;
  }

  /** What several parts of the graph read: made when the first of them asks. @returns the name of the value */
  once(key: string, make: () => string): string {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const value = make();
    this.#made.set(key, value);
    return value;
  }

  /** A vector of int64. */
  integers(values: readonly number[]): string {
    return this.#constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /** A scalar of int64. */
  integer(value: number): string {
    return this.#constant('int64', [], BigInt64Array.of(BigInt(value)));
  }

  /** A scalar of float32. */
  number(value: number): string {
    return this.#constant('float32', [], Float32Array.of(value));
  }

  /** Float32 of a shape. */
  numbers(values: readonly number[], shape: readonly number[]): string {
    return this.#constant('float32', shape, Float32Array.from(values));
  }

  /** A scalar of uint8. */
  byte(value: number): string {
    return this.#constant('uint8', [], Uint8Array.of(value));
  }

  /** Booleans of a shape. */
  flags(values: readonly boolean[], shape: readonly number[]): string {
    return this.#constant('bool', shape, Uint8Array.from(values, Number));
  }

  #constant(type: ElementType, shape: readonly number[], values: BigInt64Array | Float32Array | Uint8Array): string {
    return this.once(`${type} (${shape}) ${values}`, () =>
      this.add({ name: `constant_${this.#constants++}`, type, shape, pieces: () => [values] }),
    );
  }

  #freshName(operator: string): string {
    const name = `${this.place}/${operator}`;
    const count = this.#counts.get(name) ?? 0;
    this.#counts.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }
}
