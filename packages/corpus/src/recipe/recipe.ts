/**
 * A corpus recipe: sources, stages in order, split. It reads like the method section of a paper, is validated once
 * here, and its resolved copy stands in the manifest. Unknown fields and stages are errors, never ignored.
 */
import { createHash } from 'node:crypto';
import { findMistakes, inBoth, listMistakes, type Mistake, readJsonFile } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { CorpusError } from '../errors.ts';
import { CORPUS_USES, corpusStageSchema, DOCUMENT_USES, documentStageSchema } from '../stages/stages.ts';
import { sourceSchema } from './recipe-sources.ts';

const bilingual = z.union([z.string().min(1), z.strictObject({ en: z.string().min(1), zh: z.string().min(1) })]);

const split = z
  .strictObject({
    validation: z.number().min(0).max(0.5).default(0.01).describe(inBoth('Share of documents.', '验证集所占的比例。')),
    test: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.01)
      .describe(inBoth('Share of documents for tests.', '测试集所占的比例。')),
    seed: z.int().min(0).default(1).describe(inBoth('Another seed makes another split.', '换一个种子即换一种划分。')),
  })
  .refine(
    (s) => s.validation + s.test < 1,
    inBoth('validation and test together must leave something to train on', '验证集与测试集之外须留有训练数据'),
  )
  .prefault({})
  .describe(inBoth('What is kept apart for validation and test.', '留作验证与测试的部分。'));

export const recipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, inBoth('lower-case letters, digits and hyphens', '只能用小写字母、数字和连字符'))
    .describe(inBoth('Name of the corpus.', '语料的名称。')),
  title: bilingual
    .optional()
    .describe(
      inBoth(
        'Heads the report: a text, or `{"en", "zh"}`. Absent: the name.',
        '报告的标题：文本或 `{"en", "zh"}`；缺省为名称。',
      ),
    ),
  description: bilingual
    .optional()
    .describe(inBoth('What the corpus is, in the same forms. Absent: nothing.', '语料说明，形式同上；缺省为空。')),
  licence: z
    .string()
    .min(1)
    .default('unknown')
    .describe(inBoth('SPDX name of the licence of the corpus as a whole.', '整个语料的许可，SPDX 名称。')),
  parts: z
    .record(
      z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9-]*$/,
          inBoth('lower-case letters, digits and hyphens', '只能用小写字母、数字和连字符'),
        ),
      z.strictObject({
        use: z
          .boolean()
          .describe(
            inBoth(
              'Whether it is taken where the build does not say (`--with`, `--without`).',
              '构建时未用 `--with`、`--without` 说明时是否取用。',
            ),
          ),
        why: bilingual.describe(inBoth('Why it may be taken or left.', '取舍的理由。')),
      }),
    )
    .optional()
    .describe(inBoth('Sources that may be taken or left together, by name.', '可一并取舍的来源，按名称。')),
  sources: z.array(sourceSchema).min(1).describe(inBoth('What is read.', '读取什么。')),
  stages: z
    .array(z.discriminatedUnion('use', [documentStageSchema, corpusStageSchema]))
    .describe(
      inBoth(
        'What is done with it, in order: first stages that look at one document alone, then those that look at all.',
        '依次怎样处理：先是逐篇处理的阶段，再是面向全部文档的阶段。',
      ),
    ),
  split,
});

type Parsed = z.output<typeof recipeSchema>;
export type Recipe = Omit<Parsed, 'title' | 'description'> &
  Record<'title' | 'description', { en: string; zh: string }>;
export type Source = Recipe['sources'][number];

/** Checks a recipe. `where` names it in errors. @throws CorpusError CORPUS_RECIPE with every field that is wrong and what is allowed. */
export function parseRecipe(value: unknown, where = 'recipe'): Recipe {
  const found = findMistakes(recipeSchema, value);
  const mistakes =
    'mistakes' in found
      ? found.mistakes
      : [...orderMistakes(found.value.stages.map((stage) => stage.use)), ...partMistakes(found.value)];
  if ('mistakes' in found || mistakes.length > 0) throw new CorpusError('CORPUS_RECIPE', listMistakes(where, mistakes));
  const { title, description, ...rest } = found.value;
  return { ...rest, title: inEach(title, rest.name), description: inEach(description, '') };
}

function inEach(given: Parsed['title'], absent: string): { en: string; zh: string } {
  return typeof given === 'object' ? given : { en: given ?? absent, zh: given ?? absent };
}

function partMistakes({ sources, parts = {} }: Parsed): Mistake[] {
  const known = Object.keys(parts).join(', ');
  return sources.flatMap(({ part }, index): Mistake[] => {
    if (part === undefined || Object.hasOwn(parts, part)) return [];
    const [en, zh] = [`no part "${part}"; parts: ${known || 'none'}`, `没有部分“${part}”；已有：${known || '无'}`];
    return [{ path: `sources.${index}.part`, en, zh }];
  });
}

/**
 * The recipe as one build uses it: without the sources of the parts that are left, and with what was chosen in `parts`.
 * @throws CorpusError CORPUS_RECIPE for a part that the recipe has not, or where no source is left
 */
export function chooseParts(recipe: Recipe, chosen: Readonly<Record<string, boolean>> = {}): Recipe {
  const { parts = {} } = recipe;
  const unknown = Object.keys(chosen).find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) {
    const known = Object.keys(parts).join(', ');
    throw new CorpusError('CORPUS_RECIPE', {
      en: `the recipe ${recipe.name} has no part ${unknown}; parts: ${known || 'none'}`,
      zh: `配方 ${recipe.name} 没有部分 ${unknown}；已有：${known || '无'}`,
    });
  }
  if (recipe.parts === undefined) return recipe;
  const taken = Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, { ...part, use: chosen[name] ?? part.use }]),
  );
  const sources = recipe.sources.filter(({ part }) => part === undefined || taken[part]!.use);
  if (sources.length > 0) return { ...recipe, parts: taken, sources };
  throw new CorpusError('CORPUS_RECIPE', {
    en: `no source of the recipe ${recipe.name} is left; take one of its parts: --with ${Object.keys(parts).join(',')}`,
    zh: `配方 ${recipe.name} 没有剩下任何来源；请取用其中的部分：--with ${Object.keys(parts).join(',')}`,
  });
}

/** Document stages before corpus stages; of those at most one each, in their own order. */
function orderMistakes(uses: string[]): Mistake[] {
  const isDocument = (use: string) => DOCUMENT_USES.includes(use);
  const firstCorpusStage = uses.findIndex((use) => !isDocument(use));
  if (firstCorpusStage < 0) return [];
  const mistakes = uses.flatMap((use, index): Mistake[] => {
    if (index < firstCorpusStage || !isDocument(use)) return [];
    const [path, first] = [`stages.${index}`, uses[firstCorpusStage]!];
    return [{ path, en: `"${use}" must come before "${first}"`, zh: `“${use}”必须放在“${first}”之前` }];
  });
  const corpusUses = uses.filter((use) => !isDocument(use));
  const wanted = CORPUS_USES.filter((use) => corpusUses.includes(use)).join(', ');
  if (corpusUses.join(', ') === wanted) return mistakes;
  const en = `at most one each, in this order: ${wanted}`;
  return [...mistakes, { path: 'stages', en, zh: `以下阶段每个至多一次，并按此次序：${wanted}` }];
}

/** Reads and checks a recipe file. @throws CorpusError when it is missing, not JSON or not a recipe. */
export function readRecipe(path: string): Recipe {
  const read = readJsonFile(path);
  if ('problem' in read) throw new CorpusError('CORPUS_RECIPE', read.problem, { cause: read.cause });
  return parseRecipe(read.value, path);
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
