/**
 * Studies of whether people can tell a model's texts from those of people: the files of a study, which the command line writes and the server
 * reads, and what the judges' page and the server send each other.
 *
 *   study.json         what the study is; who judges which texts in which order       studySchema
 *   items.jsonl        the texts as judges see them                                    studyItemSchema
 *   answers.json       who wrote them: the server never opens it                       (package evaluation)
 *   judgements.jsonl   what judges said, a line each, written by the server            studyEventSchema
 *
 * @module @tunan/protocol/studies
 */
import { z } from 'zod';
import { inBoth } from './mistakes/said.ts';

export const STUDY_KINDS = ['news', 'poem', 'couplet', 'dialogue', 'novel'] as const;
export type StudyKind = (typeof STUDY_KINDS)[number];

/** Of single texts: who wrote it. Of pairs: which of the two a person wrote. */
export const STUDY_ANSWERS = { single: ['human', 'machine'], pair: ['first', 'second'] } as const;
export type StudyDesign = keyof typeof STUDY_ANSWERS;
export type StudyAnswer = (typeof STUDY_ANSWERS)[StudyDesign][number];

/** From a guess to certain. */
export const MOST_CONFIDENT = 5;

const both = z.object({ en: z.string(), zh: z.string() });
const design = z.enum(['single', 'pair']);
const answer = z.enum(['human', 'machine', 'first', 'second']);
const kind = z.enum(STUDY_KINDS);
const time = z.iso.datetime();
const confidence = z.int().min(1).max(MOST_CONFIDENT);

/** Letters and digits that are not taken for each other. */
const STUDY_ID = /^[a-hjkmnp-z2-9]{10}$/;

export const studySchema = z.object({
  format: z.literal(1),
  id: z.string().regex(STUDY_ID),
  title: both,
  /** Who runs it and how they are reached. */
  by: z.string(),
  consent: both,
  design,
  made: time,
  /** About how long a judge takes. */
  minutes: z.int().min(1),
  /** No answer is taken before a text could be read at so many characters a second, nor before so many seconds. */
  readingRate: z.number().positive(),
  shortestSeconds: z.number().min(0),
  /** For each judge the items in their order; the next judge is given one that is least used. */
  booklets: z.array(z.array(z.string()).min(1)).min(1),
  /** SHA-256 of the codes of which a judge must have one; absent: everybody with the link may judge. */
  invitations: z.array(z.string()).optional(),
});
export type Study = z.infer<typeof studySchema>;

export const studyItemSchema = z.object({
  id: z.string(),
  kind,
  /** What the text was written to, such as a title or the first line of a couplet. */
  prompt: z.string(),
  /** One, or two of a pair. */
  texts: z.array(z.string()).min(1).max(2),
});
export type StudyItem = z.infer<typeof studyItemSchema>;

const judge = z.string();
const item = z.string();

export const studyEventSchema = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('join'),
    judge,
    /** SHA-256 of what the judge's browser holds. */
    token: z.string(),
    booklet: z.int().min(0),
    invitation: z.string().optional(),
    time,
  }),
  z.object({ event: z.literal('shown'), judge, item, time }),
  z.object({
    event: z.literal('answer'),
    judge,
    item,
    answer,
    confidence,
    /** From the first showing to the answer, as the server saw it. */
    seconds: z.number().min(0),
    /** Of these, while the page was in sight, as the page says. */
    seenSeconds: z.number().min(0),
    time,
  }),
]);
export type StudyEvent = z.infer<typeof studyEventSchema>;
export type StudyAnswerEvent = Extract<StudyEvent, { event: 'answer' }>;

/** Seconds before which nobody has read the item. */
export function readingSeconds({ readingRate, shortestSeconds }: Study, { prompt, texts }: StudyItem): number {
  const characters = [...prompt, ...texts.join('')].length;
  return Math.max(shortestSeconds, Math.round(characters / readingRate));
}

export const studyInfoSchema = z.object({
  id: z.string(),
  title: both,
  by: z.string().describe(inBoth('Who runs the study.', '研究的负责人。')),
  consent: both.describe(inBoth('What judges agree to, as plain text.', '评审者同意的内容，纯文本。')),
  design,
  items: z.int().describe(inBoth('Texts that a judge is asked about.', '每位评审者要判断的文本数。')),
  minutes: z.int().describe(inBoth('About how long that takes.', '大约所需的分钟数。')),
  invited: z.boolean().describe(inBoth('Whether an invitation is needed.', '是否需要邀请码。')),
});
export type StudyInfo = z.infer<typeof studyInfoSchema>;

export const studyProgressSchema = z.object({
  done: z.int().describe(inBoth('Texts judged so far.', '已判断的文本数。')),
  total: z.int(),
  item: z
    .object({
      ...{ id: z.string(), kind, prompt: z.string(), texts: z.array(z.string()) },
      wait_seconds: z
        .number()
        .describe(inBoth('No answer is taken before this many seconds have gone.', '此秒数之前不接受回答。')),
    })
    .nullable()
    .describe(inBoth('What is to be judged next; null at the end.', '接下来要判断的文本；结束时为 null。')),
});
export type StudyProgress = z.infer<typeof studyProgressSchema>;

export const studyJoinRequestSchema = z.object({
  consent: z.literal(true).describe(inBoth('The judge has read and agreed.', '评审者已阅读并同意。')),
  invitation: z
    .string()
    .max(64)
    .optional()
    .describe(inBoth('The code of the invitation, where one is needed.', '需要邀请时的邀请码。')),
});

export const studyJoinedSchema = z.object({
  judge: z
    .string()
    .describe(
      inBoth(
        'Goes into the header x-judge of all that follows; the server keeps its SHA-256 alone.',
        '随后各请求放入请求头 x-judge；服务器只保存其 SHA-256。',
      ),
    ),
  ...studyProgressSchema.shape,
});
export type StudyJoined = z.infer<typeof studyJoinedSchema>;

export const judgementRequestSchema = z.object({
  item: z.string().max(64).describe(inBoth('The item that is judged.', '所判断的文本编号。')),
  answer: answer.describe(
    inBoth(
      'Who wrote a single text (human or machine), or which of a pair a person wrote (first or second).',
      '单篇文本由谁写成（human 或 machine），或一对文本中哪一篇为人所写（first 或 second）。',
    ),
  ),
  confidence: confidence.describe(inBoth('1, a guess, to 5, certain.', '1（猜的）到 5（确定）。')),
  seen_seconds: z
    .number()
    .min(0)
    .max(86_400)
    .describe(inBoth('How long the text was in sight.', '文本显示在眼前的秒数。')),
});
export type JudgementRequest = z.infer<typeof judgementRequestSchema>;
