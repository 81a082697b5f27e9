/** `tunan corpus update` */
import { defineCommand } from '../command.ts';
import { CorpusWork, corpusOptions } from '../corpus-options.ts';
import { text } from '../language.ts';
import { findRecipe } from '../recipes.ts';
import { staleLine } from '../stale-line.ts';

export default defineCommand({
  positionals: {
    dir: { help: text('folder of the corpus that is added to', '要增补的语料目录') },
    recipe: {
      help: text(
        'recipe of what is new: its name, or the path of a .json file',
        '新数据的配方：名称，或 .json 文件的路径',
      ),
    },
  },
  options: corpusOptions('DIR'),
  examples: ['tunan corpus update runs/corpus next-crawl.json'],
  reports: true,
  run: async ({ dir, recipe, ...given }) => {
    const { readRecipe, updateCorpus } = await import('@tunan/corpus');
    const work = new CorpusWork(given);
    const { manifest, added, staleTokens, resumed } = await updateCorpus(readRecipe(findRecipe('corpus', recipe)), {
      ...work.options,
      out: dir,
    });
    work.end();
    const { kept, read, dropped } = added;
    return {
      data: { directory: dir, resumed, added, staleTokens, counts: manifest.counts },
      lines: [
        resumed
          ? text('was added already; nothing was done', '此前已增补，未做改动')
          : text(
              `read ${read} documents, added ${kept}, dropped ${dropped}; the corpus holds ${manifest.counts.kept}`,
              `读入 ${read} 篇，新增 ${kept} 篇，剔除 ${dropped} 篇；语料现有 ${manifest.counts.kept} 篇`,
            ),
        ...staleTokens.map(staleLine),
      ],
    };
  },
});
