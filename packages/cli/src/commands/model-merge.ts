/** `tunan model merge` */
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { anyBaseOption } from '../model-options.ts';

const TYPES = ['float32', 'bfloat16', 'float16'] as const;

export default defineCommand({
  positionals: {
    model: { help: text('model directory that the adapter adds to', '适配器所属的模型目录') },
  },
  options: {
    adapter: {
      type: 'string',
      value: 'DIR',
      required: true,
      help: text('adapter in the form of PEFT, of tunan train tune or another program', 'PEFT 格式的适配器目录'),
    },
    out: { type: 'string', value: 'DIR', required: true, help: text('model directory to write', '写出的模型目录') },
    type: {
      type: 'string',
      value: 'TYPE',
      help: text(
        'of the weights: float32 (default), bfloat16 or float16, which round small changes away',
        '权重类型：float32（默认）、bfloat16 或 float16；后两者会舍去细小的改动',
      ),
    },
    ...anyBaseOption,
  },
  examples: ['tunan model merge runs/base --adapter runs/tuned/adapter --out runs/merged'],
  reports: true,
  run: async ({ model, adapter, out, type = 'float32', 'any-base': anyBase }) => {
    const dtype = TYPES.find((one) => one === type);
    if (dtype === undefined) {
      const known = TYPES.join(', ');
      throw new UsageError(text(`--type is one of ${known}, not '${type}'`, `--type 可取 ${known}，而不是“${type}”`));
    }
    const { mergeAdapter } = await import('@tunan/model');
    const maps = mergeAdapter(model, adapter, out, { dtype, anyBase });
    return {
      data: { directory: out, maps, dtype },
      lines: [
        text(
          `${out}: ${maps} maps of the blocks changed, weights in ${dtype}`,
          `${out}：改动了 ${maps} 个映射，权重为 ${dtype}`,
        ),
      ],
    };
  },
});
