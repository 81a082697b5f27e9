/** `tunan quickstart` */
import path from 'node:path';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { serveModels } from '../serve-models.ts';
import { StopSignal } from '../stop-signal.ts';

export default defineCommand({
  positionals: {},
  options: {
    minutes: {
      type: 'number',
      value: 'N',
      default: 6,
      help: text('for everything, from raw text to scores', '从原始文本到评测的总时间（分钟）'),
    },
    out: { type: 'string', value: 'DIR', default: 'runs/quickstart', help: text('folder of all results', '结果目录') },
    recipe: {
      type: 'string',
      value: 'NAME',
      default: 'tiny-poet',
      help: text('corpus recipe, by name or path', '语料配方的名称或路径'),
    },
    vocabulary: { type: 'number', value: 'N', help: text('largest vocabulary', '词表大小上限') },
    'no-serve': { type: 'boolean', help: text('end after the summary', '输出总结后即结束，不启动服务') },
    port: {
      type: 'number',
      value: 'N',
      default: 8000,
      help: text('of the server; any free one if it is taken', '服务端口；被占用时任取空闲端口'),
    },
  },
  examples: ['tunan quickstart', 'tunan quickstart --minutes 60 --no-serve'],
  reports: true,
  run: async ({ minutes, out, recipe, vocabulary, 'no-serve': noServe, port }) => {
    if (!(minutes > 0)) throw new UsageError(text('--minutes must be more than 0', '--minutes 必须大于 0'));
    const [{ quickstart }, { summaryLines }] = await Promise.all([
      import('../quickstart/quickstart.ts'),
      import('../quickstart/summary.ts'),
    ]);
    const stop = new StopSignal();
    const summary = await quickstart({
      recipe,
      directory: out,
      minutes,
      signal: stop.signal,
      print: (line) => process.stderr.write(`${line}\n`),
      vocabularySize: vocabulary,
    }).catch((error: unknown) => {
      // Evaluation ends with an AbortError when it is stopped; the checkpoint is saved by then.
      if (stop.signal.aborted && error instanceof Error && error.name === 'AbortError') return undefined;
      throw error;
    });
    if (summary === undefined) {
      const line = text(
        'stopped and saved; the same command goes on from here',
        '已停止并保存；再次运行同一命令即可继续',
      );
      return { data: { status: 'stopped', directory: out }, lines: [line] };
    }
    const report = { data: { status: 'finished', ...summary }, lines: summaryLines(summary) };
    if (noServe) return report;
    const { directory } = summary.model;
    const afterwards = async () => {
      const { ModelPool, openEngine } = await import('@tunan/inference');
      const open = async () => {
        const models = new ModelPool();
        models.hold(path.basename(recipe, '.json'), (await openEngine(directory)).engine);
        return models;
      };
      const sources = [{ name: path.basename(recipe, '.json'), source: directory }];
      await serveModels({ open, measured: sources, host: '127.0.0.1', port, portMayChange: true }, stop);
    };
    return { ...report, afterwards };
  },
});
