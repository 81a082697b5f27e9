/**
 * How much of damaged text the stage `repair` restores: each kind of damage, seeded, on every gold page of a folder.
 *
 *   node bench/repair.ts [--pages DIR] [--seed 1] [--spam FILE] [--only WORD] [--combined 3] [--half 1] [--show] [--json]
 *
 * DIR holds a text file a page (default: ../shared/data/web/gold). "restored" is the share of the undamaged page's characters
 * that stand in the mended page, in order (longest common subsequence, after Traditional → Simplified and without white space); a
 * rejected page counts as nothing restored; "text too much" is what stands in the mended page beyond that. "settled" is the share of pages that
 * are either restored to 95 % or rejected. Where the damage destroys the information the page has to be rejected; where it does so on some
 * pages only, it has to be settled.
 * Then every two and three of the wounds of repair/wounds.ts together, each on so many pages as --combined says: the share that is well, for
 * each wound among the others; texts that can be restored and others apart (combinations.ts). `--only combined` leaves the single kinds
 * out, `--half 1` or `--half 2` takes every second page, so that what was mended on one half can be measured on the other.
 * --spam names a file of keywords, one a line, to inject instead of the benchmark's phrases. Damage is made by other code than mends it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Draft, isRejection } from '@tunan/corpus';
import { simplecc } from 'simplecc-wasm';
import { combinations, isRestorable, isWell, type Outcome, outcome } from './repair/combinations.ts';
import { type DamageKind, damageKinds } from './repair/damage.ts';
import { matched } from './repair/matched.ts';
import { SPAM_PHRASES } from './repair/spam-phrases.ts';
import { wounds } from './repair/wounds.ts';
import { seededRandom } from './seeded-random.ts';
import { type Stage, stagesOf } from './stages.ts';

const { values: options } = parseArgs({
  options: {
    pages: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data/web/gold') },
    seed: { type: 'string', default: '1' },
    spam: { type: 'string' },
    only: { type: 'string', default: '' },
    combined: { type: 'string', default: '3' },
    half: { type: 'string' },
    show: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

interface Page {
  name: string;
  text: string;
}
type Row = Pick<DamageKind, 'survives'> & { damage: string } & Record<
    'restored' | 'wrong' | 'rejected' | 'settled',
    number
  >;

const pages: Page[] = readdirSync(options.pages)
  .sort()
  .map((name) => ({ name, text: readFileSync(path.join(options.pages, name), 'utf8').replaceAll('\r\n', '\n') }));
const phrases =
  options.spam === undefined
    ? SPAM_PHRASES
    : readFileSync(options.spam, 'utf8')
        .split(/\r?\n/)
        .filter((word) => word.trim().length >= 2);

const [repair, language] = (await stagesOf([{ use: 'repair' }, { use: 'language' }])) as [Stage, Stage];

const draftOf = (text: string): Draft => ({ id: 'page', source: 'bench', title: '', body: text, meta: {} });

/** The mended text, or undefined where repair rejects the page, or stage `language` what repair made of a Chinese one. */
function mend(text: string, wasChinese = false): string | undefined {
  const result = repair(draftOf(text));
  if (isRejection(result) || (wasChinese && isRejection(language(result)))) return undefined;
  return result.body;
}

/** Share of its characters from which on a page counts as restored. */
const RESTORED = 0.95;

const comparable = (text: string) => simplecc(text.normalize('NFKC'), 't2s').replace(/\s+/g, '');

function measure({ name, survives, damage }: DamageKind): Row {
  let [characters, right, extra, rejected, restored, damaged] = [0, 0, 0, 0, 0, 0];
  for (const [index, page] of clean.entries()) {
    const text = damage(page.text, seededRandom(Number(options.seed) * 1_000 + index));
    if (text === page.text) continue;
    damaged++;
    const gold = comparable(page.text);
    characters += gold.length;
    const mended = mend(text, !isRejection(language(draftOf(page.text))));
    if (mended === undefined) rejected++;
    else {
      const got = comparable(mended);
      const common = matched(gold, got);
      right += common;
      extra += got.length - common;
      if (common >= RESTORED * gold.length) restored++;
      if (options.show && survives !== false && common < RESTORED * gold.length)
        console.log(`  ${page.name}: ${((100 * common) / gold.length).toFixed(1)} %`);
    }
    if (options.show && survives !== false && mended === undefined) console.log(`  ${page.name}: rejected`);
  }
  return {
    damage: name,
    survives,
    restored: right / (characters || 1),
    wrong: extra / (characters || 1),
    rejected: rejected / (damaged || 1),
    settled: (rejected + restored) / (damaged || 1),
  };
}

const unchanged = pages.map((page) => mend(page.text) === page.text);
/** Pages that are damaged as they come (they are named) are no gold to damage further. */
const clean = pages.filter((_, index) => unchanged[index]);
const percent = (share: number) => `${(100 * share).toFixed(2)} %`.padStart(9);

console.log(`${pages.length} pages, ${clean.length} byte-identical (${percent(clean.length / pages.length).trim()})`);
for (const [index, page] of pages.entries()) if (!unchanged[index]) console.log(`  not: ${page.name}`);
console.log(`${'damage'.padEnd(44)} restored   text too much   rejected    settled`);
const REMARK = { true: '', false: '  (lost for good)', 'in part': '  (lost on some pages)' };
const rows: Row[] = [];
for (const kind of damageKinds({ phrases })) {
  if (!kind.name.includes(options.only)) continue;
  const row = measure(kind);
  rows.push(row);
  console.log(
    `${row.damage.padEnd(44)}${percent(row.restored)}   ${percent(row.wrong)}  ${percent(row.rejected)}  ${percent(row.settled)}${REMARK[`${row.survives}`]}`,
  );
}
const outcomes = ['', 'combined'].includes(options.only) ? combined(Number(options.combined)) : [];
printCombined(outcomes);
if (options.json)
  console.log(JSON.stringify({ pages: pages.length, identical: clean.length, seed: Number(options.seed), rows }));

function combined(pagesEach: number): Outcome[] {
  const found: Outcome[] = [];
  // Texts that end in lines of their site themselves: with any wound they come back without.
  const bare = clean.filter(({ text }) => mend(`${phrases.slice(0, 12).join('|')}\n${text}`)?.trim() === text.trim());
  console.log(`\n${clean.length - bare.length} texts that have lines of their site are not combined`);
  const half = bare.filter((_, index) => options.half === undefined || index % 2 === Number(options.half) % 2);
  for (const [index, several] of [...combinations(wounds({ phrases }))].entries()) {
    for (let n = 0; n < pagesEach; n++) {
      const page = half[(index * pagesEach + n) % half.length]!;
      const one = outcome(several, page, Number(options.seed) * 1_000 + index, (text) => mend(text), comparable);
      if (one !== undefined) found.push(one);
    }
  }
  return found;
}

function printCombined(found: readonly Outcome[]): void {
  if (found.length === 0) return;
  const columns = '   well       kept  lines left  wrong    missed    pages';
  for (const [title, of] of [
    ['text that can be restored', found.filter(isRestorable)],
    ['text that cannot: bytes of more than 1 ‰ are gone', found.filter((one) => !isRestorable(one))],
    ['all', found],
  ] as const) {
    console.log(`\n${title.padEnd(52)}${columns}`);
    for (const count of [2, 3])
      printLine(
        `${count} wounds`,
        of.filter((one) => one.wounds.length === count),
      );
    for (const { name } of wounds({ phrases }))
      printLine(
        `with ${name}`,
        of.filter((one) => one.wounds.includes(name)),
      );
  }
  if (!options.show) return;
  for (const one of found.filter((each) => !isWell(each))) {
    const fate = one.mended === undefined ? 'rejected' : `${perMille(one.wrong)} wrong, ${perMille(one.missed)} missed`;
    const left = one.left.join(' | ').slice(0, 120);
    console.log(`  ${one.wounds.join(' + ')}: ${one.page} ${perMille(one.lost)} lost, ${fate} ${left}`);
  }
}

/** Shares of pages; of the pages that are kept, those with lines left, and of all their characters the wrong and the missed ones. */
function printLine(name: string, of: readonly Outcome[]): void {
  if (of.length === 0) return;
  const kept = of.filter(({ mended }) => mended !== undefined);
  const characters = kept.reduce((sum, one) => sum + one.characters, 0) || 1;
  const mean = (share: 'wrong' | 'missed') =>
    kept.reduce((sum, one) => sum + one[share] * one.characters, 0) / characters;
  const left = kept.filter((one) => one.left.length > 0);
  const shares = [of.filter(isWell), kept, left].map((pages) => percent(pages.length / of.length));
  const numbers = [perMille(mean('wrong')), perMille(mean('missed')), `${of.length}`].map((text) => text.padStart(9));
  console.log(`${name.padEnd(48)}${shares.join('  ')}${numbers.join('')}`);
}

function perMille(share: number): string {
  return `${(1000 * share).toFixed(2)} ‰`;
}
