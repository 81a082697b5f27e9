/** `tunan eval run perplexity --by FIELD`: bits per character of each kind of held-out text, beside those of an n-gram trained on the same texts. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CharacterNgram, KindedText, StoredBits } from '@tunan/evaluation';
import { readJsonFile } from '@tunan/protocol/mistakes';
import type { Report } from '../command.ts';
import { CommandLineError, UsageError } from '../errors.ts';
import { spoken, text } from '../language.ts';
import { loadModel } from '../model-options.ts';
import { ProgressLine, percent } from '../progress.ts';
import { alignedTable } from '../table.ts';
import { writeBits } from './perplexity.ts';

export interface ByKindOptions {
  readonly model: string | undefined;
  readonly corpus: string;
  readonly split: string;
  readonly limit: number | undefined;
  readonly out: string | undefined;
  readonly by: string;
  readonly kinds: string | undefined;
  /** Corpora in whose training splits the texts are looked for. */
  readonly seen: string | undefined;
  readonly baseline: string | undefined;
  readonly 'baseline-mib': number;
  readonly device: string;
  readonly dtype: string;
}

interface NgramBits {
  readonly order: number;
  /** Symbols of the training texts that were counted (characters, and two a document), of how many. */
  readonly counted: number;
  readonly of: number;
  readonly whole: boolean;
  readonly kinds: Readonly<Record<string, StoredBits>>;
}

const ORDER = 5;
/** A text of which less stands in training is clean (Touvron et al. 2023, Llama 2, appendix A.6): the phrases of its kind, quotations. */
const COPY = 0.2;
/** At most, for counting and for the tables: four arrays of a number a character, and the n-grams themselves. */
const BYTES_A_CHARACTER = 32;

export async function measureByKind(options: ByKindOptions): Promise<Report> {
  if (options.model === undefined && options.baseline === undefined) {
    throw new UsageError(text('give --model, --baseline or both', '请给出 --model、--baseline，或两者都给'));
  }
  const { modelBitsByKind, modelIdentity, joinedBits } = await import('@tunan/evaluation');
  const held = await kindedTexts(options);
  const texts = options.seen === undefined ? held : await withoutCopies(held, placesOf(options.seen));
  const ngram = options.baseline === undefined ? undefined : await baseline(options.baseline, texts, options);
  const progress = new ProgressLine();
  let bits: Map<string, StoredBits> | undefined;
  let identity: string | undefined;
  if (options.model !== undefined) {
    const { model, tokenizer } = await loadModel(options.model, options);
    bits = await modelBitsByKind(model, tokenizer, texts, {
      onProgress: (done, total) => progress.show(percent(done, total)),
    });
    identity = modelIdentity(options.model, `${model.dtype} ${options.device}`);
  }
  progress.end();
  const documents = Map.groupBy(texts, ({ kind }) => kind);
  const kinds: Row[] = [...documents].map(([kind, of]) => ({
    kind,
    documents: of.length,
    ...(bits === undefined ? {} : { model: bits.get(kind)! }),
    ...(ngram === undefined ? {} : { ngram: ngram.kinds[kind]! }),
  }));
  kinds.sort((a, b) => charactersOf(b) - charactersOf(a));
  const joined = (rows: readonly Row[]) => ({
    documents: rows.reduce((n, row) => n + row.documents, 0),
    ...(bits === undefined ? {} : { model: joinedBits(rows.map(({ model }) => model!)) }),
    ...(ngram === undefined ? {} : { ngram: joinedBits(rows.map((row) => row.ngram!)) }),
  });
  const unseen = kinds.filter(({ kind }) => kind !== copies());
  const parts = unseen.length === kinds.length || unseen.length === 0 ? {} : { unseen: joined(unseen) };
  const all = joined(kinds);
  const data = { suite: 'perplexity', split: options.split, by: options.by, kinds, ...parts, all };
  const lines = table([
    ...kinds,
    ...Object.values(parts).map((row) => ({ kind: text('all but these', '此外合计'), ...row })),
    { kind: text('all', '合计'), ...all },
  ]);
  if (ngram?.whole === false) {
    const known = Math.round((100 * ngram.counted) / ngram.of);
    lines.push(
      text(
        `the 5-gram knows ${known} % of the training text; more with --baseline-mib`,
        `五元模型只统计了 ${known}% 的训练文本；可用 --baseline-mib 增加`,
      ),
    );
  }
  const { out, corpus, limit } = options;
  if (out === undefined) return { data, lines };
  const named =
    options.model === undefined ? {} : { model: { name: path.basename(path.resolve(options.model)), identity } };
  const file = writeBits(out, { ...data, corpus, limit, textsSha256: textsSha256(texts), ngram, ...named });
  return { data: { ...data, out: file }, lines: [...lines, '', text(`results: ${file}`, `结果：${file}`)] };
}

interface Row {
  readonly kind: string;
  readonly documents: number;
  readonly model?: StoredBits;
  readonly ngram?: StoredBits;
}

function charactersOf({ model, ngram }: Omit<Row, 'kind'>): number {
  return (model ?? ngram)!.characters;
}

function table(rows: readonly Row[]): string[] {
  const number = (bits: StoredBits | undefined) => (bits === undefined ? '—' : bits.bitsPerCharacter.toFixed(3));
  const cells = rows.map((row) => {
    const { kind, documents, model, ngram } = row;
    const less =
      model === undefined || ngram === undefined
        ? '—'
        : `${(100 * (model.bitsPerCharacter / ngram.bitsPerCharacter - 1)).toFixed(1)} %`;
    return [
      kind,
      documents.toLocaleString('en'),
      charactersOf(row).toLocaleString('en'),
      number(ngram),
      number(model),
      less,
    ];
  });
  const heads = [
    text('kind', '种类'),
    text('documents', '文档'),
    text('characters', '字数'),
    text('5-gram', '五元模型'),
    text('model', '模型'),
    text('difference', '相差'),
  ];
  return [text('bits per character', '每字比特数'), ...alignedTable(heads, cells)];
}

/** The documents of the split of one corpus or several, each with its kind. */
async function kindedTexts({ corpus, split, limit, by, kinds }: ByKindOptions): Promise<KindedText[]> {
  const { openCorpus, SPLITS } = await import('@tunan/corpus');
  const found = SPLITS.find((known) => known === split);
  if (found === undefined) {
    throw new UsageError(text(`--split is one of ${SPLITS.join(', ')}`, `--split 应为 ${SPLITS.join('、')} 之一`));
  }
  const names = kindNames(kinds);
  const texts: KindedText[] = [];
  for (const place of placesOf(corpus)) {
    for await (const document of openCorpus(place).documents(found)) {
      if (limit !== undefined && texts.length >= limit) return texts;
      const value = by === 'source' ? document.source : document.meta[by];
      texts.push({
        kind: value === undefined ? text('(none)', '（无）') : (names.get(value) ?? value),
        text: document.text,
      });
    }
  }
  if (texts.length > 0) return texts;
  throw new CommandLineError(
    'CLI_INPUT',
    text(`${corpus}: the ${split} split holds no document`, `${corpus}：${split} 划分中没有文档`),
  );
}

/** The kind of the documents that training has seen under another name. */
function copies(): string {
  return text('a fifth or more seen', '训练中已见两成');
}

/** Documents of which a fifth or more stands in a training split are a kind of their own. */
async function withoutCopies(texts: readonly KindedText[], places: readonly string[]): Promise<KindedText[]> {
  const { openCorpus, SeenTexts } = await import('@tunan/corpus');
  const seen = new SeenTexts(texts.map((one) => one.text));
  const corpora = places.map(openCorpus);
  const total = corpora.reduce((n, { manifest }) => n + manifest.splits.train.documents, 0);
  const progress = new ProgressLine();
  let done = 0;
  for (const corpus of corpora) {
    for await (const document of corpus.documents('train')) {
      seen.read(document.text);
      progress.show(`${text('looking for copies', '查找已见文本')} ${percent(++done, total)}`);
    }
  }
  progress.end();
  const shares = seen.shares();
  return texts.map((one, i) => (shares[i]! >= COPY ? { ...one, kind: copies() } : one));
}

/** Several corpora are written with commas between them. */
function placesOf(list: string): string[] {
  return existsSync(list) ? [list] : list.split(',').filter((place) => place !== '');
}

/** `{"kind": ["value", …]}` → the kind of each value. */
function kindNames(file: string | undefined): Map<string, string> {
  if (file === undefined) return new Map();
  const read = readJsonFile(file);
  if ('problem' in read) throw new CommandLineError('CLI_INPUT', spoken(read.problem), { cause: read.cause });
  const entries = Object.entries(read.value ?? {});
  if (entries.every((entry): entry is [string, string[]] => Array.isArray(entry[1]))) {
    return new Map(entries.flatMap(([kind, values]) => values.map((value) => [value, kind])));
  }
  throw new CommandLineError(
    'CLI_DAMAGED',
    text(`${file}: not of the form {"kind": ["value", "value"]}`, `${file}：应为 {"种类": ["取值", "取值"]} 的形式`),
  );
}

/** Counted from corpora, or taken from the results of an earlier run over the same texts. */
async function baseline(place: string, texts: readonly KindedText[], options: ByKindOptions): Promise<NgramBits> {
  if (place.endsWith('.json')) return storedBaseline(place, texts);
  const { ngramBitsByKind } = await import('@tunan/evaluation');
  const progress = new ProgressLine();
  const { ngram, ...read } = await trainNgram(placesOf(place), texts, options['baseline-mib'], progress);
  const kinds = ngramBitsByKind(ngram, texts, (done, total) =>
    progress.show(`${text('5-gram', '五元模型')} ${percent(done, total)}`),
  );
  progress.end();
  return { order: ORDER, ...read, kinds: Object.fromEntries(kinds) };
}

/** All documents of the train splits, or every n-th where memory would not hold the counts. */
async function trainNgram(
  places: readonly string[],
  texts: readonly KindedText[],
  mib: number,
  progress: ProgressLine,
): Promise<{ ngram: CharacterNgram } & Pick<NgramBits, 'counted' | 'of' | 'whole'>> {
  const [{ CharacterNgram, CharacterTextReader }, { openCorpus }] = await Promise.all([
    import('@tunan/evaluation'),
    import('@tunan/corpus'),
  ]);
  const corpora = places.map(openCorpus);
  const sizes = corpora.map(({ manifest }) => manifest.splits.train);
  const symbols = sizes.reduce((n, { characters, documents }) => n + characters + 2 * documents, 0);
  const share = Math.min(1, (mib * 2 ** 20) / BYTES_A_CHARACTER / Math.max(1, symbols));
  // A character outside the basic plane is two units of a text while it is read.
  const reader = new CharacterTextReader(Math.ceil(symbols * share * 1.01) + 1024);
  let taken = 0;
  for (const corpus of corpora) {
    for await (const { text: document } of corpus.documents('train')) {
      taken += share;
      if (taken < 1) continue;
      taken -= 1;
      reader.add(document);
      progress.show(`${text('reading', '读取')} ${percent(reader.length, symbols * share)}`);
    }
  }
  progress.show(text('counting', '计数'));
  const counted = reader.length;
  const ngram = new CharacterNgram(reader.finish(texts.map((one) => one.text)), ORDER);
  return { ngram, counted, of: symbols, whole: share === 1 };
}

function storedBaseline(file: string, texts: readonly KindedText[]): NgramBits {
  const read = readJsonFile(file);
  if ('problem' in read) throw new CommandLineError('CLI_INPUT', spoken(read.problem), { cause: read.cause });
  const stored = read.value as { textsSha256?: string; ngram?: NgramBits } | null;
  if (stored?.ngram === undefined) {
    throw new CommandLineError(
      'CLI_DAMAGED',
      text(
        `${file}: no perplexity.json with an n-gram; make one with --baseline CORPUS --out DIR`,
        `${file}：不是含 n 元模型的 perplexity.json；请用 --baseline 语料 --out 目录 生成`,
      ),
    );
  }
  if (stored.textsSha256 === textsSha256(texts)) return stored.ngram;
  throw new CommandLineError(
    'CLI_INPUT',
    text(
      `${file} was measured over other texts or kinds; give the corpora as --baseline`,
      `${file} 所测的文本或种类不同；请用 --baseline 给出语料`,
    ),
  );
}

function textsSha256(texts: readonly KindedText[]): string {
  const hash = createHash('sha256');
  for (const { kind, text: content } of texts) hash.update(`${JSON.stringify([kind, content])}\n`);
  return hash.digest('hex');
}
