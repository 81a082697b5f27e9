/** `tunan model export` */
import { statSync } from 'node:fs';
import path from 'node:path';
import { defineCommand, type Report } from '../command.ts';
import { UsageError } from '../errors.ts';
import { lossLine, measureLoss, readMeasured } from '../export/measured-loss.ts';
import { toOnnx } from '../export/to-onnx.ts';
import { notOneOf, type Wishes } from '../export/wishes.ts';
import { spoken, text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';

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
    output: {
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
  },
  examples: [
    'tunan model export runs/quickstart/model --format gguf --type q4_k_m --measure runs/quickstart/corpus',
    'tunan model export runs/quickstart/model --format hf --type bf16 --output runs/poet-bf16',
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

async function toGguf({ dir, type = 'q8_0', output, measure }: Wishes): Promise<Report> {
  const { exportGguf, fallbackLines, ggufTypes, loadGguf, lossInPercent, modelfile, writeGgufCard } = await import(
    '@tunan/inference'
  );
  const { makeFolder, writeWhole } = await import('@tunan/files');
  const { sizesOf } = await import('@tunan/model');
  const known = ggufTypes.find((name) => name === type);
  if (known === undefined) throw notOneOf('type', type, ggufTypes);
  const documents = await readMeasured(measure);
  const place = path.resolve(dir);
  const file = output ?? path.join(`${place}-gguf`, `${path.basename(place)}-${type}.gguf`);
  makeFolder(path.dirname(file));
  const line = new ProgressLine();
  const exported = exportGguf(dir, file, {
    type: known,
    onProgress: ({ writtenBytes, totalBytes }) =>
      line.show(`${text('writing', '正在写出')} ${file}: ${percent(writtenBytes, totalBytes)}`),
  });
  line.end();
  // Of the weights as they stand in the file, so that writing and reading are measured too.
  const measured = documents && (await measureLoss(dir, exported.tokenizer, documents, measure!, () => loadGguf(file)));
  const bytes = statSync(file).size;
  const parameters = sizesOf(exported.config).parameters.total;
  writeGgufCard({ file, type: known, bytes, exported, parameters, measured });
  const beside = `${file.replace(/\.gguf$/, '')}.Modelfile`;
  writeWhole(beside, modelfile(path.basename(file), exported.tokenizer, exported.template));
  const notes = [...fallbackLines(exported), ...exported.notes];
  return {
    data: {
      file,
      modelfile: beside,
      type,
      bytes,
      tensors: exported.tensors,
      measured,
      notes: notes.map(({ en }) => en),
    },
    lines: [
      text(
        `${file}: ${type}, ${(bytes / 1e6).toFixed(1)} MB; README.md and a Modelfile of Ollama beside it`,
        `${file}：${type}，${(bytes / 1e6).toFixed(1)} MB；旁边有 README.md 与 Ollama 的 Modelfile`,
      ),
      ...(measured === undefined ? [] : [lossLine(measured, lossInPercent(measured))]),
      ...notes.map(spoken),
    ],
  };
}

async function toHuggingFace({ dir, type = 'bf16', output, measure }: Wishes): Promise<Report> {
  const { exportHuggingFace, huggingFaceTypes } = await import('@tunan/inference');
  const known = huggingFaceTypes.find((name) => name === type);
  if (known === undefined) throw notOneOf('type', type, huggingFaceTypes);
  if (measure !== undefined)
    throw new UsageError(
      text(
        '--measure is not for --format hf: measure a directory with eval run perplexity',
        '--measure 不用于 --format hf：目录请用 eval run perplexity 测量',
      ),
    );
  const place = output ?? `${path.resolve(dir)}-${type}`;
  exportHuggingFace(dir, place, known);
  return { data: { directory: place, type }, lines: [place] };
}
