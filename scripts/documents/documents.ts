/** The documents of the repository: every Markdown file that is kept in it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

export interface Document {
  /** Path from the root. */
  readonly file: string;
  readonly content: string;
}

/** Kept files and new ones, not those that git ignores; texts of tests are no documents. */
export function documents(): Document[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter((file) => file !== '' && !/(^|\/)(fixtures|golden)\//.test(file))
    .map((file) => ({ file, content: readFileSync(path.join(root, file), 'utf8') }));
}

/** The fenced blocks of a document in the given language. */
export function codeBlocks({ content }: Document, language: string): string[] {
  return [...content.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, name, code]) =>
    name === language ? [code!] : [],
  );
}
