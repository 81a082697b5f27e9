/** `tunan model export --format hf` */
import path from 'node:path';
import type { Report } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { notOneOf, type Wishes } from './wishes.ts';

export async function toHuggingFace({ dir, place: named = dir, type = 'bf16', out, measure }: Wishes): Promise<Report> {
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
  const place = out ?? `${path.resolve(named)}-${type}`;
  exportHuggingFace(dir, place, known);
  return { data: { directory: place, type }, lines: [place] };
}
