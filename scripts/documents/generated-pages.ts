/** All pages of docs/ that are made from the code, each as it should be. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { decisionIndex } from './decision-index.ts';
import { experimentIndex } from './experiment-index.ts';
import { fieldReferences } from './field-reference.ts';
import { httpApiReferences } from './http-api-reference.ts';
import { packageTable } from './package-table.ts';
import { LANGUAGES, type Page, pageFile } from './page.ts';

const commandReference = path.resolve(import.meta.dirname, '../../packages/cli/scripts/command-reference.ts');

export function generatedPages(): Page[] {
  return [
    ...fieldReferences(),
    ...httpApiReferences(),
    ...commandReferences(),
    ...decisionIndex(),
    ...packageTable(),
    ...experimentIndex(),
  ];
}

/** The command line speaks one language a process. */
function commandReferences(): Page[] {
  return LANGUAGES.map((language) => ({
    file: pageFile('commands', language),
    wanted: execFileSync(process.execPath, [commandReference, '--lang', language], { encoding: 'utf8' }),
  }));
}
