/**
 * Writes the references of fields in docs/ from the schemas of the files that people write: `npm run docs:fields`. What stands outside
 * the two marks of a page is written by hand. A test fails where a page is behind its schema.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { recipeSchema } from '@tunan/corpus';
import { taskFileSchema } from '@tunan/evaluation';
import { schemaReference } from '@tunan/protocol/mistakes';
import { runRecipeSchema } from '@tunan/training';

const pages = { 'corpus-recipe': recipeSchema, 'run-recipe': runRecipeSchema, tasks: taskFileSchema };
const languages = { en: '.md', zh: '.zh-CN.md' } as const;
const START = '<!-- fields: written by scripts/field-reference.ts -->\n';
const END = '\n<!-- end of fields -->';

/** Every page as it is and as it should be. */
export function referencePages(): { readonly file: string; readonly content: string; readonly wanted: string }[] {
  return Object.entries(pages).flatMap(([page, schema]) =>
    Object.entries(languages).map(([language, ending]) => {
      const file = path.resolve(import.meta.dirname, '../docs', `${page}${ending}`);
      const content = readFileSync(file, 'utf8');
      const [before, after] = [content.indexOf(START), content.indexOf(END)];
      if (before < 0 || after < before) throw new Error(`${file} lacks the two marks of its fields`);
      const fields = schemaReference(schema, language as keyof typeof languages);
      return { file, content, wanted: content.slice(0, before) + START + fields + content.slice(after) };
    }),
  );
}

if (import.meta.main) for (const { file, wanted } of referencePages()) writeFileSync(file, wanted);
