/** `tunan model export --format onnx` and `--format qonnx` */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { OnnxFormat } from '@tunan/inference';
import type { Report } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';
import { lossLine, measureLoss, readMeasured } from './measured-loss.ts';
import { notOneOf, type Wishes } from './wishes.ts';

export async function toOnnx(
  format: OnnxFormat,
  { dir, place: named = dir, type, out, measure, limit }: Wishes,
): Promise<Report> {
  const { exportOnnx, loadRounded, lossInPercent, onnxTypes, writeOnnxCard } = await import('@tunan/inference');
  const types = onnxTypes(format);
  const known = type === undefined ? types[0]! : types.find((name) => name === type);
  if (known === undefined) throw notOneOf('type', type!, types);
  const documents = await readMeasured(measure, limit);
  const place = out ?? `${path.resolve(named)}-${format}`;
  const line = new ProgressLine();
  const exported = exportOnnx(dir, place, {
    format,
    type: known,
    onProgress: ({ writtenBytes, totalBytes }) =>
      line.show(`${text('writing', '正在写出')} ${place}: ${percent(writtenBytes, totalBytes)}`),
  });
  line.end();
  const { file, tokenizer } = exported;
  const measured =
    documents && (await measureLoss(dir, tokenizer, documents, measure!, () => loadRounded(dir, format, known)));
  const bytes = exported.files.reduce((sum, one) => sum + statSync(one).size, 0);
  writeOnnxCard(place, { format, type: known, bytes, exported, measured });
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  return {
    data: { directory: place, file, format, type: known, bytes, measured },
    lines: [
      text(`${file}: ${known}, ${size}`, `${file}：${known}，${size}`),
      ...(measured === undefined ? [] : [lossLine(measured, lossInPercent(measured))]),
    ],
  };
}
