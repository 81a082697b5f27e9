/**
 * The references of fields in docs/, made from the schemas of the files that people write. They stand between two marks of a page;
 * what is outside the marks is written by hand.
 */
import { recipeSchema } from '@tunan/corpus';
import { taskFileSchema } from '@tunan/evaluation';
import { schemaReference } from '@tunan/protocol/mistakes';
import { runRecipeSchema } from '@tunan/training';
import { betweenMarks, LANGUAGES, type Page, pageFile } from './page.ts';

const schemas = { 'corpus-recipe': recipeSchema, 'run-recipe': runRecipeSchema, tasks: taskFileSchema };
/** @throws where a page has no marks */
export function fieldReferences(): Page[] {
  return Object.entries(schemas).flatMap(([name, schema]) =>
    LANGUAGES.map((language) => {
      const file = pageFile(name, language);
      return { file, wanted: betweenMarks(file, 'fields', schemaReference(schema, language)) };
    }),
  );
}
