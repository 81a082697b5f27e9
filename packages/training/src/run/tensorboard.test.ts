import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { crc32 } from 'node:zlib';
import { EventWriter } from './tensorboard.ts';

/** CRC-32C bit by bit, and proof that the bit loop is right: with the other polynomial it is zlib's CRC-32. */
function slowCrc(data: Uint8Array, polynomial: number): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
  }
  return ~crc >>> 0;
}

function masked(data: Uint8Array): number {
  const crc = slowCrc(data, 0x82f63b78);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

interface Field {
  field: number;
  wire: number;
  value: number | bigint | Buffer;
}

function readFields(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = Number(varint());
    const field = key >> 3;
    const wire = key & 7;
    if (wire === 0) fields.push({ field, wire, value: varint() });
    else if (wire === 1) fields.push({ field, wire, value: take(8).readDoubleLE() });
    else if (wire === 5) fields.push({ field, wire, value: take(4).readFloatLE() });
    else fields.push({ field, wire, value: take(Number(varint())) });
  }
  return fields;
}

function readRecords(file: string): Field[][] {
  const content = readFileSync(file);
  const records: Field[][] = [];
  for (let at = 0; at < content.length; ) {
    const length = Number(content.readBigUInt64LE(at));
    assert.equal(content.readUInt32LE(at + 8), masked(content.subarray(at, at + 8)));
    const data = content.subarray(at + 12, at + 12 + length);
    assert.equal(content.readUInt32LE(at + 12 + length), masked(data));
    records.push(readFields(data));
    at += 16 + length;
  }
  return records;
}

test('events are read back by an independent reader, checksums included', (t) => {
  assert.equal(slowCrc(Buffer.from('tunan'), 0xedb88320), crc32('tunan'));
  assert.equal(slowCrc(Buffer.from('123456789'), 0x82f63b78), 0xe3069283); // the check value of CRC-32C
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-events-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const writer = new EventWriter(directory, 300, 1_700_000_000.5);
  writer.scalars(301, { loss: 2.5, 'learning rate/图': 1e-4 }, 1_700_000_001);
  writer.close();

  const [name] = readdirSync(directory);
  assert.match(name!, /^events\.out\.tfevents\.1700000000\./);
  const [version, start, scalars] = readRecords(path.join(directory, name!));
  assert.deepEqual(
    version!.map(({ field, value }) => [field, String(value)]),
    [
      [1, '1700000000.5'],
      [2, '0'],
      [3, 'brain.Event:2'],
    ],
  );
  assert.equal(start!.find(({ field }) => field === 2)!.value, 300n);
  assert.deepEqual(readFields(start!.find(({ field }) => field === 7)!.value as Buffer), [
    { field: 1, wire: 0, value: 1n },
  ]);
  assert.equal(scalars!.find(({ field }) => field === 2)!.value, 301n);
  const values = readFields(scalars!.find(({ field }) => field === 5)!.value as Buffer).map(({ value }) =>
    readFields(value as Buffer),
  );
  assert.deepEqual(
    values.map((value) => value.map(({ value: part }) => (Buffer.isBuffer(part) ? part.toString() : part))),
    [
      ['loss', 2.5],
      ['learning rate/图', Math.fround(1e-4)],
    ],
  );
});
