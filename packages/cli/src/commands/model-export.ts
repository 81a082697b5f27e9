/** `tunan model export` */
import { defineCommand } from '../command.ts';
import { toGguf } from '../export/to-gguf.ts';
import { toHuggingFace } from '../export/to-hugging-face.ts';
import { toOnnx } from '../export/to-onnx.ts';
import { notOneOf } from '../export/wishes.ts';
import { text } from '../language.ts';

const FORMATS = ['gguf', 'hf', 'onnx', 'qonnx'];

export default defineCommand({
  positionals: { dir: { help: text('model directory', '模型目录') } },
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
  ],
  reports: true,
  run: async ({ format, ...wishes }) => {
    if (format === 'gguf') return await toGguf(wishes);
    if (format === 'hf') return await toHuggingFace(wishes);
    if (format === 'onnx' || format === 'qonnx') return await toOnnx(format, wishes);
    throw notOneOf('format', format, FORMATS);
  },
});
