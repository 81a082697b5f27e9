/**
 * README.md beside GGUF files: for each file a section with its types, its size, what its numbers cost and how it is run. Sections of other
 * files, and what people wrote between, stay as they are.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Said, writeWhole } from '@tunan/files';
import type { ExportedGguf } from './export-gguf.ts';
import type { GgufType } from './gguf/file-types.ts';

/** Bits per character on a text: what the model costs as it was, and as the file holds it. */
export interface MeasuredLoss {
  readonly text: string;
  readonly characters: number;
  readonly original: number;
  readonly exported: number;
}

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
  const card = path.join(path.dirname(parts.file), 'README.md');
  const name = path.basename(parts.file);
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const section = `${start}\n${sectionOf(name, parts)}\n${end}\n`;
  const before = existsSync(card) ? readFileSync(card, 'utf8') : headOf(parts);
  const [at, to] = [before.indexOf(start), before.indexOf(end)];
  const known = at >= 0 && to > at;
  const written = known
    ? before.slice(0, at) + section + before.slice(to + end.length).replace(/^\n/, '')
    : `${before.trimEnd()}\n\n${section}`;
  writeWhole(card, written);
}

/** Of the difference, with its sign. */
export function lossInPercent({ original, exported }: MeasuredLoss): string {
  const share = (100 * (exported - original)) / original;
  return `${share < 0 ? '−' : '+'}${Math.abs(share).toFixed(2)} %`;
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
  if (measured !== undefined) {
    const { original, exported: now, characters, text } = measured;
    const loss = `${original.toFixed(4)} before, ${now.toFixed(4)} in this file (${lossInPercent(measured)})`;
    rows.push(['bits per character', `${loss}, on ${characters.toLocaleString('en-US')} characters of ${text}`]);
  }
  const lines = [...fallbackLines(exported), ...exported.notes].map(({ en }) => `- ${en}`);
  const base = name.replace(/\.gguf$/, '');
  return `## ${name}

| | |
|---|---|
${rows.map(([key, value]) => `| ${key} | ${value} |`).join('\n')}
${lines.length === 0 ? '' : `\n${lines.join('\n')}\n`}
    llama-server -m ${name}
    ollama create ${base} -f ${base}.Modelfile`;
}
