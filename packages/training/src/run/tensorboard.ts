/**
 * Scalars for TensorBoard: an event file in TFRecord framing (length, masked CRC-32C of the length, data, masked CRC-32C
 * of the data; tensorflow/core/lib/io/record_writer.h) that holds Event protocol buffers (tensorflow/core/util/event.proto).
 * Writes scalars only.
 */

import { closeSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
/** SessionLog.SessionStatus.START: TensorBoard then hides what earlier files say about this step and later ones. */
const SESSION_START = 1;

export class EventWriter {
  readonly #descriptor: number;

  /**
   * Starts a new event file in `directory`.
   * @param firstStep the first step that will be written; what earlier files say from there on is hidden
   * @param now seconds since 1970
   */
  constructor(directory: string, firstStep: number, now = Date.now() / 1000) {
    mkdirSync(directory, { recursive: true });
    // TensorBoard reads files in the order of their names; a clock that was set back must not put this one before its forerunners.
    const stamp = Math.max(Math.floor(now), lastStamp(directory) + 1);
    const name = `events.out.tfevents.${String(stamp).padStart(10, '0')}.${os.hostname()}.${process.pid}.${firstStep}`;
    this.#descriptor = openSync(path.join(directory, name), 'a');
    this.#write(event(now, 0, bytesField(3, Buffer.from('brain.Event:2'))));
    this.#write(event(now, firstStep, bytesField(7, varintField(1, SESSION_START))));
  }

  /** Writes one value under each tag. */
  scalars(step: number, values: Readonly<Record<string, number>>, now = Date.now() / 1000): void {
    const summary = Object.entries(values).map(([tag, value]) =>
      bytesField(1, Buffer.concat([bytesField(1, Buffer.from(tag)), floatField(2, value)])),
    );
    this.#write(event(now, step, bytesField(5, Buffer.concat(summary))));
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #write(data: Buffer): void {
    const header = Buffer.alloc(12);
    header.writeBigUInt64LE(BigInt(data.length));
    header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
    const footer = Buffer.alloc(4);
    footer.writeUInt32LE(maskedCrc32c(data));
    writeFileSync(this.#descriptor, Buffer.concat([header, data, footer])); // all of it, or an error
  }
}

/** Of the newest event file by its name; 0 where there is none. */
function lastStamp(directory: string): number {
  const stamps = readdirSync(directory).map((name) => Number(/^events\.out\.tfevents\.(\d+)\./.exec(name)?.[1] ?? 0));
  return Math.max(0, ...stamps);
}

function event(now: number, step: number, what: Buffer): Buffer {
  const time = Buffer.alloc(9);
  time[0] = (1 << 3) | WIRE_FIXED64;
  time.writeDoubleLE(now, 1);
  return Buffer.concat([time, varintField(2, step), what]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint((field << 3) | WIRE_VARINT), varint(value)]);
}

function bytesField(field: number, content: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | WIRE_BYTES), varint(content.length), content]);
}

function floatField(field: number, value: number): Buffer {
  const buffer = Buffer.alloc(5);
  buffer[0] = (field << 3) | WIRE_FIXED32;
  buffer.writeFloatLE(value, 1);
  return buffer;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** CRC-32C (Castagnoli), reflected polynomial 0x82f63b78. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function maskedCrc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
