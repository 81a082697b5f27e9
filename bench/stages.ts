/** Document stages alone, with a recipe's defaults, for benchmarks that call them on texts of their own. */
import { documentStages, parseRecipe } from '@tunan/corpus';

export type Stage = Awaited<ReturnType<typeof documentStages>>[number]['run'];

/** @param base folder that relative paths of the stages start from */
export async function stagesOf(stages: readonly object[], base = '.'): Promise<Stage[]> {
  const recipe = parseRecipe({
    name: 'stages',
    title: { en: 'Stages', zh: '环节' },
    description: { en: 'Stages that a benchmark calls', zh: '基准所用的环节' },
    licence: 'CC0-1.0',
    sources: [{ type: 'jsonl', name: 'none', licence: 'CC0-1.0', paths: ['none.jsonl'] }],
    stages,
    split: { validation: 0, test: 0, seed: 1 },
  });
  return (await documentStages(recipe, base)).map(({ run }) => run);
}
