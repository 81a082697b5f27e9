/** `tunan model export` */
import { defineCommand, type Report } from '../command.ts';
import { UsageError } from '../errors.ts';
import { adapterToGguf } from '../export/adapter-to-gguf.ts';
import { exportMerged } from '../export/merged.ts';
import { toGguf } from '../export/to-gguf.ts';
import { toHuggingFace } from '../export/to-hugging-face.ts';
import { toOnnx } from '../export/to-onnx.ts';
import { notOneOf, type Wishes } from '../export/wishes.ts';
import { text } from '../language.ts';
import { anyBaseOption } from '../model-options.ts';

const FORMATS = ['gguf', 'hf', 'onnx', 'qonnx'];

export default defineCommand({
  positionals: { dir: { help: text('model directory, or that of an adapter', '模型目录，或适配器目录') } },
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      required: true,
      help: text(
        'gguf, for llama.cpp, Ollama and LM Studio; hf, for transformers and vLLM; onnx, for ONNX Runtime and transformers.js; qonnx, for compilers for FPGAs',
        'gguf，供 llama.cpp、Ollama 与 LM Studio 使用；hf，供 transformers 与 vLLM 使用；onnx，供 ONNX Runtime 与 transformers.js 使用；qonnx，供 FPGA 编译器使用',
      ),
    },
    type: {
      type: 'string',
      value: 'TYPE',
      help: text(
        'of the weights: in gguf f32, f16, bf16, q8_0 (the default), q4_0, q4_k_m; in hf bf16 (the default), f32, f16; in onnx f32 (the default), f16, int8; in qonnx int8 (the default), pow2',
        '权重的类型：gguf 有 f32、f16、bf16、q8_0（默认）、q4_0、q4_k_m；hf 有 bf16（默认）、f32、f16；onnx 有 f32（默认）、f16、int8；qonnx 有 int8（默认）、pow2',
      ),
    },
    out: {
      type: 'string',
      value: 'PATH',
      help: text(
        'what to write (default: the file DIR-gguf/NAME-TYPE.gguf, the directory DIR-TYPE, DIR-onnx or DIR-qonnx)',
        '写到何处（默认：文件 DIR-gguf/名称-类型.gguf，或目录 DIR-类型、DIR-onnx、DIR-qonnx）',
      ),
    },
    merge: {
      type: 'string',
      value: 'ADAPTER',
      help: text('adapter to merge into the weights first', '先并入权重的适配器'),
    },
    base: {
      type: 'string',
      value: 'MODEL',
      help: text(
        'of an adapter that is exported by itself, as gguf in f32 (its default) or f16: the model that it adds to',
        '单独导出适配器（gguf，类型 f32（默认）或 f16）时，它所附着的模型目录',
      ),
    },
    ...anyBaseOption,
    measure: {
      type: 'string',
      value: 'DATA',
      help: text(
        'text that the model has not seen, a corpus or a file: bits per character before and after, for the card',
        '模型未见过的文本（语料目录或文件）：测量导出前后每字比特数，写入说明',
      ),
    },
    limit: {
      type: 'number',
      value: 'N',
      default: 200,
      help: text('documents to measure on, the first N', '测量所用的文档数，取前 N 篇'),
    },
  },
  examples: [
    'tunan model export runs/quickstart/model --format gguf --type q4_k_m --measure runs/quickstart/corpus',
    'tunan model export runs/quickstart/model --format hf --type bf16 --out runs/poet-bf16',
    'tunan model export runs/quickstart/model --format onnx --type int8',
    'tunan model export runs/base/model --merge runs/riddles/adapter --format gguf --type q8_0',
    'tunan model export runs/riddles/adapter --base runs/base/model --format gguf',
  ],
  reports: true,
  run: async ({ format, merge, base, 'any-base': anyBase, ...wishes }) => {
    if (!FORMATS.includes(format)) throw notOneOf('format', format, FORMATS);
    const { isAdapter } = await import('@tunan/model');
    if (isAdapter(wishes.dir)) return await adapterToGguf(format, wishes, base, anyBase);
    if (base !== undefined)
      throw new UsageError(
        text(
          `--base is for adapters, and ${wishes.dir} is none: --merge puts one into a model`,
          `--base 只用于适配器，而 ${wishes.dir} 不是：--merge 可把适配器并入模型`,
        ),
      );
    if (merge === undefined) return await exportAs(format, wishes);
    return await exportMerged(wishes, merge, anyBase, (merged) => exportAs(format, merged));
  },
});

async function exportAs(format: string, wishes: Wishes): Promise<Report> {
  if (format === 'gguf') return await toGguf(wishes);
  if (format === 'hf') return await toHuggingFace(wishes);
  return await toOnnx(format === 'onnx' ? 'onnx' : 'qonnx', wishes);
}
