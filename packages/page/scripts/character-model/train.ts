/**
 * Makes src/repair/character-model.bin: counts characters and pairs of characters of Chinese text.
 *
 *   node packages/page/scripts/character-model/train.ts [--data ../shared/data] [--out FILE]
 *
 * What is counted stands in TEXTS: files of {"text"} a line, all from public repositories, each with its SHA-256, for the same
 * files give the same bytes. `corpora/` is what the recipe open-texts builds; `web/raw/text/` are
 * messages (wdingao/Spam-SMS-recognition), reviews (SophonPlus/ChineseNlpCorpus), comments (thu-coai/COLDataset), questions and answers
 * (open-chinese/alpaca-chinese-dataset), encyclopedia (DRCKnowledgeTeam/DRCD) and articles (ruanyf/weekly, LCTT/TranslateProject).
 * Weights make up for what there is too much of. Only every second document is counted: the others, the pages that bench/repair.ts
 * damages and the texts that are not named here are for measuring. The file holds classes of counts, no text.
 */
import { createHash } from 'node:crypto';
import { createReadStream, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants, createZstdDecompress } from 'node:zlib';
import { simplecc } from 'simplecc-wasm';
import { contextOf, MODEL, pairSlot } from '../../src/repair/character-model.ts';

interface Text {
  file: string;
  weight: number;
  sha256: string;
}

const TEXTS: readonly Text[] = [
  {
    file: 'corpora/modern-history.jsonl.zst',
    weight: 1,
    sha256: 'eda048ebf34c52a521a2799d98d1b8c2b67114e6db1d38978f4eda8ffedfea25',
  },
  {
    file: 'corpora/classical-modern-pairs.jsonl.zst',
    weight: 0.3,
    sha256: '0a3b5bc9c6a83d03b402a4bbbb62adaf572293ce74f58ba6eaaabc4ab51f4c52',
  },
  {
    file: 'corpora/vernacular-novels.jsonl.zst',
    weight: 0.3,
    sha256: 'a799f1ded2936c765325031a7de904e1da9f096c4ce0c4ca1fdcc387f7a6e7b6',
  },
  {
    file: 'corpora/law.jsonl.zst',
    weight: 0.5,
    sha256: '3624358a608f2ea78ced4f34b125415b059b3e937fdacfc05d6f0b7401956076',
  },
  {
    file: 'corpora/dialogue-crosswoz.jsonl.zst',
    weight: 3,
    sha256: '6134d90afa6d0689c764d32d12ce36c6d36aa806a7e2ff2f0839b2aa657f9ad8',
  },
  {
    file: 'corpora/dialogue-kdconv.jsonl.zst',
    weight: 3,
    sha256: 'ecb5663ba603c334c7450558090e0f91be368d85a63f10279107084487369bff',
  },
  {
    file: 'web/raw/text/sms_spam.jsonl',
    weight: 4,
    sha256: '0a2b72e30923f0d5386a07fdee48083a49356cc62d767ad04f3abd4bac8d8e36',
  },
  {
    file: 'web/raw/text/review.jsonl',
    weight: 6,
    sha256: '7cda3cfdab74941623360f91ac2bfe10ad346472b0954ea4b458a8dcb6de45e8',
  },
  {
    file: 'web/raw/text/newsletter.jsonl',
    weight: 6,
    sha256: '6c267e1f69a9ce50fa036e57def7a6a320aa3e9533d67b1a592e40627258bc7e',
  },
  {
    file: 'web/raw/text/tech_article.jsonl',
    weight: 6,
    sha256: 'e93066eabf2aaddc8552a48e70f7b7d2d7a6bb1163553c7bd59d140305b1dd29',
  },
  {
    file: 'web/raw/text/traditional_wiki.jsonl',
    weight: 10,
    sha256: '2b1f4c67ef90cf9eed72743b175551b83c365713c5d9a6f68af68b7a24aadbf7',
  },
  {
    file: 'web/raw/text/instruction_qa.jsonl',
    weight: 6,
    sha256: 'b51e5c7e49bc733fa5761731a7ea0f206dea12ee12ddf1627e1c020fdd9780e9',
  },
  {
    file: 'web/raw/text/offensive.jsonl',
    weight: 4,
    sha256: '9e5833b812b45f8f4a9d28b7d0347ccf469e5caae02a1d796d41ef6f8eaf7275',
  },
];

/** Every so many documents, from the first on, are counted. */
const EVERY = 2;

const characters = new Float64Array(MODEL.units);
const pairs = new Map<number, number>();

async function checkHash(file: string, expected: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  if (hash.digest('hex') !== expected) throw new Error(`${file} is not the file that the model is made of (SHA-256)`);
}

async function count(file: string, weight: number): Promise<void> {
  const input = file.endsWith('.zst') ? createReadStream(file).pipe(createZstdDecompress()) : createReadStream(file);
  let at = 0;
  for await (const line of createInterface({ input })) {
    if (line === '' || at++ % EVERY !== 0) continue;
    countText(simplecc((JSON.parse(line) as { text: string }).text, 't2s'), weight);
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

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: path.join(import.meta.dirname, '../../../../../shared/data') },
    out: { type: 'string', default: path.join(import.meta.dirname, '../../src/repair/character-model.bin') },
  },
});
for (const { file, weight, sha256 } of TEXTS) {
  const place = path.join(values.data, file);
  await checkHash(place, sha256);
  await count(place, weight);
  console.error(`${file}: ${pairs.size} pairs so far`);
}
writeFileSync(values.out, brotliCompressSync(model(), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
