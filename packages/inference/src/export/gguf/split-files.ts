/** A model in several files, as llama.cpp's `llama-gguf-split` names them: `NAME-00001-of-00003.gguf` and so on, all in one folder. */
import { existsSync, statSync } from 'node:fs';
import { systemProblem } from '@tunan/files';
import { damagedGguf } from './damaged-gguf.ts';

const NUMBERED = /-(\d{5})-of-(\d{5})(\.gguf)$/i;

/** What the model is called: without the number of the part and the ending. */
export function ggufName(file: string): string {
  return file.replace(NUMBERED, '$3').replace(/\.gguf$/i, '');
}

/** Whether it is a part other than the first. */
export function isLaterPart(file: string): boolean {
  return Number(NUMBERED.exec(file)?.[1] ?? 1) > 1;
}

/**
 * All files of a model, the given one first; itself alone where its name has no number.
 * @throws ExportError EXPORT_UNREADABLE for a part that is missing, or one that is not the first
 */
export function filesOf(file: string): readonly string[] {
  const [, number, count] = NUMBERED.exec(file) ?? [];
  if (number === undefined || count === undefined) return [file];
  const part = (index: number) =>
    file.replace(
      NUMBERED,
      (_all, _number, _count, ending) => `-${String(index).padStart(5, '0')}-of-${count}${ending}`,
    );
  if (Number(number) !== 1) {
    const first = part(1);
    throw damagedGguf(
      file,
      `this is part ${Number(number)} of ${Number(count)} of a model: name the first, ${first}`,
      `这是模型 ${Number(count)} 个分卷中的第 ${Number(number)} 个：请指明第一个 ${first}`,
    );
  }
  const files = Array.from({ length: Number(count) }, (_, index) => part(index + 1));
  // What is wrong with the first is told by who reads it.
  const missing = files.slice(1).find((one) => !existsSync(one));
  if (missing === undefined) return files;
  throw damagedGguf(
    file,
    `the model is in ${files.length} files, and ${missing} is missing: put all of them into one folder`,
    `模型共有 ${files.length} 个分卷，缺少 ${missing}：请把全部分卷放在同一目录`,
  );
}

/** Bytes of all files. @throws ExportError EXPORT_UNREADABLE for one that cannot be had */
export function bytesOfFiles(file: string): number {
  return filesOf(file).reduce((sum, one) => {
    try {
      return sum + statSync(one).size;
    } catch (cause) {
      const why = systemProblem(cause) ?? { en: 'no such file', zh: '没有这个文件' };
      throw damagedGguf(one, why.en, why.zh, cause);
    }
  }, 0);
}
