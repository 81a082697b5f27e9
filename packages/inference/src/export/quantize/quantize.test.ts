import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { decodeRows } from '../gguf/decode-rows.ts';
import { encodeRows } from '../gguf/encode-rows.ts';
import { type TensorTypeName, tensorBytes, tensorTypes, type WrittenTypeName } from '../gguf/tensor-types.ts';

interface Golden {
  readonly input: string;
  readonly types: Readonly<Record<string, { readonly bytes: string; readonly read: string }>>;
}

const golden = JSON.parse(
  readFileSync(new URL('../../../../../tests/golden/quantized-blocks.json', import.meta.url), 'utf8'),
) as Golden;
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const input = new Float32Array(bytesOf(golden.input).buffer);
const quantized = Object.keys(golden.types) as TensorTypeName[];

/** Those of others' files. */
const readOnly: readonly TensorTypeName[] = ['Q5_1', 'Q4_1', 'Q3_K', 'Q2_K', 'IQ4_NL', 'IQ4_XS'];

for (const type of quantized) {
  test(`${type}: ggml's bytes, and what the package gguf reads in them`, () => {
    const { bytes, read } = golden.types[type]!;
    if (!readOnly.includes(type)) assert.deepEqual(encodeRows(type as WrittenTypeName, input, type), bytesOf(bytes));
    const decoded = decodeRows(type, bytesOf(bytes));
    assert.equal(createHash('sha256').update(new Uint8Array(decoded.buffer)).digest('hex'), read);
  });
}

test('any weights come back within half a step of their block; what was read is written as it was', () => {
  const weights = fc
    .array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 256, maxLength: 256 })
    .map((values) => Float32Array.from(values));
  /** Steps from one end of a block to the other. */
  const steps = { Q8_0: 254, Q5_0: 31, Q4_0: 15, Q6_K: 63, Q5_K: 31, Q4_K: 15 } as const;
  fc.assert(
    fc.property(weights, (values) => {
      const range = Math.max(...values, 0) - Math.min(...values, 0);
      const largest = Math.max(...values.map(Math.abs));
      for (const [type, count] of Object.entries(steps) as [keyof typeof steps, number][]) {
        const encoded = encodeRows(type, values, type);
        assert.equal(encoded.length, tensorBytes(type, [256]));
        const decoded = decodeRows(type, Uint8Array.from(encoded));
        // The scales of the groups are rounded too, and Q4_0 and Q5_0 have one level less on one side.
        const bound = (Math.max(range, 2 * largest) / count) * 1.6 + largest / 60;
        for (const [i, value] of values.entries()) assert.ok(Math.abs(decoded[i]! - value) <= bound, `${type} ${i}`);
      }
    }),
    { numRuns: 30 },
  );
});

test('16 bits come back as they were, and halves are rounded to the even', () => {
  const exact = Float32Array.of(0, -0, 1, -1.5, 65_504, 2 ** -24, 0.333251953125);
  assert.deepEqual(decodeRows('F16', Uint8Array.from(encodeRows('F16', exact, 'x'))), exact);
  const rounded = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -3e38);
  const read = decodeRows('BF16', Uint8Array.from(encodeRows('BF16', rounded, 'x')));
  assert.deepEqual(read.slice(0, 3), Float32Array.of(1, 1 + 2 ** -6, 1 + 2 ** -7));
  assert.ok(Math.abs(read[3]! / -3e38 - 1) < 2 ** -8);
});

test('the sizes of blocks', () => {
  const bits = Object.entries(tensorTypes).map(([name, type]) => [name, (8 * type.blockBytes) / type.blockLength]);
  assert.deepEqual(Object.fromEntries(bits), {
    ...{ F32: 32, F16: 16, BF16: 16, Q8_0: 8.5, Q5_0: 5.5, Q4_0: 4.5 },
    ...{ Q6_K: 6.5625, Q5_K: 5.5, Q4_K: 4.5 },
    ...{ Q5_1: 6, Q4_1: 5, Q3_K: 3.4375, Q2_K: 2.625, IQ4_NL: 4.5, IQ4_XS: 4.25 },
  });
});
