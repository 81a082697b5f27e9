/**
 * Counts characters and pairs of characters of Chinese text and writes the model that the repair stage of packages/corpus
 * judges text by: `node packages/corpus/scripts/character-model/train.ts --out FILE path.jsonl[.zst][:weight]…` ({text} a line). Weights make
 * up for what the texts at hand are too much of. What the stored model was made from stands in its header comment,
 * packages/corpus/src/stages/repair/character-model.ts; the file holds counts alone, no text.
 */
import { createReadStream, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants, createZstdDecompress } from 'node:zlib';
import { simplecc } from 'simplecc-wasm';
import { contextOf, MODEL, pairSlot } from '../../src/stages/repair/character-model.ts';

const characters = new Float64Array(MODEL.units);
const pairs = new Map<number, number>();

async function count(path: string, weight: number): Promise<void> {
  const file = createReadStream(path);
  const input = path.endsWith('.zst') ? file.pipe(createZstdDecompress()) : file;
  for await (const line of createInterface({ input })) {
    if (line !== '') countText(simplecc((JSON.parse(line) as { text: string }).text, 't2s'), weight);
  }
}

function countText(text: string, weight: number): void {
  let previous = contextOf(0);
  for (let i = 0; i <= text.length; i++) {
    const unit = i < text.length ? text.charCodeAt(i) : 0;
    const context = contextOf(unit);
    characters[context] = characters[context]! + weight;
    if (previous >= 0x80 || context >= 0x80) {
      const pair = previous * MODEL.units + context;
      pairs.set(pair, (pairs.get(pair) ?? 0) + weight);
    }
    previous = context;
  }
}

/** Bits of each character in eighths, then the class of each pair's slot in two bits. */
function model(): Buffer {
  const total = characters.reduce((sum, n) => sum + n, 0);
  const bytes = Buffer.alloc(MODEL.units + MODEL.pairSlots / 4);
  for (let unit = 0; unit < MODEL.units; unit++) {
    const bits = -Math.log2((characters[unit]! + 0.05) / total);
    bytes[unit] = Math.min(255, Math.round(bits * MODEL.eighths));
  }
  const frequent = [...pairs].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, MODEL.pairs);
  for (const [pair, n] of frequent) {
    const [first, second] = [Math.floor(pair / MODEL.units), pair % MODEL.units];
    const information = Math.log2((n * total) / (characters[first]! * characters[second]!));
    const strength = MODEL.informationOf.findLastIndex((least) => information >= least);
    const slot = pairSlot(first, second);
    const at = MODEL.units + (slot >> 2);
    const shift = 2 * (slot & 3);
    if (strength > ((bytes[at]! >> shift) & 3)) bytes[at] = (bytes[at]! & ~(3 << shift)) | (strength << shift);
  }
  return bytes;
}

const { values, positionals } = parseArgs({ options: { out: { type: 'string' } }, allowPositionals: true });
if (values.out === undefined || positionals.length === 0) {
  console.error('usage: node packages/corpus/scripts/character-model/train.ts --out FILE path.jsonl[.zst][:weight]…');
  process.exitCode = 2;
} else {
  for (const argument of positionals) {
    const [path, weight] = argument.split(':') as [string, string | undefined];
    await count(path, Number(weight ?? 1));
    console.error(`${path}: ${pairs.size} pairs so far`);
  }
  writeFileSync(values.out, brotliCompressSync(model(), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}
