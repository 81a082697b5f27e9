/** `tunan eval run` */
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { loadModel, modelOptions } from '../model-options.ts';
import { ProgressLine, percent } from '../progress.ts';

const suites = ['perplexity'];
const splits = ['validation', 'test', 'train'] as const;
type SplitName = (typeof splits)[number];

export default defineCommand({
  positionals: {
    suite: { help: text('perplexity: bits per character of a corpus', 'perplexity：在语料上的每字比特数') },
  },
  options: {
    model: { type: 'string', value: 'DIR', required: true, help: text('model directory', '模型目录') },
    corpus: { type: 'string', value: 'DIR', required: true, help: text('corpus directory', '语料目录') },
    split: { type: 'string', value: 'NAME', default: 'validation', help: splits.join(', ') },
    limit: { type: 'number', value: 'N', help: text('documents at most, from the first', '最多取前 N 篇') },
    ...modelOptions,
  },
  examples: ['tunan eval run perplexity --model runs/quickstart/model-6min --corpus runs/quickstart/corpus'],
  reports: true,
  run: async ({ suite, model: directory, corpus, split, limit, device, dtype }) => {
    if (!suites.includes(suite))
      throw new UsageError(
        text(
          `unknown suite '${suite}'; known: ${suites.join(', ')}`,
          `未知的评测“${suite}”；已有：${suites.join('、')}`,
        ),
      );
    const documents = await readDocuments(corpus, readSplit(split), limit);
    const { evaluateBitsPerCharacter } = await import('@tunan/evaluation');
    const { model, tokenizer } = await loadModel(directory, { device, dtype });
    const progress = new ProgressLine();
    const bits = await evaluateBitsPerCharacter(model, tokenizer, documents, {
      onProgress: (done, total) => progress.show(percent(done, total)),
    });
    progress.end();
    return {
      data: { suite, split, documents: documents.length, ...bits },
      lines: Object.entries(bits).map(([name, value]) => `${name}: ${value}`),
    };
  },
});

function readSplit(name: string): SplitName {
  const split = splits.find((known) => known === name);
  if (split === undefined)
    throw new UsageError(text(`--split is one of ${splits.join(', ')}`, `--split 应为 ${splits.join('、')} 之一`));
  return split;
}

async function readDocuments(directory: string, split: SplitName, limit = Number.POSITIVE_INFINITY): Promise<string[]> {
  const { openCorpus } = await import('@tunan/corpus');
  const texts: string[] = [];
  for await (const document of openCorpus(directory).documents(split)) {
    if (texts.length >= limit) break;
    texts.push(document.text);
  }
  return texts;
}
