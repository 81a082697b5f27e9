/** `tunan model export` */
import path from 'node:path';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { spoken, text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';

export default defineCommand({
  positionals: { dir: { help: text('model directory', '模型目录') } },
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      required: true,
      help: text('gguf, for llama.cpp, Ollama and LM Studio', 'gguf，供 llama.cpp、Ollama 与 LM Studio 使用'),
    },
    type: {
      type: 'string',
      value: 'TYPE',
      default: 'f16',
      help: text('of the weights: f32, f16 or bf16', '权重的类型：f32、f16 或 bf16'),
    },
    output: {
      type: 'string',
      value: 'FILE',
      help: text('file to write (default DIR-gguf/NAME-TYPE.gguf)', '写出的文件（默认 DIR-gguf/名称-类型.gguf）'),
    },
  },
  examples: ['tunan model export runs/quickstart/model --format gguf --type f16'],
  reports: true,
  run: async ({ dir, format, type, output }) => {
    const { exportGguf, ggufTypes } = await import('@tunan/inference');
    const { makeFolder } = await import('@tunan/files');
    if (format !== 'gguf') throw notOneOf('format', format, ['gguf']);
    const known = ggufTypes.find((name) => name === type);
    if (known === undefined) throw notOneOf('type', type, ggufTypes);
    const file = output ?? defaultFile(dir, type);
    makeFolder(path.dirname(file));
    const line = new ProgressLine();
    const exported = exportGguf(dir, file, {
      type: known,
      onProgress: ({ writtenBytes, totalBytes }) =>
        line.show(`${text('writing', '正在写出')} ${file}: ${percent(writtenBytes, totalBytes)}`),
    });
    line.end();
    return {
      data: { file, type, tensors: exported.tensors, notes: exported.notes.map(({ en }) => en) },
      lines: [file, ...exported.notes.map(spoken)],
    };
  },
});

function notOneOf(option: string, given: string, known: readonly string[]): UsageError {
  return new UsageError(
    text(
      `--${option} is one of ${known.join(', ')}, not '${given}'`,
      `--${option} 应为 ${known.join('、')} 之一，而不是“${given}”`,
    ),
  );
}

function defaultFile(directory: string, type: string): string {
  const place = path.resolve(directory);
  return path.join(`${place}-gguf`, `${path.basename(place)}-${type}.gguf`);
}
