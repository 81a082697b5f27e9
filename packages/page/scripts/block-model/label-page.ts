/**
 * To label a page by hand for train.ts: shows its blocks, then writes down which of them a person would keep.
 *
 *   node packages/page/scripts/block-model/label-page.ts show FILE              numbered blocks
 *   node packages/page/scripts/block-model/label-page.ts keep FILE 12-30,33     adds the page to DIR
 *     --dir DIR --repository OWNER/NAME --commit HASH --path PATH --site NAME [--kind article|blog|thread|comments|index]
 *
 * DIR gets the page as {id} and a line in labels.jsonl, to be added to the one beside this file. A label names the page by repository, commit, path and
 * SHA-256, and what is kept by places in the page's visible text without white space: nobody's text is in it. `none`
 * for FILE's blocks says that the page has no main text.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { decodePage } from '../../src/decode/decode-page.ts';
import type { PageTree } from '../../src/extract/page-tree.ts';
import { readPage } from '../../src/extract/read-page.ts';
import { isRejection } from '../../src/rejection.ts';
import { PAGE_KINDS, type PageLabel, placesOf } from './page-labels.ts';

const LONGEST_SHOWN = 90;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: 'string' },
    repository: { type: 'string' },
    commit: { type: 'string' },
    path: { type: 'string' },
    site: { type: 'string' },
    kind: { type: 'string', default: 'article' },
  },
});
const [command, file, blocks] = positionals;
if (command === 'show' && file !== undefined) show(treeOf(readFileSync(file)));
else if (command === 'keep' && file !== undefined && blocks !== undefined) keep(file, blocks);
else throw new Error('usage: label-page.ts show FILE | keep FILE BLOCKS --dir DIR --repository R --commit C --path P');

function treeOf(bytes: Buffer): PageTree {
  const page = decodePage(bytes);
  if (isRejection(page)) throw new Error(page.reason);
  return readPage(page.text);
}

function show({ title, blocks }: PageTree): void {
  console.log(`title: ${title}`);
  blocks.forEach(({ text, linked, element }, i) => {
    const shown =
      text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}… (${text.length}) …${text.slice(-20)}`;
    const links = linked > text.length / 2 ? ' [link]' : '';
    console.log(`${i} <${element.tag} ${element.hint.slice(0, 30)}>${links} ${shown.replaceAll('\n', ' ⏎ ')}`);
  });
}

function keep(from: string, list: string): void {
  const { dir, repository, commit, path: source, site } = values;
  const kind = PAGE_KINDS.find((known) => known === values.kind);
  if (
    dir === undefined ||
    repository === undefined ||
    commit === undefined ||
    source === undefined ||
    site === undefined
  ) {
    throw new Error('keep needs --dir, --repository, --commit, --path and --site');
  }
  if (kind === undefined) throw new Error(`--kind takes ${PAGE_KINDS.join(', ')}, not ${values.kind}`);
  const bytes = readFileSync(from);
  const tree = treeOf(bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const id = `${repository.replace(/\W+/g, '-').slice(0, 24).toLowerCase()}-${sha256.slice(0, 10)}`;
  const kept = list === 'none' ? [] : numbersOf(list, tree.blocks.length);
  const label: PageLabel = {
    id,
    repository,
    commit,
    path: source,
    sha256,
    site,
    kind,
    keep: placesOf(tree.blocks, kept),
  };
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, id), bytes);
  appendFileSync(path.join(dir, 'labels.jsonl'), `${JSON.stringify(label)}\n`);
  const characters = label.keep.reduce((sum, [start, end]) => sum + end - start, 0);
  console.log(`${id}: ${kept.length} of ${tree.blocks.length} blocks, ${characters} characters`);
}

function numbersOf(list: string, count: number): number[] {
  const numbers = list.split(',').flatMap((range) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range.trim()) ?? [];
    if (first === undefined || Number(last) >= count || Number(last) < Number(first)) {
      throw new Error(`no such blocks: ${range} (the page has ${count})`);
    }
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}
