/** `tunan model export --format gguf`: the file, what is said of it in the card beside it, and a Modelfile. */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Report } from '../command.ts';
import { spoken, text } from '../language.ts';
import { ProgressLine, percent } from '../progress.ts';
import { lossLine, measureLoss, readMeasured } from './measured-loss.ts';
import { notOneOf, type Wishes } from './wishes.ts';

export async function toGguf({ dir, place: named = dir, type = 'q8_0', out, measure, limit }: Wishes): Promise<Report> {
  const { exportGguf, fallbackLines, ggufTypes, loadGguf, lossInPercent, modelfile, writeGgufCard } = await import(
    '@tunan/inference'
  );
  const { makeFolder, writeWhole } = await import('@tunan/files');
  const { sizesOf } = await import('@tunan/model');
  const known = ggufTypes.find((name) => name === type);
  if (known === undefined) throw notOneOf('type', type, ggufTypes);
  const documents = await readMeasured(measure, limit);
  const place = path.resolve(named);
  const file = out ?? path.join(`${place}-gguf`, `${path.basename(place)}-${type}.gguf`);
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
