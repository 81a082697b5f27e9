/**
 * How much of the text of Word files and PDFs is read: recall of characters and of runs of five, blanks left out, against other readers,
 * and of those against each other. What is left out on purpose (heads, feet, page numbers) counts as lost.
 *
 *   node bench/documents.ts --from FOLDER [--python .peers-documents/bin/python] [--json]
 *
 * FOLDER holds .docx and .pdf files; those in folders below it are not looked at. Readers: `python3 -m venv .peers-documents &&
 * .peers-documents/bin/pip install python-docx==1.2.0 pymupdf==2.0`, and pdftotext of Debian's poppler-utils.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildCorpus, openCorpus, parseRecipe, SPLITS } from '@tunan/corpus';

const { values } = parseArgs({
  options: {
    from: { type: 'string' },
    python: { type: 'string', default: '.peers-documents/bin/python' },
    json: { type: 'boolean', default: false },
  },
});
if (values.from === undefined) throw new Error('--from FOLDER: Word files and PDFs');
const from = path.resolve(values.from);
const RUN = 5;

type Texts = ReadonlyMap<string, string>;
const texts = new Map<string, Texts>([['tunan', await ownTexts()], ...peerTexts()]);
const pairs = [
  ['tunan', 'python-docx'],
  ['tunan', 'pdftotext'],
  ['tunan', 'PyMuPDF'],
  ['PyMuPDF', 'pdftotext'],
] as const;
const rows = pairs.flatMap(([reader, against]) => {
  const [own, other] = [texts.get(reader), texts.get(against)];
  return own === undefined || other === undefined ? [] : [{ reader, against, ...recall(own, other) }];
});
if (values.json) console.log(JSON.stringify(rows));
else {
  for (const { reader, against, files, characters, runs } of rows) {
    const [one, five] = [characters, runs].map((share) => `${(100 * share).toFixed(1)} %`);
    console.log(`${reader} against ${against}: ${files} files, characters ${one}, runs of ${RUN} ${five}`);
  }
}

async function ownTexts(): Promise<Texts> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-documents-'));
  try {
    const sources = [{ type: 'document', name: 'documents', paths: [from] }];
    const out = path.join(folder, 'corpus');
    await buildCorpus(parseRecipe({ name: 'documents', sources, stages: [] }, 'documents'), { out });
    const corpus = openCorpus(out);
    const found = new Map<string, string>();
    for (const split of SPLITS) {
      for await (const { id, text } of corpus.documents(split)) found.set(path.basename(id), text);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function peerTexts(): Map<string, Texts> {
  const program = path.join(import.meta.dirname, 'documents/peers.py');
  const output = execFileSync(values.python, [program, from], { encoding: 'utf8', maxBuffer: 2 ** 30 });
  const found = new Map<string, Map<string, string>>();
  for (const line of output.split('\n').filter((one) => one !== '')) {
    const { file, reader, text } = JSON.parse(line) as { file: string; reader: string; text: string };
    const texts = found.get(reader) ?? new Map<string, string>();
    found.set(reader, texts.set(file, text));
  }
  return found;
}

/** Over the files that both have read and that hold text by `other`. */
function recall(own: Texts, other: Texts) {
  const total = { characters: 0, found: 0, runs: 0, foundRuns: 0 };
  let files = 0;
  for (const [file, text] of other) {
    const [mine, theirs] = [own.get(file)?.replace(/\s+/gu, ''), text.replace(/\s+/gu, '')];
    if (mine === undefined || theirs === '') continue;
    files++;
    total.characters += theirs.length;
    total.found += shared(mine, theirs, 1);
    total.runs += Math.max(0, theirs.length - RUN + 1);
    total.foundRuns += shared(mine, theirs, RUN);
  }
  return { files, characters: total.found / total.characters, runs: total.foundRuns / total.runs };
}

/** How many runs of `length` of `theirs` stand in `mine` too, each as often as it does there. */
function shared(mine: string, theirs: string, length: number): number {
  const counts = new Map<string, number>();
  for (let i = 0; i + length <= mine.length; i++) {
    const run = mine.slice(i, i + length);
    counts.set(run, (counts.get(run) ?? 0) + 1);
  }
  let found = 0;
  for (let i = 0; i + length <= theirs.length; i++) {
    const run = theirs.slice(i, i + length);
    const left = counts.get(run) ?? 0;
    if (left > 0) {
      counts.set(run, left - 1);
      found++;
    }
  }
  return found;
}
