/** `tunan model export --format onnx` */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Report } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';
import { notOneOf, type Wishes } from './wishes.ts';

export async function toOnnx({ dir, type = 'f32', output }: Wishes): Promise<Report> {
  const { exportOnnx, onnxTypes } = await import('@tunan/inference');
  const known = onnxTypes.find((name) => name === type);
  if (known === undefined) throw notOneOf('type', type, onnxTypes);
  const line = new ProgressLine();
  const { file } = exportOnnx(dir, output ?? `${path.resolve(dir)}-onnx`, {
    type: known,
    onProgress: ({ writtenBytes, totalBytes }) =>
      line.show(`${text('writing', '正在写出')} ${type}: ${percent(writtenBytes, totalBytes)}`),
  });
  line.end();
  const { size } = statSync(file);
  return {
    data: { file, type, bytes: size },
    lines: [text(`${file}: ${type}, ${(size / 1e6).toFixed(1)} MB`, `${file}：${type}，${(size / 1e6).toFixed(1)} MB`)],
  };
}
