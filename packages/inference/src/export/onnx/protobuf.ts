/** The wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding), as far as ONNX files need it: writing fields. */

/** What a field or a message is made of, one after the other. Bytes that do not stand in memory are made when they are written. */
export type Part = Uint8Array | LaterBytes;

/** `byteLength` bytes, in pieces. */
export interface LaterBytes {
  readonly byteLength: number;
  pieces(): Iterable<Uint8Array>;
}

export function integerField(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return Uint8Array.from([...varint(field * 8 + 5), ...bytes]);
}

export function stringField(field: number, value: string): Uint8Array {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes]);
}

/** A field that holds a message, or bytes. */
export function nestedField(field: number, parts: readonly Part[]): Part[] {
  return [Uint8Array.from([...varint(field * 8 + 2), ...varint(lengthOf(parts))]), ...parts];
}

export function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Seven bits a byte, the lowest first. A negative number is the 64 bits of its two's complement. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return bytes;
}
