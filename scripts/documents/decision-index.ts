/** The index of the decisions, docs/decisions/README.md: made of the number, title, date and status at the head of each. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from './page.ts';

const folder = path.resolve(import.meta.dirname, '../../docs/decisions');

const INTRODUCTION = `# Decisions

What was decided, why, and what else was considered; a page each, numbered in the order in which they were made. A decision that no longer holds stays, and its
status names the one that replaced it. A new one takes the next number and begins with a title \`# 0000. …\` and a line \`DATE, STATUS.\`; \`npm run docs\` writes this
index.

| | decision | date | status |
|---|---|---|---|`;

/** @throws where a decision has not the head that the index is made of */
export function decisionIndex(): Page[] {
  const rows = globSync('[0-9]*.md', { cwd: folder })
    .sort()
    .map((file) => {
      const head = /^# (\d{4})\. (.+)\n\n(\d{4}-\d\d-\d\d), (.+)$/m.exec(readFileSync(path.join(folder, file), 'utf8'));
      if (head?.index !== 0 || !file.startsWith(`${head[1]}-`))
        throw new Error(`docs/decisions/${file} begins with '# NUMBER. TITLE', an empty line and 'DATE, STATUS.'`);
      const [, number, title, date, status] = head;
      return `| ${number} | [${title}](${file}) | ${date} | ${status!.replace(/\.$/, '')} |`;
    });
  return [{ file: path.join(folder, 'README.md'), wanted: `${INTRODUCTION}\n${rows.join('\n')}\n` }];
}
