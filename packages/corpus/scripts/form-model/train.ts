/**
 * Makes src/stages/form-model.bin: which of two forms a character has, learnt from Simplified text.
 *
 *   node packages/corpus/scripts/form-model/train.ts [--data ../shared/data] [--out FILE] [--evaluate]
 *
 * Every place of one of a choice's two forms is an example: 着 and 著, 干 and 乾. Forms that a name alone has are rare in any text, so
 * places of characters that names are made of stand for them (PROXIES). What is read stands in TEXTS: files of {"text"} a line, all from
 * public repositories, each with its SHA-256, for the same files give the same bytes. Every tenth document is held out: --evaluate says how
 * many of its places come out right. The file holds hashes and weights, no text.
 */
import { createHash } from 'node:crypto';
import { createReadStream, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import { seededRandom } from '@tunan/classifier';
import { readJsonLines } from '../../src/reading/json-lines.ts';
import { contextOf } from '../../src/stages/character-forms.ts';
import { CHOICES } from '../../src/stages/choices.ts';
import { contextKeys, KEYS, WEIGHT_SCALE } from '../../src/stages/form-choice.ts';
import { scriptOf } from '../../src/stages/script.ts';
import { shuffle } from '../quality-labels/random.ts';

interface Text {
  file: string;
  sha256: string;
}

const TEXTS: readonly Text[] = [
  ['corpora/modern-history', 'eda048ebf34c52a521a2799d98d1b8c2b67114e6db1d38978f4eda8ffedfea25'],
  ['corpora/classical-modern-pairs', '0a3b5bc9c6a83d03b402a4bbbb62adaf572293ce74f58ba6eaaabc4ab51f4c52'],
  ['corpora/vernacular-novels', 'a799f1ded2936c765325031a7de904e1da9f096c4ce0c4ca1fdcc387f7a6e7b6'],
  ['corpora/law', '3624358a608f2ea78ced4f34b125415b059b3e937fdacfc05d6f0b7401956076'],
  ['corpora/dialogue-crosswoz', '6134d90afa6d0689c764d32d12ce36c6d36aa806a7e2ff2f0839b2aa657f9ad8'],
  ['corpora/dialogue-kdconv', 'ecb5663ba603c334c7450558090e0f91be368d85a63f10279107084487369bff'],
  ['modern/tech-essays', '163169d0eaacab79473232a6a2f6ce1dce1ede270988bd56838e9cb602f255c2'],
  ['modern/stories', 'c19127ca436a2d8e8a2f32f9bd56d8be46e14b744af38e3b811abee92c056bd4'],
  ['modern/encyclopaedia', 'b23fad401a0acdea304a79a345b02e9ba484bc65671d2589f0334b425ab4f20c'],
  ['modern/dialogue', '1922acc2177caa57319dd92e60765a2ff32bd580ffcc987ec698aeb8f5bb89d5'],
  ['modern/programming-books', '2dde2e0c71522bcd04a545447af2900b9ff1783a4d42d97b9a60146c2366ea42'],
  ['modern/systems-docs', 'f52a42c3042f1331093bc7c3a5550c404667ebfbca8336cd1a02c640bb5fbdd4'],
  ['modern/python-manual', 'e782a8a46f48ab130d64a37f5b3020ec610b668d91d188bb4e512e655e2ba5c5'],
  ['modern/cooking', '984c20e14cda7d12814e2305468147d82e80f48efc16385f6ac4b77d6d1002b6'],
  ['modern/language-learning', '7aa23afe83dfeac62aa5f23842bbea4659b006eb1e900da0ac99c7cb7a1d2889'],
  ['modern/design-hardware', '932c8b47593d32f804aaf56b99dcec25994726cf98a215c3816aeba9320bb231'],
  ['modern/web-docs', 'aae07dc6317f61efadc5cc2fea1cffbc2ee9cf5b5126280161bbdb5cd99c35da'],
].map(([file, sha256]) => ({ file: `${file}.jsonl.zst`, sha256: sha256! }));

/** What bench/simplify.ts measures on. */
const HELD_OUT_SOURCE = 'UniversalDependencies/UD_Chinese-GSDSimp';
const HELD_OUT_EVERY = 10;

/** Characters that stand where a form of names would: given names for 乾 and 迺. */
const PROXIES: Readonly<Record<string, string>> = {
  乾: '彬昊晟昱钊炜喆勋凯霖涛铭轩',
  迺: '彬昊晟昱钊炜喆勋凯霖涛铭轩',
};

/** So many examples of a form are kept, drawn evenly from all. */
const MOST_EXAMPLES = 80_000;
const EPOCHS = 6;
const RATE = 0.3;
const DECAY = 1e-5;
/** The rarer form of a choice weighs at least this share of the other, and all its proxies so much. */
const LEAST_BALANCE = 0.2;
const PROXY_BALANCE = 0.05;
const LEAST_COUNT = 3;
const LEAST_WEIGHT = 0.25;

/** Keys of examples, KEYS a place. */
class Examples {
  readonly keys: Uint32Array[] = [];
  seen = 0;

  add(keys: Uint32Array, random: () => number): void {
    this.seen++;
    if (this.keys.length < MOST_EXAMPLES) this.keys.push(keys);
    else {
      const at = Math.floor(random() * this.seen);
      if (at < MOST_EXAMPLES) this.keys[at] = keys;
    }
  }
}

interface Forms {
  keep: Examples;
  change: Examples;
  proxies: Examples;
}
const noForms = (): Forms[] =>
  CHOICES.map(() => ({ keep: new Examples(), change: new Examples(), proxies: new Examples() }));

/** By UTF-16 unit: the choices that it is a form of. */
const formsOf = new Map<number, { choice: number; form: keyof Forms }[]>();
for (const [choice, { character, keep, change, otherwise }] of CHOICES.entries()) {
  if (otherwise !== undefined) continue;
  note(keep, { choice, form: 'keep' });
  note(change, { choice, form: 'change' });
  for (const proxy of PROXIES[character] ?? '') note(proxy, { choice, form: 'proxies' });
}

function note(character: string, use: { choice: number; form: keyof Forms }): void {
  const unit = character.charCodeAt(0);
  formsOf.set(unit, [...(formsOf.get(unit) ?? []), use]);
}

async function checkHash(file: string, expected: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  if (hash.digest('hex') !== expected) throw new Error(`${file} is not the file that the model is made of (SHA-256)`);
}

async function* documents(file: string): AsyncGenerator<string> {
  for await (const { value } of readJsonLines(file)) {
    const document = value as { source?: string; text?: string; messages?: { content: string }[] };
    if (document.source?.startsWith(HELD_OUT_SOURCE)) continue;
    yield document.text ?? document.messages!.map(({ content }) => content).join('\n');
  }
}

/** Some old editions write 著 for every 着: their places say nothing. */
const CARELESS = /[看说听坐站走带拿笑跟]著/;

function collect(text: string, into: readonly Forms[], random: () => number): void {
  if (scriptOf(text) !== 'Hans') return;
  let careless: boolean | undefined;
  for (let at = 0; at < text.length; at++) {
    const uses = formsOf.get(text.charCodeAt(at));
    if (uses === undefined) continue;
    careless ??= CARELESS.test(text);
    for (const { choice, form } of uses) {
      if (careless && CHOICES[choice]!.character === '著') continue;
      const keys = new Uint32Array(KEYS);
      contextKeys(contextOf(text, at), choice, keys);
      into[choice]![form].add(keys, random);
    }
  }
}

type Weights = ReadonlyMap<number, number>;

function countsOf(examples: readonly Uint32Array[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const keys of examples) for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Logistic regression by AdaGrad; the sum of weights is the log odds of `change`. */
function train({ keep, change, proxies }: Forms, random: () => number): Weights {
  const all = [
    ...keep.keys.map((keys) => ({ keys, target: 0, weight: weightOf(keep, change) })),
    ...change.keys.map((keys) => ({ keys, target: 1, weight: weightOf(change, keep) })),
    ...proxies.keys.map((keys) => ({
      keys,
      target: 0,
      weight: Math.min(1, (PROXY_BALANCE * change.keys.length) / proxies.keys.length),
    })),
  ];
  const counts = countsOf(all.map(({ keys }) => keys));
  const index = new Map([...counts.keys()].filter((key) => counts.get(key)! >= LEAST_COUNT).map((key, i) => [key, i]));
  const rows = all.map(({ keys, ...row }) => ({ ...row, features: [...keys].flatMap((key) => index.get(key) ?? []) }));
  const weights = new Float64Array(index.size);
  const squares = new Float64Array(index.size).fill(1e-6);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const { features, target, weight } of shuffle(rows, random)) {
      let sum = 0;
      for (const i of features) sum += weights[i]!;
      const error = weight * (target - 1 / (1 + Math.exp(-sum)));
      for (const i of features) {
        const gradient = error - DECAY * weights[i]!;
        squares[i] = squares[i]! + gradient * gradient;
        weights[i] = weights[i]! + (RATE * gradient) / Math.sqrt(squares[i]! + 1);
      }
    }
  }
  return new Map(
    [...index].map(([key, i]) => [key, weights[i]!] as const).filter(([, w]) => Math.abs(w) >= LEAST_WEIGHT),
  );
}

function weightOf(own: Examples, other: Examples): number {
  return Math.max(1, (LEAST_BALANCE * other.keys.length) / own.keys.length);
}

function modelFile(weights: Weights): Buffer {
  const keys = [...weights.keys()].sort((a, b) => a - b);
  const bytes: number[] = [];
  let previous = 0;
  for (const key of keys) {
    let difference = key - previous;
    for (; difference >= 0x80; difference = Math.floor(difference / 0x80)) bytes.push((difference & 0x7f) | 0x80);
    bytes.push(difference);
    previous = key;
  }
  const head = Buffer.alloc(4);
  head.writeUInt32LE(keys.length);
  const tail = Int8Array.from(keys, (key) =>
    Math.max(-127, Math.min(127, Math.round(WEIGHT_SCALE * weights.get(key)!))),
  );
  return Buffer.concat([head, Buffer.from(bytes), Buffer.from(tail.buffer)]);
}

/** Of the held-out places of either form, how many come out right. */
function evaluate(held: readonly Forms[], weights: Weights): void {
  for (const [choice, { character, keep, change }] of CHOICES.entries()) {
    const right = (examples: Examples, changes: boolean) =>
      examples.keys.filter((keys) => keys.reduce((sum, key) => sum + (weights.get(key) ?? 0), 0) > 0 === changes)
        .length;
    const { keep: kept, change: changed } = held[choice]!;
    const share = (examples: Examples, changes: boolean) => `${right(examples, changes)} of ${examples.keys.length}`;
    console.error(`${character}: ${keep} ${share(kept, false)}, ${change} ${share(changed, true)}`);
  }
}

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: path.join(import.meta.dirname, '../../../../../shared/data') },
    out: { type: 'string', default: path.join(import.meta.dirname, '../../src/stages/form-model.bin') },
    evaluate: { type: 'boolean', default: false },
  },
});
const random = seededRandom(1);
const [learnt, held] = [noForms(), noForms()];
for (const { file, sha256 } of TEXTS) {
  const place = path.join(values.data, file);
  await checkHash(place, sha256);
  let at = 0;
  for await (const text of documents(place)) {
    const isHeld = at++ % HELD_OUT_EVERY === 0;
    collect(text, isHeld ? held : learnt, random);
  }
}
const weights = new Map<number, number>();
for (const [choice, forms] of learnt.entries()) {
  for (const [key, weight] of train(forms, random)) weights.set(key, weight);
  console.error(
    `${CHOICES[choice]!.character}: ${forms.keep.seen} and ${forms.change.seen} places, ${weights.size} weights so far`,
  );
}
if (values.evaluate) evaluate(held, weights);
writeFileSync(values.out, brotliCompressSync(modelFile(weights), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
