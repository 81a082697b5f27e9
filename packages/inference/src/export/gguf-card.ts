/**
 * README.md beside GGUF files: for each file a section with its types, its size, what its numbers cost and how it is run. Sections of other
 * files, and what people wrote between, stay as they are.
 */
import path from 'node:path';
import type { Said } from '@tunan/files';
import { tableOf, writeCardSection } from './card-section.ts';
import type { ExportedGguf } from './export-gguf.ts';
import type { GgufType } from './gguf/file-types.ts';
import { lossRow, type MeasuredLoss } from './measured-loss.ts';

export interface CardParts {
  readonly file: string;
  readonly type: GgufType;
  readonly bytes: number;
  readonly exported: ExportedGguf;
  readonly parameters: number;
  readonly measured?: MeasuredLoss | undefined;
}

/** @throws WriteError */
export function writeGgufCard(parts: CardParts): void {
  const name = path.basename(parts.file);
  writeCardSection(path.dirname(parts.file), name, headOf(parts), sectionOf(name, parts));
}

/** The tensors whose rows are no whole blocks of their type, one line for those that share it. */
export function fallbackLines({ tensors }: ExportedGguf): Said[] {
  const groups = new Map<string, string[]>();
  for (const { name, shape, type, insteadOf } of tensors) {
    if (insteadOf === undefined) continue;
    const key = `${type} ${insteadOf} ${shape.at(-1)}`;
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups].map(([key, names]) => {
    const [type, insteadOf, columns] = key.split(' ');
    const which = names.length === 1 ? names[0]! : `${names[0]} … ${names.at(-1)}`;
    return {
      en: `${which} (${names.length}): rows of ${columns} are no whole blocks of ${insteadOf}; they are ${type}, as in llama.cpp`,
      zh: `${which}（${names.length} 个）：每行 ${columns} 个，不是 ${insteadOf} 的整块；改用 ${type}，与 llama.cpp 相同`,
    };
  });
}

function headOf({ file, exported, parameters }: CardParts): string {
  const name = path.basename(path.dirname(path.resolve(file)));
  return `---
language: zh
library_name: gguf
pipeline_tag: text-generation
tags: [tunan]
---

# ${name}

GGUF files of a model of ${parameters.toLocaleString('en-US')} parameters for llama.cpp, Ollama and LM Studio, written by tunan.
Context: ${exported.config.contextLength} tokens.
`;
}

function sectionOf(name: string, parts: CardParts): string {
  const { type, bytes, exported, parameters, measured } = parts;
  const counts = new Map<string, number>();
  for (const tensor of exported.tensors) counts.set(tensor.type, (counts.get(tensor.type) ?? 0) + 1);
  const rows: [string, string][] = [
    ['type', `${type} (${[...counts].map(([each, count]) => `${count} tensors ${each}`).join(', ')})`],
    [
      'size',
      `${(bytes / 1e6).toFixed(1)} MB, ${((8 * bytes) / parameters).toFixed(2)} bits a parameter with the vocabulary`,
    ],
  ];
  if (measured !== undefined) rows.push(lossRow(measured));
  const lines = [...fallbackLines(exported), ...exported.notes].map(({ en }) => `- ${en}`);
  const base = name.replace(/\.gguf$/, '');
  return `## ${name}

${tableOf(rows)}
${lines.length === 0 ? '' : `\n${lines.join('\n')}\n`}
    llama-server -m ${name}
    ollama create ${base} -f ${base}.Modelfile`;
}
