/** The figures of a model as tables in Markdown, from what the commands of report.ts left as JSON. A step that was not run has no table. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { MeanSummary, Rate, SafetyReport, StoredBits, TaskSummary } from '@tunan/evaluation';

interface KindRow {
  readonly kind: string;
  readonly documents: number;
  readonly model?: StoredBits;
  readonly ngram?: StoredBits;
}

type Score = Pick<TaskSummary, 'accuracy' | 'interval' | 'majority' | 'random'> & { readonly examples?: number };

/** What each step left, by its name. */
export interface Figures {
  readonly training?: {
    readonly answer: string;
    readonly verdicts: readonly { readonly said: { readonly en: string } }[];
  };
  readonly bits?: {
    readonly kinds: readonly KindRow[];
    /** Of the kinds that training has not seen. */
    readonly unseen?: Omit<KindRow, 'kind'>;
    readonly all: Omit<KindRow, 'kind'>;
  };
  readonly zeroclue?: Suite;
  readonly fewclue?: Suite;
  readonly 'fewclue-tuned'?: Suite;
  /** By the name of the corpus. */
  readonly safety: Readonly<Record<string, SafetyReport>>;
}

interface Suite {
  readonly tasks: Readonly<Record<string, Score>>;
  readonly mean?: MeanSummary;
}

const SUITES = ['zeroclue', 'fewclue', 'fewclue-tuned'] as const;

export function readFigures(folder: string): Figures {
  const read = (name: string): unknown => {
    const file = path.join(folder, `${name}.json`);
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  };
  const names = ['training', 'bits', ...SUITES] as const;
  const found = Object.fromEntries(names.flatMap((name) => (read(name) === undefined ? [] : [[name, read(name)]])));
  const safety = Object.fromEntries(
    ['prose', 'poems'].flatMap((corpus) => {
      const one = read(`safety-${corpus}`);
      return one === undefined ? [] : [[corpus, one]];
    }),
  );
  return { ...found, safety } as Figures;
}

/** @param trial said above all tables where they are of a part of the data */
export function figuresMarkdown(figures: Figures, trial?: string): string {
  const { training, bits, safety } = figures;
  const parts = [
    '# Figures',
    ...(trial === undefined ? [] : [`**${trial}**`]),
    ...(training === undefined
      ? []
      : ['## Loss', [training.answer, ...training.verdicts.map(({ said }) => `- ${said.en}`)].join('\n')]),
    ...(bits === undefined ? [] : ['## Bits per character by kind', bitsTable(bits)]),
    ...SUITES.flatMap((name) => (figures[name] === undefined ? [] : [`## ${name}`, suiteTable(figures[name])])),
    ...Object.entries(safety).flatMap(([corpus, found]) => [`## Copying from the ${corpus}`, copyTable(found)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function bitsTable({ kinds, unseen, all }: NonNullable<Figures['bits']>): string {
  const rows: readonly KindRow[] = [
    ...kinds,
    ...(unseen === undefined ? [] : [{ kind: 'all but what is seen', ...unseen }]),
    { kind: 'all', ...all },
  ];
  const number = (bits: StoredBits | undefined) => bits?.bitsPerCharacter.toFixed(3) ?? '—';
  return table(
    ['kind', 'documents', 'characters', '5-gram', 'model', 'difference'],
    rows.map(({ kind, documents, model, ngram }) => {
      const both = model !== undefined && ngram !== undefined;
      const change = both ? `${(100 * (model.bitsPerCharacter / ngram.bitsPerCharacter - 1)).toFixed(1)} %` : '—';
      return [kind, String(documents), String((model ?? ngram)?.characters ?? 0), number(ngram), number(model), change];
    }),
  );
}

function suiteTable({ tasks, mean }: Suite): string {
  const percent = (share: number | undefined) => (share === undefined ? '—' : (100 * share).toFixed(2));
  const row = (name: string, { accuracy, interval, majority, random, examples }: Score) => [
    name,
    percent(accuracy),
    interval === undefined ? '—' : `${percent(interval.low)} – ${percent(interval.high)}`,
    percent(majority),
    percent(random),
    examples === undefined ? '—' : String(examples),
  ];
  return table(
    ['task', 'accuracy', '95 %', 'majority', 'random', 'examples'],
    [
      ...Object.entries(tasks).map(([name, score]) => row(name, score)),
      ...(mean === undefined ? [] : [row('mean', mean)]),
    ],
  );
}

function copyTable({ copying }: SafetyReport): string {
  const percent = (share: number) => (100 * share).toFixed(2);
  const rate = (found: Rate | undefined) =>
    found === undefined
      ? '—'
      : `${percent(found.rate)} % of ${found.of} (${percent(found.interval.low)} – ${percent(found.interval.high)})`;
  return table(
    ['measure', 'result'],
    [
      ['characters in runs that stand in the training text', `${percent(copying.copiedShare)} %`],
      ['texts with such a run', rate(copying.texts)],
      ['longest run, characters', String(copying.longestRun)],
      ['training documents continued word for word', rate(copying.memorised)],
      ['test documents continued word for word', rate(copying.control)],
    ],
  );
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
