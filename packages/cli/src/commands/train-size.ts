/** `tunan train size` */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeFolder, writeWhole } from '@tunan/files';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { ProgressLine } from '../progress.ts';
import { shellLine } from '../shell-words.ts';
import { sizingLines } from '../sizing-lines.ts';
import { StopSignal } from '../stop-signal.ts';

/** Validation text that the baselines are asked for. */
const EVALUATED_CHARACTERS = 200_000;

const STAGES = {
  speed: text('timing', '测速'),
  rate: text('learning rate', '学习率'),
  runs: text('short runs', '短训练'),
} as const;

export default defineCommand({
  positionals: {},
  options: {
    minutes: { type: 'number', value: 'N', help: text('time that the training may take', '训练可用的时间（分钟）') },
    tokens: { type: 'number', value: 'N', help: text('or the tokens that it shall see', '或训练要读的词元数') },
    data: {
      type: 'strings',
      value: 'DIR',
      required: true,
      help: text('token shards with a validation split', '带验证集的词元分片'),
    },
    tokenizer: {
      type: 'string',
      value: 'FILE',
      required: true,
      help: text('tokenizer.json of the shards', '分片所用的 tokenizer.json'),
    },
    within: {
      type: 'number',
      value: 'N',
      help: text(
        'minutes that sizing itself may take (default: a tenth of the training, 3 to 30)',
        '确定规模本身可用的分钟数（默认为训练时间的十分之一，3 至 30）',
      ),
    },
    out: {
      type: 'string',
      value: 'FILE',
      help: text('write a run recipe; a page with the chart goes beside it', '写出训练配方；图表页面放在旁边'),
    },
    seed: { type: 'number', value: 'N', default: 1, help: text('seed of every draw', '随机种子') },
  },
  examples: [
    'tunan train size --minutes 60 --data runs/corpus/tokens --tokenizer runs/tokenizer.json --out runs/sized.json',
    'tunan train size --tokens 50000000 --data runs/corpus/tokens --tokenizer runs/tokenizer.json --within 10',
  ],
  reports: true,
  run: async ({ minutes, tokens, data, tokenizer: tokenizerFile, within, out, seed }) => {
    requireLength(minutes, tokens, within);
    const [{ sizeRun }, { readSplit, shardBaselines, sizingPage }, { Tokenizer }] = await Promise.all([
      import('@tunan/training'),
      import('@tunan/evaluation'),
      import('@tunan/tokenizer'),
    ]);
    const tokenizer = Tokenizer.load(tokenizerFile);
    const progress = new ProgressLine();
    using stop = new StopSignal();
    const budget = 60 * (within ?? Math.min(30, Math.max(3, (minutes ?? 30) / 10)));
    const began = performance.now();
    const work = mkdtempSync(path.join(os.tmpdir(), 'tunan-size-'));
    try {
      progress.show(text('counting the baselines', '统计基线'));
      const evaluated = readSplit(data, 'validation', tokenizer, EVALUATED_CHARACTERS);
      const baselines = await shardBaselines(data, evaluated, tokenizer, stop.signal);
      // A law from too little time is worth nothing, so that on much text counting takes half of the bound at most.
      const left = Math.max(budget / 2, budget - (performance.now() - began) / 1000);
      const sized = await sizeRun({
        data,
        minutes,
        tokens,
        budget: left,
        directory: work,
        seed,
        signal: stop.signal,
        onProgress: ({ stage, size, share }) =>
          progress.show(`${STAGES[stage]} ${size.layers} x ${size.width}  ${Math.round(100 * share)} %`),
      });
      progress.end();
      const lines = sizingLines(sized, baselines);
      if (out === undefined) return { data: { ...sized, baselines }, lines };
      const page = `${out.replace(/\.json$/, '')}.html`;
      const command = shellLine(['tunan', 'train', 'run', out, '--tokenizer', tokenizerFile, '--out', 'runs/sized']);
      makeFolder(path.dirname(out));
      writeWhole(out, `${JSON.stringify(sized.recipe, undefined, 2)}\n`);
      writeWhole(page, sizingPage(sized, baselines, command));
      lines.push(text(`recipe: ${out}, chart: ${page}`, `配方：${out}，图表：${page}`));
      lines.push(text(`train by it: ${command}`, `按它训练：${command}`));
      return { data: { ...sized, baselines, out, page }, lines };
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
});

function requireLength(minutes: number | undefined, tokens: number | undefined, within: number | undefined): void {
  if ((minutes === undefined) === (tokens === undefined)) {
    throw new UsageError(
      text('give --minutes or --tokens, one of both', '--minutes 与 --tokens 须给出其一，且只给其一'),
    );
  }
  for (const [name, value] of Object.entries({ minutes, tokens, within })) {
    if (value !== undefined && !(value > 0)) {
      throw new UsageError(text(`--${name} must be more than 0`, `--${name} 必须大于 0`));
    }
  }
}
