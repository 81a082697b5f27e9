/**
 * A corpus recipe: sources, stages in order, split. It reads like the method section of a paper, is validated once
 * here, and its resolved copy stands in the manifest. Unknown fields and stages are errors, never ignored.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CorpusError } from './errors.ts';

const bilingual = z.strictObject({ en: z.string().min(1), zh: z.string().min(1) });

const collection = z.strictObject({
  /** Goes into meta.collection. */
  name: z.string().min(1),
  /** Paths inside the package; `*` stands for any characters but `/`. Files are read in natural number order. */
  files: z.array(z.string().min(1)).min(1),
  /** Field with the lines (array of strings, or one string); the first that a record has is taken. */
  lines: z.array(z.string().min(1)).min(1),
  /** Field with the title; the first non-empty one is taken. */
  title: z.array(z.string().min(1)).default([]),
  /** Title where the record has none. */
  untitled: z.string().default(''),
  /** Records nested in a book are titled `book·chapter` instead of `chapter`. */
  bookTitle: z.boolean().default(false),
  author: z.array(z.string().min(1)).default(['author']),
  dynasty: z.string().min(1).optional(),
  /** Stands for a space between two words in files that mark verses by spaces. */
  spaceAs: z.string().optional(),
  /** Stands for a line break inside a line. */
  breakAt: z.string().min(1).optional(),
  /** Ends a line that ends without punctuation. */
  lineEnd: z.string().optional(),
});

const npmPackageSource = z.strictObject({
  type: z.literal('npm-package'),
  package: z.string().min(1),
  version: z.string().min(1),
  licence: z.string().min(1),
  homepage: z.string().min(1).optional(),
  /** Folder inside the package that the paths start from. */
  root: z.string().default('.'),
  collections: z.array(collection).min(1),
});

const jsonlSource = z.strictObject({
  type: z.literal('jsonl'),
  name: z.string().min(1),
  licence: z.string().min(1),
  homepage: z.string().min(1).optional(),
  /** Files of one JSON object a line, .jsonl or .jsonl.zst; relative to the recipe's base directory. */
  paths: z.array(z.string().min(1)).min(1),
  /** Names of the fields in the file; `meta` lists fields to carry over as they are. */
  fields: z
    .strictObject({
      text: z.string().min(1).default('text'),
      title: z.string().min(1).optional(),
      id: z.string().min(1).optional(),
      meta: z.array(z.string().min(1)).default([]),
    })
    .default({ text: 'text', meta: [] }),
});

const documentStage = z.discriminatedUnion('use', [
  z.strictObject({ use: z.literal('simplify') }),
  z.strictObject({ use: z.literal('normalise') }),
  z.strictObject({ use: z.literal('mark-missing') }),
  z.strictObject({ use: z.literal('verse') }),
  z.strictObject({ use: z.literal('strip-notes') }),
  z.strictObject({
    use: z.literal('rules'),
    /** Each is checked only where it is given. */
    minHan: z.int().min(0).optional(),
    maxHan: z.int().min(1).optional(),
    /** Chinese characters among all that are no punctuation. */
    minHanShare: z.number().min(0).max(1).optional(),
    maxMissing: z.int().min(0).optional(),
    maxForeign: z.int().min(0).optional(),
  }),
]);

const corpusStage = z.discriminatedUnion('use', [
  z.strictObject({ use: z.literal('exact-duplicates') }),
  z.strictObject({
    use: z.literal('near-duplicates'),
    /** Characters in a shingle. */
    ngram: z.int().min(1).max(32),
    bands: z.int().min(1).max(256),
    rows: z.int().min(1).max(64),
    /** Two documents are joined when the Jaccard similarity of their shingle sets is at least this. */
    similarity: z.number().gt(0).max(1),
  }),
]);

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
  sources: z.array(z.discriminatedUnion('type', [npmPackageSource, jsonlSource])).min(1),
  stages: z.array(z.union([documentStage, corpusStage])),
  split,
});

export type Recipe = z.infer<typeof recipeSchema>;
export type NpmPackageSource = z.infer<typeof npmPackageSource>;
export type JsonlSource = z.infer<typeof jsonlSource>;
export type Collection = z.infer<typeof collection>;
export type DocumentStageOptions = z.infer<typeof documentStage>;

const DOCUMENT_STAGES = new Set(documentStage.options.map((o) => o.shape.use.value as string));
const CORPUS_STAGES = corpusStage.options.map((o) => o.shape.use.value as string);

/** Checks a recipe. `where` names it in errors. @throws CorpusError CORPUS_RECIPE with the field and what is allowed. */
export function parseRecipe(value: unknown, where = 'recipe'): Recipe {
  rejectUnknownStage(value, where);
  const parsed = recipeSchema.safeParse(value);
  if (!parsed.success) throw new CorpusError('CORPUS_RECIPE', `${where}: ${describe(parsed.error)}`);
  const uses = parsed.data.stages.map((stage) => stage.use);
  const firstCorpusStage = uses.findIndex((use) => !DOCUMENT_STAGES.has(use));
  const late = firstCorpusStage < 0 ? undefined : uses.slice(firstCorpusStage).find((use) => DOCUMENT_STAGES.has(use));
  if (late !== undefined) {
    throw new CorpusError('CORPUS_RECIPE', `${where}: stage "${late}" must come before "${uses[firstCorpusStage]}"`);
  }
  const corpusUses = uses.filter((use) => !DOCUMENT_STAGES.has(use));
  if (corpusUses.join() !== CORPUS_STAGES.filter((use) => corpusUses.includes(use as never)).join()) {
    throw new CorpusError('CORPUS_RECIPE', `${where}: at most one each of ${CORPUS_STAGES.join(', ')}, in this order`);
  }
  return parsed.data;
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

function describe(error: z.ZodError): string {
  const first = deepest(error.issues[0]!);
  const path = first.path.map(String).join('.');
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : '';
  return `${path === '' ? '' : `${path}: `}${first.message}${more}`;
}

/** Inside a union the useful message is that of the branch that failed last, not "Invalid input". */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.find((branch) => branch.some((i) => i.path[0] !== 'use' && i.code !== 'invalid_union'));
  const found = (inner ?? issue.errors[0])?.[0];
  return found === undefined ? issue : { ...deepest(found), path: [...issue.path, ...found.path] };
}
