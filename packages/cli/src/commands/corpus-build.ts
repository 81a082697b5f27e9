/** `tunan corpus build` */
import path from 'node:path';
import type { Recipe } from '@tunan/corpus';
import { defineCommand } from '../command.ts';
import { CorpusWork, corpusOptions } from '../corpus-options.ts';
import { corpusSummary, skippedFiles } from '../corpus-summary.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { findRecipe } from '../recipes.ts';

export default defineCommand({
  positionals: {
    recipe: {
      help: text(
        'name of a corpus recipe, or the path of a .json file (its fields: docs/corpus-recipe.md)',
        '语料配方的名称，或 .json 文件的路径（字段见 docs/zh/corpus-recipe.md）',
      ),
      optional: true,
    },
  },
  options: {
    from: {
      type: 'strings',
      value: 'PATH…',
      help: text(
        'your own files or folders instead of a recipe: Word, PDF, EPUB, PowerPoint, Excel, text in any charset, Markdown, HTML, JSON lines, CSV, Parquet, WARC; makes and keeps OUT.recipe.json',
        '不用配方，直接读取自己的文件或目录：Word、PDF、EPUB、PowerPoint、Excel、任意编码的文本、Markdown、HTML、JSON 行、CSV、Parquet、WARC；生成并保留 OUT.recipe.json',
      ),
    },
    out: {
      type: 'string',
      value: 'DIR',
      required: true,
      help: text('folder of the corpus, new or of the same recipe', '语料目录'),
    },
    local: {
      type: 'string',
      value: '[NAME=]DIR,…',
      help: text(
        'local checkouts instead of the repositories of that name; without a name, folders of collected texts with a manifest.json (docs/file-formats.md)',
        '用本地副本代替同名的公开仓库；不写名称时为含 manifest.json 的文本汇集目录（见 docs/zh/file-formats.md）',
      ),
    },
    with: {
      type: 'string',
      value: 'PART,…',
      help: text('parts of the recipe that are taken, though it leaves them', '取用配方默认不取的部分'),
    },
    without: {
      type: 'string',
      value: 'PART,…',
      help: text('parts of the recipe that are left out', '不取配方的这些部分'),
    },
    base: {
      type: 'string',
      value: 'DIR',
      help: text(
        'where relative paths of the recipe start (default: the working directory)',
        '配方中相对路径的起点（默认为当前目录）',
      ),
    },
    runner: {
      type: 'string',
      value: 'local|spark',
      help: text(
        'threads of this machine (default), or Apache Spark; the same shards',
        '本机线程（默认）或 Apache Spark，结果分片相同',
      ),
    },
    'spark-master': {
      type: 'string',
      value: 'URL',
      help: text("Spark's master (default: its own configuration)", 'Spark 主节点地址（默认取其自身配置）'),
    },
    ...corpusOptions('OUT'),
  },
  examples: [
    'tunan corpus build tiny-poet --out runs/corpus',
    'tunan corpus build --from my-texts notes.jsonl --out runs/mine',
    'tunan corpus build common-crawl-zh --out runs/web --runner spark --spark-master spark://host:7077',
  ],
  reports: true,
  run: async ({ recipe: name, from, out, local, runner, 'spark-master': sparkMaster, base, ...given }) => {
    if (runner !== undefined && runner !== 'local' && runner !== 'spark') {
      throw new UsageError(
        text(`--runner is local or spark, not ${runner}`, `--runner 只能是 local 或 spark，而不是 ${runner}`),
      );
    }
    const { buildCorpus, labelOf } = await import('@tunan/corpus');
    const recipe = await recipeOf(name, from, out);
    const work = new CorpusWork(given);
    const { manifest, directory, resumed } = await buildCorpus(recipe, {
      ...work.options,
      out,
      ...localCopies(local),
      parts: { ...partsOf(given.with, true), ...partsOf(given.without, false) },
      ...(base === undefined ? {} : { base: path.resolve(base) }),
      runner,
      sparkMaster,
    });
    work.end();
    const state = resumed ? text('was there already', '此前已建成') : text('built', '已建成');
    return {
      data: {
        directory,
        resumed,
        counts: manifest.counts,
        stages: manifest.stages,
        splits: manifest.splits,
        rates: work.rates.summary(),
      },
      lines: [
        ...corpusSummary(manifest, labelOf),
        ...skippedFiles(directory),
        text(`${directory}: ${state}`, `${directory}：${state}`),
      ],
    };
  },
});

/** By name or file, or made of the files that --from names; what was found there is said before the build begins. */
async function recipeOf(name: string | undefined, from: readonly string[] | undefined, out: string): Promise<Recipe> {
  if ((name === undefined) === (from === undefined)) {
    throw new UsageError(
      text('give a recipe, or your own files with --from', '请给出配方，或用 --from 指明自己的文件'),
    );
  }
  if (name !== undefined) return (await import('@tunan/corpus')).readRecipe(findRecipe('corpus', name));
  const { ownRecipe } = await import('../own-recipe-file.ts');
  const { recipe, lines } = await ownRecipe(from!, out);
  for (const line of lines) process.stderr.write(`${line}\n`);
  return recipe;
}

/** `NAME=DIR` is a checkout of a repository, `DIR` alone a folder of collected texts. */
function localCopies(list = ''): { local: Record<string, string>; collected: string[] } {
  const entries = list.split(',').filter((entry) => entry !== '');
  const pairs = entries
    .filter((entry) => entry.includes('='))
    .map((pair): [string, string] => {
      const at = pair.indexOf('=');
      if (at > 0 && at < pair.length - 1) return [pair.slice(0, at), pair.slice(at + 1)];
      throw new UsageError(text(`--local needs NAME=DIR, not '${pair}'`, `--local 需要 NAME=DIR，而不是“${pair}”`));
    });
  return { local: Object.fromEntries(pairs), collected: entries.filter((entry) => !entry.includes('=')) };
}

function partsOf(list: string | undefined, use: boolean): Record<string, boolean> {
  return Object.fromEntries((list ?? '').split(',').flatMap((name) => (name === '' ? [] : [[name, use]])));
}
