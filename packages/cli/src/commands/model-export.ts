/** `tunan model export` */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { ExportedGguf, MeasuredLoss } from '@tunan/inference';
import { defineCommand, type Report } from '../command.ts';
import { UsageError } from '../errors.ts';
import { toOnnx } from '../export/to-onnx.ts';
import { notOneOf, type Wishes } from '../export/wishes.ts';
import { spoken, text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';

const FORMATS = ['gguf', 'hf', 'onnx'];

export default defineCommand({
  positionals: { dir: { help: text('model directory', '模型目录') } },
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      required: true,
      help: text(
        'gguf, for llama.cpp, Ollama and LM Studio; hf, for transformers and vLLM; onnx, for ONNX Runtime and transformers.js',
        'gguf，供 llama.cpp、Ollama 与 LM Studio 使用；hf，供 transformers 与 vLLM 使用；onnx，供 ONNX Runtime 与 transformers.js 使用',
      ),
    },
    type: {
      type: 'string',
      value: 'TYPE',
      help: text(
        'of the weights: f32, f16, bf16 (not in onnx), and in gguf q8_0, q4_0, q4_k_m (default: q8_0 in gguf, bf16 in hf, f32 in onnx)',
        '权重的类型：f32、f16、bf16（onnx 无此项），gguf 还有 q8_0、q4_0、q4_k_m（默认 gguf 为 q8_0，hf 为 bf16，onnx 为 f32）',
      ),
    },
    output: {
      type: 'string',
      value: 'PATH',
      help: text(
        'what to write (default: the file DIR-gguf/NAME-TYPE.gguf, the directory DIR-TYPE or DIR-onnx)',
        '写到何处（默认：文件 DIR-gguf/名称-类型.gguf，或目录 DIR-类型、DIR-onnx）',
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
    'tunan model export runs/quickstart/model --format onnx',
  ],
  reports: true,
  run: async ({ format, ...wishes }) => {
    if (format === 'gguf') return await toGguf(wishes);
    if (format === 'hf') return await toHuggingFace(wishes);
    if (format === 'onnx') return await toOnnx(wishes);
    throw notOneOf('format', format, FORMATS);
  },
});

async function toGguf({ dir, type = 'q8_0', output, measure }: Wishes): Promise<Report> {
  const { exportGguf, fallbackLines, ggufTypes, lossInPercent, modelfile, writeGgufCard } = await import(
    '@tunan/inference'
  );
  const { makeFolder, writeWhole } = await import('@tunan/files');
  const { sizesOf } = await import('@tunan/model');
  const known = ggufTypes.find((name) => name === type);
  if (known === undefined) throw notOneOf('type', type, ggufTypes);
  const documents = measure === undefined ? undefined : await readMeasured(measure);
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
  const measured =
    documents === undefined ? undefined : await measureLoss(dir, file, exported, documents, path.basename(measure!));
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
      ...(measured === undefined
        ? []
        : [
            text(
              `bits per character: ${measured.original.toFixed(4)} before, ${measured.exported.toFixed(4)} in the file (${lossInPercent(measured)})`,
              `每字比特数：导出前 ${measured.original.toFixed(4)}，文件中 ${measured.exported.toFixed(4)}（${lossInPercent(measured)}）`,
            ),
          ]),
      ...notes.map(spoken),
    ],
  };
}

async function readMeasured(place: string): Promise<string[]> {
  const { readDocuments } = await import('../evaluation/read-documents.ts');
  return await readDocuments(place, 'test');
}

/** Of the weights as they stand in the file, so that writing and reading are measured too. */
async function measureLoss(
  dir: string,
  file: string,
  { tokenizer }: ExportedGguf,
  documents: readonly string[],
  name: string,
): Promise<MeasuredLoss> {
  const { loadGguf } = await import('@tunan/inference');
  const { LanguageModel } = await import('@tunan/model');
  const { evaluateBitsPerCharacter } = await import('@tunan/evaluation');
  using original = LanguageModel.load(dir);
  const before = await evaluateBitsPerCharacter(original, tokenizer, documents);
  using written = loadGguf(file);
  const after = await evaluateBitsPerCharacter(written, tokenizer, documents);
  return {
    text: name,
    characters: before.characters,
    original: before.bitsPerCharacter,
    exported: after.bitsPerCharacter,
  };
}

async function toHuggingFace({ dir, type = 'bf16', output, measure }: Wishes): Promise<Report> {
  const { exportHuggingFace, huggingFaceTypes } = await import('@tunan/inference');
  const known = huggingFaceTypes.find((name) => name === type);
  if (known === undefined) throw notOneOf('type', type, huggingFaceTypes);
  if (measure !== undefined)
    throw new UsageError(
      text(
        '--measure is for --format gguf: measure a directory with eval run perplexity',
        '--measure 用于 --format gguf：目录请用 eval run perplexity 测量',
      ),
    );
  const place = output ?? `${path.resolve(dir)}-${type}`;
  exportHuggingFace(dir, place, known);
  return { data: { directory: place, type }, lines: [place] };
}
