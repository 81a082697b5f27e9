/**
 * The references of fields in docs/, made from the schemas of the files that people write. They stand between two marks of a page;
 * what is outside the marks is written by hand.
 */
import { readFileSync } from 'node:fs';
import { recipeSchema } from '@tunan/corpus';
import { taskFileSchema } from '@tunan/evaluation';
import { schemaReference } from '@tunan/protocol/mistakes';
import { runRecipeSchema } from '@tunan/training';
import { LANGUAGES, type Page, pageFile } from './page.ts';

const schemas = { 'corpus-recipe': recipeSchema, 'run-recipe': runRecipeSchema, tasks: taskFileSchema };
const START = '<!-- fields: written by npm run docs -->\n';
const END = '\n<!-- end of fields -->';

/** @throws where a page has no marks */
export function fieldReferences(): Page[] {
  return Object.entries(schemas).flatMap(([name, schema]) =>
    LANGUAGES.map((language) => {
      const file = pageFile(name, language);
      return { file, wanted: withFields(file, schemaReference(schema, language)) };
    }),
  );
}

function withFields(file: string, fields: string): string {
  const content = readFileSync(file, 'utf8');
  const [before, after] = [content.indexOf(START), content.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${file} has not the two marks between which its fields stand`);
  return content.slice(0, before) + START + fields + content.slice(after);
}
