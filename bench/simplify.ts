/**
 * Traditional → Simplified: our stage beside simplecc and OpenCC, character by character, on the characters that have two forms.
 *
 *   node bench/simplify.ts [--data DIR] [--pairs FILE]… [--sentences 40000] [--json]
 *
 * Three kinds of text. The sentences of our own (packages/corpus/fixtures/simplify.txt). Simplified sentences of documents that the
 * model has not seen (every tenth of DIR, default ../shared/data; scripts/form-model says which files), written in Traditional characters
 * by OpenCC's table s2t with 著 for 着, as Taiwan writes it: what OpenCC has in its own tables it undoes, so this favours it. And files of
 * lines "Traditional, tab, Simplified" of one length that others have aligned: such as UD_Chinese-GSD with UD_Chinese-GSDSimp, and CC-CEDICT.
 * A character counts where it has two forms; right is what stands in the Simplified text. `ours` treats a text as Traditional, as
 * a document would be. Python's OpenCC (bench/peers.txt) is left out with a word where .peers is absent.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { simplecc } from 'simplecc-wasm';
import { stagesOf } from './stages.ts';

const root = path.resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: path.join(root, '../shared/data') },
    pairs: { type: 'string', multiple: true, default: [] },
    sentences: { type: 'string', default: '40000' },
    json: { type: 'boolean', default: false },
  },
});

interface Pair {
  traditional: string;
  simplified: string;
}
interface Score {
  places: number;
  right: Record<string, number>;
}

const FILES = [
  'corpora/modern-history',
  'corpora/vernacular-novels',
  'corpora/law',
  'modern/tech-essays',
  'modern/stories',
];
const HELD_OUT_EVERY = 10;
/** Each character with its two forms, as stages/choices.ts has them. */
const FORMS = (
  '著著着 乾乾干 徵徵征 覆覆复 藉藉借 瞭瞭了 昇昇升 陞陞升 鍾锺钟 甯甯宁 夥夥伙 祇祇只 迺迺乃 釐釐厘 鉅钜巨 鍊链炼 脩脩修 蒐蒐搜 谿谿溪 氾氾泛 ' +
  '沈沈沉 讎雠仇 颺飏扬 畫画划 拚拚拼 逕迳径 祕祕秘 於於于 剋剋克 麼麽么 甦甦苏 彷彷仿 俱俱具 甚甚什 吒吒咤 閤合阁 蘋蘋苹 麴麹曲 靦䩄腼'
).split(' ');
const HAS_TWO = new Set(FORMS.map((forms) => forms[0]!));
const TWO_FORMS = new Set(FORMS.flatMap((forms) => [...forms.slice(1)]));

const [simplify, simplifiedAlone] = await stagesOf([{ use: 'simplify' }, { use: 'language', scripts: ['Hans'] }]);

const draft = (title: string, body: string) => ({ id: '', source: '', title, body, meta: {} });

function fromLines(file: string, separator: string): Pair[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(separator) as [string, string])
    .map(([traditional, simplified]) => ({ traditional, simplified }))
    .filter(({ traditional, simplified }) => traditional.length === simplified.length);
}

/** Sentences with a character of two forms, as many of each file. */
function heldOut(most: number): Pair[] {
  return FILES.flatMap((file) => {
    const pairs: Pair[] = [];
    const lines = zstdDecompressSync(readFileSync(path.join(options.data, `${file}.jsonl.zst`)))
      .toString()
      .split('\n');
    for (let at = 0; at < lines.length && pairs.length < most / FILES.length; at += HELD_OUT_EVERY) {
      if (lines[at] === '') continue;
      const { text } = JSON.parse(lines[at]!) as { text: string };
      if (!('reason' in simplifiedAlone!(draft('', text))))
        pairs.push(...text.split(/(?<=[。！？\n])/).flatMap(inTraditional));
    }
    return pairs.slice(0, most / FILES.length);
  });
}

function inTraditional(sentence: string): Pair[] {
  const simplified = sentence.trim();
  const traditional = simplecc(simplified, 's2t').replaceAll('着', '著');
  const concerned = [...traditional].some((character) => HAS_TWO.has(character));
  return concerned && traditional.length === simplified.length ? [{ traditional, simplified }] : [];
}

/** As the title of a Traditional document. */
function ours(text: string): string {
  const { title } = simplify!(draft(text, '這個說法對嗎？')) as { title: string };
  return title;
}

type System = (texts: string[]) => string[];

function systems(): Record<string, System> {
  const each = (convert: (text: string) => string) => (texts: string[]) => texts.map(convert);
  const all: Record<string, System> = {
    ours: each(ours),
    simplecc: each((text) => simplecc(text, 't2s')),
  };
  const python = path.join(root, '.peers/bin/python');
  if (!existsSync(python)) {
    console.error('.peers is absent: OpenCC itself is left out (bench/peers.txt)');
    return all;
  }
  const script = path.join(import.meta.dirname, 'simplify/opencc_lines.py');
  const run = (configuration: string) => (texts: string[]) =>
    execFileSync(python, [script, configuration], {
      input: texts.join('\n'),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    }).split('\n');
  return { ...all, 'OpenCC t2s': run('t2s'), 'OpenCC tw2s': run('tw2s') };
}

/** By character with two forms; and over all characters under the name `all`. */
function measure(pairs: readonly Pair[], found: Record<string, string[]>): Record<string, Score> {
  const scores: Record<string, Score> = {};
  for (const [i, { traditional, simplified }] of pairs.entries()) {
    for (let at = 0; at < traditional.length; at++) {
      if (!HAS_TWO.has(traditional[at]!) || !TWO_FORMS.has(simplified[at]!)) continue;
      for (const name of [traditional[at]!, 'all']) {
        scores[name] ??= { places: 0, right: {} };
        scores[name].places++;
        for (const [system, texts] of Object.entries(found)) {
          const right = texts[i]!.length === simplified.length && texts[i]![at] === simplified[at];
          scores[name].right[system] = (scores[name].right[system] ?? 0) + (right ? 1 : 0);
        }
      }
    }
  }
  return scores;
}

function show(name: string, scores: Record<string, Score>): void {
  console.log(`\n${name}`);
  const rows = Object.entries(scores).sort(([, a], [, b]) => b.places - a.places);
  const table = rows.map(([character, { places, right }]) => {
    const shares = Object.entries(right).map(([system, n]) => [system, `${((100 * n) / places).toFixed(1)} %`]);
    return [character, { places, ...Object.fromEntries(shares) }];
  });
  console.table(Object.fromEntries(table));
}

const sets: Record<string, Pair[]> = {
  'sentences of our own': fromLines(path.join(root, 'packages/corpus/fixtures/simplify.txt'), '|'),
  ...Object.fromEntries(options.pairs.map((file) => [path.basename(file), fromLines(file, '\t')])),
};
if (existsSync(options.data)) sets['held-out documents'] = heldOut(Number(options.sentences));
const peers = systems();
const results: Record<string, Record<string, Score>> = {};
for (const [name, pairs] of Object.entries(sets)) {
  const texts = pairs.map(({ traditional }) => traditional);
  results[name] = measure(
    pairs,
    Object.fromEntries(Object.entries(peers).map(([system, run]) => [system, run(texts)])),
  );
  if (!options.json) show(name, results[name]);
}
if (options.json) console.log(JSON.stringify(results));
