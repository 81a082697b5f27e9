/**
 * How often the stage `repair` raises a false alarm: passages of text that nobody damaged, seeded, through the stage, counted by
 * source: changed, rejected, and how fast the stage reads them.
 *
 *   node bench/repair-clean-text.ts FILE.jsonl[.zst]… [--passages 20000] [--characters 800] [--seed 1] [--show 0] [--json]
 *
 * FILE has {"text"} a line. A passage is a run of whole lines of about so many characters, or a whole document that is shorter; a file with
 * fewer passages gives all it has. --show N prints N changes of each kind and file, what was there and what became of it. What changes is
 * judged by a person: old files of the web do carry damage.
 */
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createZstdDecompress } from 'node:zlib';
import { isRejection } from '@tunan/corpus';
import { seededRandom } from './seeded-random.ts';
import { stagesOf } from './stages.ts';

const { values: options, positionals: files } = parseArgs({
  options: {
    passages: { type: 'string', default: '20000' },
    characters: { type: 'string', default: '800' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const [most, size, shown] = [Number(options.passages), Number(options.characters), Number(options.show)];

const repair = (await stagesOf([{ use: 'repair' }]))[0]!;

interface Row {
  source: string;
  passages: number;
  megabytes: number;
  alarms: Record<string, number>;
  seconds: number;
}

async function* passagesOf(file: string): AsyncGenerator<string> {
  const input = file.endsWith('.zst') ? createReadStream(file).pipe(createZstdDecompress()) : createReadStream(file);
  for await (const line of createInterface({ input })) {
    if (line === '') continue;
    let passage = '';
    for (const paragraph of (JSON.parse(line) as { text: string }).text.split('\n')) {
      passage += passage === '' ? paragraph : `\n${paragraph}`;
      if (passage.length < size) continue;
      yield passage;
      passage = '';
    }
    if (passage !== '') yield passage;
  }
}

/** Every passage has the same chance (reservoir sampling); they come out in the order of a seeded draw. */
async function sample(file: string): Promise<string[]> {
  const random = seededRandom(Number(options.seed));
  const chosen: string[] = [];
  let seen = 0;
  for await (const passage of passagesOf(file)) {
    seen++;
    if (chosen.length < most) chosen.push(passage);
    else {
      const at = Math.floor(random() * seen);
      if (at < most) chosen[at] = passage;
    }
  }
  return chosen;
}

function measure(source: string, passages: string[]): Row {
  const alarms: Record<string, number> = {};
  let seconds = 0;
  for (const text of passages) {
    const started = performance.now();
    const result = repair({ id: 'passage', source: 'bench', title: '', body: text, meta: {} });
    seconds += (performance.now() - started) / 1_000;
    if (!isRejection(result) && result.body === text) continue;
    const alarm = isRejection(result) ? `rejected: ${result.reason}` : result.meta.repaired!;
    alarms[alarm] = (alarms[alarm] ?? 0) + 1;
    if (alarms[alarm] <= shown) show(alarm, text, isRejection(result) ? undefined : result.body);
  }
  const megabytes = passages.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
  return { source, passages: passages.length, megabytes, alarms, seconds };
}

function show(alarm: string, before: string, after: string | undefined): void {
  if (after === undefined) {
    console.log(`  [${alarm}] ${before.slice(0, 300).replaceAll('\n', '⏎')}`);
    return;
  }
  let start = 0;
  while (before[start] === after[start]) start++;
  let end = 0;
  const shorter = Math.min(before.length, after.length) - start;
  while (end < shorter && before.at(-1 - end) === after.at(-1 - end)) end++;
  const around = (text: string) =>
    `${text.slice(Math.max(0, start - 12), start)}⟦${text.slice(start, text.length - end)}⟧${text.slice(text.length - end).slice(0, 12)}`;
  console.log(`  [${alarm}]\n    ${around(before)}\n    ${around(after)}`.replaceAll(/\n(?! {4})/g, '⏎').slice(0, 900));
}

const rows: Row[] = [];
for (const file of files) {
  const row = measure(path.basename(file), await sample(file));
  rows.push(row);
  const total = Object.values(row.alarms).reduce((sum, n) => sum + n, 0);
  const kinds = Object.entries(row.alarms).map(([kind, n]) => `${kind} ${n}`);
  console.log(
    `${row.source.padEnd(36)} ${String(row.passages).padStart(6)} passages ${row.megabytes.toFixed(1).padStart(6)} MB` +
      ` ${(row.megabytes / row.seconds).toFixed(1).padStart(5)} MB/s   ${total} alarms (${((100 * total) / row.passages).toFixed(3)} %)  ${kinds.join(', ')}`,
  );
}
if (options.json) console.log(JSON.stringify({ seed: Number(options.seed), rows }));
