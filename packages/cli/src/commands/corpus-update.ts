/** `tunan corpus update` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine } from '../progress.ts';
import { findRecipe } from '../recipes.ts';
import { StageRates } from '../stage-rates.ts';
import { staleLine } from '../stale-line.ts';

const stages = {
  fetch: text('fetching', '下载'),
  read: text('reading', '读取'),
  duplicates: text('finding duplicates', '查重'),
  write: text('writing', '写出'),
} as const;

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
  options: {
    workers: {
      type: 'number',
      value: 'N',
      help: text('threads (default 2); the result does not depend on it', '线程数（默认 2），不影响结果'),
    },
    downloads: {
      type: 'string',
      value: 'DIR',
      help: text('where fetched files are kept (default DIR.downloads)', '下载文件的存放目录（默认 DIR.downloads）'),
    },
    memory: {
      type: 'number',
      value: 'MIB',
      help: text('for the tables of duplicate detection (default 512)', '查重所用表的内存（默认 512 MiB）'),
    },
  },
  examples: ['tunan corpus update runs/corpus next-crawl.json'],
  reports: true,
  run: async ({ dir, recipe, workers, downloads, memory }) => {
    const { readRecipe, updateCorpus } = await import('@tunan/corpus');
    const progress = new ProgressLine();
    const rates = new StageRates();
    const { manifest, added, staleTokens, resumed } = await updateCorpus(readRecipe(findRecipe('corpus', recipe)), {
      out: dir,
      ...(workers === undefined ? {} : { workers }),
      ...(downloads === undefined ? {} : { downloads }),
      ...(memory === undefined ? {} : { memory: memory * 2 ** 20 }),
      onProgress: (step) => progress.show(`${stages[step.stage]} ${rates.line(step)}`),
    });
    progress.end();
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
