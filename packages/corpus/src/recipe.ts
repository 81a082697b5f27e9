/**
 * A corpus recipe: sources, stages in order, split. It reads like the method section of a paper, is validated once
 * here, and its resolved copy stands in the manifest. Unknown fields and stages are errors, never ignored.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CorpusError } from './errors.ts';
import { sourceSchema } from './recipe-sources.ts';
import { CORPUS_STAGES, corpusStageSchema, DOCUMENT_STAGES, documentStageSchema } from './recipe-stages.ts';

const bilingual = z.strictObject({ en: z.string().min(1), zh: z.string().min(1) });

const split = z
  .strictObject({
    validation: z.number().min(0).max(0.5),
    test: z.number().min(0).max(0.5),
    seed: z.int().min(0),
  })
  .refine((s) => s.validation + s.test < 1, 'validation and test together must leave something to train on');

const recipeSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and hyphens'),
  title: bilingual,
  description: bilingual,
  /** SPDX name of the licence of the corpus as a whole. */
  licence: z.string().min(1),
  sources: z.array(sourceSchema).min(1),
  stages: z.array(z.union([documentStageSchema, corpusStageSchema])),
  split,
});

export type Recipe = z.infer<typeof recipeSchema>;
export type Source = Recipe['sources'][number];
/** Checks a recipe. `where` names it in errors. @throws CorpusError CORPUS_RECIPE with the field and what is allowed. */
export function parseRecipe(value: unknown, where = 'recipe'): Recipe {
  rejectUnknownStage(value, where);
  const parsed = recipeSchema.safeParse(value);
  if (!parsed.success) throw new CorpusError('CORPUS_RECIPE', `${where}: ${describe(parsed.error, value)}`);
  requireOrder(
    parsed.data.stages.map((stage) => stage.use),
    where,
  );
  return parsed.data;
}

/** Document stages before corpus stages; of those at most one each, in their own order. */
function requireOrder(uses: string[], where: string): void {
  const isDocument = (use: string) => DOCUMENT_STAGES.includes(use);
  const firstCorpusStage = uses.findIndex((use) => !isDocument(use));
  const late = firstCorpusStage < 0 ? undefined : uses.slice(firstCorpusStage).find(isDocument);
  if (late !== undefined) {
    throw new CorpusError('CORPUS_RECIPE', `${where}: stage "${late}" must come before "${uses[firstCorpusStage]}"`);
  }
  const corpusUses = uses.filter((use) => !isDocument(use));
  if (corpusUses.join() !== CORPUS_STAGES.filter((use) => corpusUses.includes(use)).join()) {
    throw new CorpusError('CORPUS_RECIPE', `${where}: at most one each of ${CORPUS_STAGES.join(', ')}, in this order`);
  }
}

/** Reads and checks a recipe file. @throws CorpusError when it is missing, not JSON or not a recipe. */
export function readRecipe(path: string): Recipe {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CorpusError('CORPUS_RECIPE', `cannot read the recipe ${path}: ${(cause as Error).message}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CorpusError('CORPUS_RECIPE', `${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  return parseRecipe(value, path);
}

/** SHA-256 of the resolved recipe, independent of the layout and field order of the file it came from. */
export function recipeSha256(recipe: Recipe): string {
  return createHash('sha256')
    .update(JSON.stringify(sortKeys(recipe)))
    .digest('hex');
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}

/** A union's own message would list every stage's fields; a wrong name deserves the list of names. */
function rejectUnknownStage(value: unknown, where: string): void {
  const stages = (value as { stages?: unknown } | null)?.stages;
  if (!Array.isArray(stages)) return;
  const known = [...DOCUMENT_STAGES, ...CORPUS_STAGES];
  for (const stage of stages) {
    const use: unknown = (stage as { use?: unknown } | null)?.use;
    if (typeof use !== 'string' || !known.includes(use)) {
      throw new CorpusError(
        'CORPUS_RECIPE',
        `${where}: unknown stage ${JSON.stringify(use)}; known: ${known.join(', ')}`,
      );
    }
  }
}

function describe(error: z.ZodError, value: unknown): string {
  const first = deepest(error.issues[0]!);
  const path = first.path.map(String).join('.');
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : '';
  const message = first.code === 'unrecognized_keys' ? unknownField(first, value) : first.message;
  return `${path === '' ? '' : `${path}: `}${message}${more}`;
}

/** Where a field has another name the names that there are help most. */
function unknownField({ keys, path }: z.core.$ZodIssueUnrecognizedKeys, value: unknown): string {
  const known = Object.keys(schemaAt(path, value)?.shape ?? {}).join(', ');
  return `unknown field "${keys.join('", "')}"${known === '' ? '' : `; known: ${known}`}`;
}

/** The schema of the recipe itself, of one of its stages or sources; undefined for what is inside those. */
function schemaAt(path: PropertyKey[], value: unknown): { shape: object } | undefined {
  if (path.length === 0) return recipeSchema;
  const [list, index] = path as [string, number];
  if (path.length > 2 || (list !== 'stages' && list !== 'sources')) return undefined;
  const item = (value as Record<string, Record<string, unknown>[]>)[list]![index]!;
  const stages = [...documentStageSchema.options, ...corpusStageSchema.options];
  if (list === 'stages') return stages.find(({ shape }) => shape.use.value === item.use);
  return sourceSchema.options.find(({ shape }) => shape.type.value === item.type);
}

/** Inside a union the useful message is that of the branch that failed last, not "Invalid input". */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.find((branch) => branch.some((i) => i.path[0] !== 'use' && i.code !== 'invalid_union'));
  const found = (inner ?? issue.errors[0])?.[0];
  return found === undefined ? issue : { ...deepest(found), path: [...issue.path, ...found.path] };
}
