/** The folder of a study, read when people have judged: what was said of each text, beside who wrote it, without who said it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  type Study,
  type StudyAnswerEvent,
  type StudyEvent,
  type StudyKind,
  studyEventSchema,
  studySchema,
} from '@tunan/protocol/studies';
import type { z } from 'zod';
import { clauseOf, EvaluationError } from '../errors.ts';
import { type StudyKey, studyKeySchema } from './study-key.ts';

export interface Judgement {
  /** J1, J2 … in an order that says nothing. */
  readonly judge: string;
  readonly text: string;
  readonly kind: StudyKind;
  /** Who wrote it, or which of the pair a person wrote. */
  readonly truth: string;
  readonly said: string;
  readonly right: boolean;
  readonly confidence: number;
  /** 0 is the judge's first text, 1 the last. */
  readonly place: number;
  readonly seconds: number;
  readonly seenSeconds: number;
  /** A check of attention: right where the confidence is that which was asked for, too. */
  readonly check: boolean;
  readonly source: string;
  readonly characters: readonly number[];
}

export interface JudgedStudy {
  readonly study: Study;
  readonly key: StudyKey;
  readonly judgements: readonly Judgement[];
  /** Who has agreed, who of them was at the last text, and who took their judgements back. */
  readonly judges: { readonly joined: number; readonly finished: number; readonly left: number };
}

/** @param answers where answers.json is, if it was kept apart @throws EvaluationError */
export function readStudy(folder: string, answers = path.join(folder, 'answers.json')): JudgedStudy {
  const study = readJson(path.join(folder, 'study.json'), studySchema);
  const key = readJson(answers, studyKeySchema);
  if (key.study !== study.id) {
    throw new EvaluationError('EVALUATION_BAD_DATA', {
      en: `${answers} has the answers of study ${key.study}, not of ${study.id}: give those of this study`,
      zh: `${answers} 是研究 ${key.study} 的答案，不是 ${study.id} 的：请给出本研究的答案`,
    });
  }
  const events = readEvents(path.join(folder, 'judgements.jsonl'));
  const joins = events.filter((event) => event.event === 'join');
  const left = joins.filter(({ token }) => token.startsWith('left-'));
  const byJudge = Map.groupBy(
    events.filter((event) => event.event === 'answer'),
    ({ judge }) => judge,
  );
  const judges = [...byJudge].sort(([a], [b]) => (a < b ? -1 : 1));
  const lengths = new Map(joins.map(({ judge, booklet }) => [judge, study.booklets[booklet]?.length ?? 0]));
  const judgements = judges.flatMap(([id, said], i) => {
    const length = lengths.get(id) ?? said.length;
    return said.map((one, place) => judgementOf(one, `J${i + 1}`, place / Math.max(1, length - 1), key));
  });
  const finished = judges.filter(([id, said]) => said.length === lengths.get(id)).length;
  return { study, key, judgements, judges: { joined: joins.length, finished, left: left.length } };
}

/** @throws EvaluationError for a text that the answers do not know */
function judgementOf(event: StudyAnswerEvent, judge: string, place: number, key: StudyKey): Judgement {
  const { item: text, answer: said, confidence, seconds, seenSeconds } = event;
  const known = key.items[text];
  if (known === undefined) {
    throw new EvaluationError('EVALUATION_BAD_DATA', {
      en: `the answers know no text ${text}: judgements.jsonl and answers.json are of two studies`,
      zh: `答案中没有文本 ${text}：judgements.jsonl 与 answers.json 不属于同一研究`,
    });
  }
  const { kind, answer: truth, check, source, characters } = known;
  const right = said === truth && (check === undefined || check.confidence === confidence);
  return {
    ...{ judge, text, kind, truth, said, right, confidence, place, seconds, seenSeconds },
    ...{ check: check !== undefined, source, characters },
  };
}

/** A line that is being written now is left for the next time. */
function readEvents(file: string): StudyEvent[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw damaged(file, error);
  }
  const lines = content.slice(0, content.lastIndexOf('\n') + 1).split('\n');
  return lines.flatMap((line, i) => {
    if (line === '') return [];
    try {
      return [studyEventSchema.parse(JSON.parse(line))];
    } catch (error) {
      throw damaged(`${file}:${i + 1}`, error);
    }
  });
}

function readJson<T>(file: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw damaged(file, error);
  }
}

function damaged(place: string, cause: unknown): EvaluationError {
  const system = (cause as NodeJS.ErrnoException).code === undefined ? undefined : clauseOf(cause);
  const why = system ?? { en: 'it is not of the form of a study', zh: '不是研究的文件格式' };
  const message = {
    en: `cannot read ${place}: ${why.en}; give a folder made by tunan study new`,
    zh: `无法读取 ${place}：${why.zh}；请给出 tunan study new 建立的目录`,
  };
  return new EvaluationError('EVALUATION_BAD_DATA', message, { cause });
}
