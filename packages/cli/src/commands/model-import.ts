/** `tunan model import` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';

export default defineCommand({
  positionals: {
    file: { help: text('GGUF of a GPT-2, Llama, Qwen2 or Qwen3', 'GPT-2、Llama、Qwen2 或 Qwen3 的 GGUF 文件') },
  },
  options: {
    out: {
      type: 'string',
      value: 'DIR',
      required: true,
      help: text('model directory to write', '写出的模型目录'),
    },
  },
  examples: ['tunan model import qwen3-0.6b-q8_0.gguf --out runs/qwen3'],
  reports: true,
  run: async ({ file, out: output }) => {
    const { importGguf } = await import('@tunan/inference');
    const { config, types } = importGguf(file, output);
    const counts = Object.entries(types).map(([type, count]) => `${count} ${type}`);
    return {
      data: { directory: output, config, types },
      lines: [
        text(
          `${output}: weights in float32, of tensors ${counts.join(', ')}`,
          `${output}：权重为 float32，来自张量 ${counts.join('、')}`,
        ),
      ],
    };
  },
});
