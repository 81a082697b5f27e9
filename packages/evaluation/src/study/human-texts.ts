/** The texts of people that a study begins with: JSON lines `{ kind, prompt, text, source }`. */
import { readFileSync } from 'node:fs';
import { findMistakes, inBoth } from '@tunan/protocol/mistakes';
import { STUDY_KINDS } from '@tunan/protocol/studies';
import { z } from 'zod';
import { clauseOf, EvaluationError, joinMistakes } from '../errors.ts';
import { KIND_RULES } from './kinds.ts';
import { charactersOf, cutAtSentence, tidyText } from './study-text.ts';

const lineSchema = z.strictObject({
  kind: z.enum(STUDY_KINDS),
  prompt: z.string().regex(/\S/, inBoth('what the text was written to', '文本所依据的题目或上文')),
  text: z.string().regex(/\S/, inBoth('the text', '正文')),
  source: z.string().regex(/\S/, inBoth('where the text is from', '文本的出处')),
});
export type HumanText = z.infer<typeof lineSchema>;

const LONGEST_LINE = 1_000_000;

/** Tidy and, where its kind is cut, cut; a text that stands there twice counts once. @throws EvaluationError naming file and line */
export function readHumanTexts(files: readonly string[]): HumanText[] {
  const found = new Map<string, HumanText>();
  for (const file of files) {
    linesOf(file).forEach((line, i) => {
      if (line.trim() === '') return;
      const text = readLine(line, file, i + 1);
      if (!found.has(text.text)) found.set(text.text, text);
    });
  }
  return [...found.values()];
}

function linesOf(file: string): string[] {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).split('\n');
  } catch (cause) {
    const why = cause instanceof TypeError ? { en: 'not UTF-8', zh: '不是 UTF-8 编码' } : clauseOf(cause);
    const message = {
      en: `cannot read ${file}: ${why.en}; give JSON lines in UTF-8 with kind, prompt, text and source`,
      zh: `无法读取 ${file}：${why.zh}；请给出 UTF-8 的 JSON 行文件，每行含 kind、prompt、text、source`,
    };
    throw new EvaluationError('EVALUATION_MISSING_DATA', message, { cause });
  }
}

function readLine(line: string, file: string, number: number): HumanText {
  const wrong = (en: string, zh: string): EvaluationError =>
    new EvaluationError('EVALUATION_BAD_DATA', {
      en: `${file}:${number}: ${en}`,
      zh: `${file}:${number}：${zh}`,
    });
  if (line.length > LONGEST_LINE) throw wrong('the line is longer than a million characters', '这一行超过一百万字');
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw wrong(`not a JSON object (${(error as Error).message})`, `不是 JSON 对象（${(error as Error).message}）`);
  }
  const checked = findMistakes(lineSchema, value);
  if ('mistakes' in checked) {
    const { en, zh } = joinMistakes(checked.mistakes);
    throw wrong(en, zh);
  }
  const { kind, source } = checked.value;
  const [prompt, whole] = [tidyText(checked.value.prompt), tidyText(checked.value.text)];
  const { longest } = KIND_RULES[kind];
  const text = longest === undefined ? whole : cutAtSentence(whole, longest);
  if (text === '' || charactersOf(prompt) === 0) {
    throw wrong(
      `the text has no whole sentence within ${longest} characters, or nothing that can be seen`,
      `正文在 ${longest} 字之内没有完整的句子，或没有可见的字`,
    );
  }
  return { kind, prompt, text, source: tidyText(source) };
}
