/** The lines that tell a person what a corpus holds: the funnel with its reasons, then the splits. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { labelOf, Manifest, ReadFile } from '@tunan/corpus';
import { text } from './language.ts';
import { unreadLines } from './unread-lines.ts';

/** In English stages and reasons go by the names that rejects/ has, in Chinese by what these mean. */
export function corpusSummary(manifest: Manifest, label: typeof labelOf): string[] {
  const { counts, splits } = manifest;
  return [
    manifest.licence === 'unknown' ? manifest.name : `${manifest.name} (${manifest.licence})`,
    text(
      `read ${number(counts.read)} documents, kept ${number(counts.kept)}, dropped ${number(counts.dropped)}`,
      `读入 ${number(counts.read)} 篇，保留 ${number(counts.kept)} 篇，剔除 ${number(counts.dropped)} 篇`,
    ),
    ...manifest.stages.flatMap((stage) => stageLines(stage, label)),
    ...nothingKept(manifest),
    ...eatenSources(manifest),
    ...unreadLines(manifest.unread),
    text(
      `${number(counts.characters)} characters, ${number(counts.distinctCharacters)} distinct`,
      `共 ${number(counts.characters)} 字，不同的字 ${number(counts.distinctCharacters)} 个`,
    ),
    ...Object.entries(splits).map(([name, { documents, characters }]) =>
      text(
        `  ${name}: ${number(documents)} documents, ${number(characters)} characters`,
        `  ${label(name).zh}：${number(documents)} 篇，${number(characters)} 字`,
      ),
    ),
  ];
}

const FILES_NAMED = 20;

/** Documents that could not be read, by name, with what can be done. */
export function skippedFiles(directory: string): string[] {
  const list = join(directory, 'files.jsonl');
  if (!existsSync(list)) return [];
  const files = readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReadFile);
  const skipped = files.filter((file) => 'skipped' in file);
  const named = skipped
    .slice(0, FILES_NAMED)
    .map(({ file, skipped: reason, why = { en: reason, zh: reason } }) =>
      text(`  skipped: ${file}: ${why.en}`, `  跳过：${file}：${why.zh}`),
    );
  const [all, read] = [number(files.length), number(files.length - skipped.length)];
  return [text(`${read} of ${all} documents read (${list})`, `文档 ${all} 个，读出 ${read} 个（${list}）`), ...named];
}

/** A source that gives nothing is more often a mistake in the recipe than a fact. */
function nothingKept({ collections }: Manifest): string[] {
  const empty = Object.entries(collections).filter(([, { kept }]) => kept === 0);
  const names = empty.map(([name, { read }]) => `${name} (${number(read)})`).join(', ');
  return empty.length === 0 ? [] : [text(`  nothing kept of: ${names}`, `  未保留任何文档的来源：${names}`)];
}

const EATEN_SHARE = 0.5;
const EATEN_LEAST = 20;

/** A source that near duplicates took most of is one of forms, or `similarity` is too low for it. */
function eatenSources({ collections }: Manifest): string[] {
  return Object.entries(collections).flatMap(([name, { read, nearDuplicates = 0 }]) =>
    nearDuplicates < EATEN_LEAST || nearDuplicates <= EATEN_SHARE * read
      ? []
      : [
          text(
            `  warning: near duplicates took ${number(nearDuplicates)} of ${number(read)} documents of ${name}: look at near-duplicates.jsonl.zst, or raise "similarity" in the recipe`,
            `  警告：来源 ${name} 的 ${number(read)} 篇中有 ${number(nearDuplicates)} 篇因近似重复被剔除：请查看 near-duplicates.jsonl.zst，或在配方中调高 "similarity"`,
          ),
        ],
  );
}

function stageLines({ stage, documents, reasons }: Manifest['stages'][number], label: typeof labelOf): string[] {
  const name = (code: string) => text(code, label(code).zh);
  const dropped = Object.entries(reasons).map(([reason, count]) => `${name(reason)} ${number(count)}`);
  if (dropped.length === 0) return [];
  return [
    text(
      `  ${stage} (${number(documents)}): ${dropped.join(', ')}`,
      `  ${name(stage)}（${number(documents)}）：${dropped.join('、')}`,
    ),
  ];
}

function number(value: number): string {
  return value.toLocaleString('en');
}
