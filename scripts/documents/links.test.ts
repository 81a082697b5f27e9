import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type Document, documents, root } from './documents.ts';

const all = documents();
const anchorsOf = new Map(all.map((document) => [document.file, anchors(document)]));

/** Text outside of fenced code and code spans, where nothing is a link. */
function prose(content: string): string {
  return content.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');
}

/** What GitHub makes of headings: lower case, no punctuation, `-` for spaces. */
function anchors({ content }: Document): Set<string> {
  const headings = content.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** What is wrong with the links of a document, one line each. */
function brokenLinks(document: Document): string[] {
  const targets = [...prose(document.content).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return targets.flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [place = '', anchor] = target.split('#');
    const file = place === '' ? document.file : path.join(path.dirname(document.file), decodeURI(place));
    if (!existsSync(path.join(root, file))) return [`${document.file}: ${target} does not exist`];
    if (anchor === undefined || anchorsOf.get(file)?.has(decodeURI(anchor)) !== false) return [];
    return [`${document.file}: ${file} has no heading for #${anchor}`];
  });
}

test('links between documents lead to files and headings that exist', () => {
  assert.deepEqual(all.flatMap(brokenLinks), []);
});

/** Paths of the repository in code spans, but those with a placeholder in capitals; a package's README may name its own files. */
function missingPaths({ file, content }: Document): string[] {
  const named = [...content.matchAll(/`((?:packages|apps|scripts|bench|tests|recipes|examples)\/[\w./-]+)`/g)];
  return named
    .map(([, place]) => place!)
    .filter((place) => !/(?:^|\/)[A-Z]{2,}/.test(place))
    .filter((place) => ![root, path.join(root, path.dirname(file))].some((base) => existsSync(path.join(base, place))))
    .map((place) => `${file}: ${place} does not exist`);
}

test('paths that documents name exist', () => {
  // A changelog tells of what was.
  assert.deepEqual(all.filter(({ file }) => file !== 'CHANGELOG.md').flatMap(missingPaths), []);
});
