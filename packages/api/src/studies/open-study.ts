/**
 * A study while people judge: what its folder says, who is at which text, and what was said, written down before it counts.
 *
 * The server opens study.json and items.jsonl, and writes judgements.jsonl, a line for everything that happens, in the order in which it
 * happened. Who wrote a text stands in answers.json, which it never opens: what it does not know it cannot give away.
 */
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { LockHeldError, ProcessLock, type Said, writeProblem, writeWhole } from '@tunan/files';
import {
  type JudgementRequest,
  readingSeconds,
  STUDY_ANSWERS,
  type Study,
  type StudyEvent,
  type StudyInfo,
  type StudyItem,
  type StudyProgress,
  studyEventSchema,
  studyItemSchema,
  studySchema,
} from '@tunan/protocol/studies';
import type { z } from 'zod';
import { ApiError } from '../errors/errors.ts';
import { RequestError } from '../errors/request-error.ts';

/** Somebody who judges, known by nothing but a random number that their browser holds. */
export interface Judge {
  readonly id: string;
  readonly booklet: number;
  /** When an item was first shown, Unix time in ms. */
  readonly shown: Map<string, number>;
  readonly answered: Set<string>;
}

/** For each booklet: more would fill memory and disk, and help no study. */
const JUDGES_OF_BOOKLET = 50;

export class OpenStudy implements Disposable {
  readonly study: Study;
  readonly #items: ReadonlyMap<string, StudyItem>;
  readonly #file: string;
  readonly #lock: ProcessLock;
  readonly #now: () => number;
  #events: StudyEvent[] = [];
  /** By the SHA-256 of their tokens. */
  readonly #judges = new Map<string, Judge>();
  readonly #byId = new Map<string, Judge>();
  readonly #invitations = new Set<string>();

  /** @param now Unix time in ms @throws ApiError API_STUDY for a folder that is none, is damaged, or is held by another server */
  constructor(folder: string, now: () => number = Date.now) {
    this.#now = now;
    this.#file = path.join(path.resolve(folder), 'judgements.jsonl');
    this.#lock = lockOf(folder);
    try {
      this.study = readLines(path.join(folder, 'study.json'), studySchema, true)[0]!;
      this.#items = new Map(
        readLines(path.join(folder, 'items.jsonl'), studyItemSchema).map((item) => [item.id, item]),
      );
      const missing = this.study.booklets.flat().find((id) => !this.#items.has(id));
      if (missing !== undefined) {
        throw damaged(folder, { en: `item ${missing} is missing`, zh: `缺少文本 ${missing}` });
      }
      dropTornLine(this.#file);
      if (existsSync(this.#file)) this.#events = readLines(this.#file, studyEventSchema);
      for (const event of this.#events) this.#apply(event);
    } catch (error) {
      this.#lock[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }

  get info(): StudyInfo {
    const { id, title, by, consent, design, minutes, booklets, invitations } = this.study;
    const items = Math.max(...booklets.map((booklet) => booklet.length));
    return { id, title, by, consent, design, items, minutes, invited: invitations !== undefined };
  }

  /** @returns the token of a new judge @throws RequestError where an invitation is missing, unknown or used, or the study is full */
  join(invitation: string | undefined): string {
    const code = this.#requireInvitation(invitation);
    if (this.#judges.size >= JUDGES_OF_BOOKLET * this.study.booklets.length) {
      throw new RequestError('conflict', {
        en: 'the study has as many judges as it can take',
        zh: '参加本研究的人数已满',
      });
    }
    const token = randomBytes(24).toString('base64url');
    this.#write({
      ...{ event: 'join', judge: randomBytes(6).toString('hex'), token: sha256(token), booklet: this.#leastUsed() },
      ...(code !== undefined && { invitation: code }),
      time: this.#time(),
    });
    return token;
  }

  /** @throws RequestError for a token that nobody has */
  judge(token: string | undefined): Judge {
    const found = token === undefined ? undefined : this.#judges.get(sha256(token));
    if (found !== undefined) return found;
    throw new RequestError('unknownJudge', {
      en: 'nobody judges under this x-judge: begin with POST /studies/ID/judges',
      zh: '没有使用此 x-judge 的评审者：请先调用 POST /studies/ID/judges',
    });
  }

  /** What the judge has before them; from now on it counts as shown. */
  progress(judge: Judge): StudyProgress {
    const booklet = this.study.booklets[judge.booklet]!;
    const id = booklet.find((one) => !judge.answered.has(one));
    const place = { done: judge.answered.size, total: booklet.length };
    if (id === undefined) return { ...place, item: null };
    if (!judge.shown.has(id)) this.#write({ event: 'shown', judge: judge.id, item: id, time: this.#time() });
    const { kind, prompt, texts } = this.#items.get(id)!;
    return { ...place, item: { id, kind, prompt, texts, wait_seconds: this.#wait(judge, id) } };
  }

  /** @throws RequestError for what is not before the judge, was judged already, or cannot have been read yet */
  take(judge: Judge, { item, answer, confidence, seen_seconds: seenSeconds }: JudgementRequest): void {
    const shown = judge.shown.get(item);
    if (judge.answered.has(item)) {
      throw new RequestError('answeredAlready', {
        en: 'this text is judged already, perhaps in another window: go on with the next',
        zh: '这篇已经判断过了，可能是在另一个窗口：请继续下一篇',
      });
    }
    if (shown === undefined) throw wrong('item', 'it was not shown to this judge', '它没有给这位评审者看过');
    const answers: readonly string[] = STUDY_ANSWERS[this.study.design];
    if (!answers.includes(answer)) {
      throw wrong('answer', `this study asks for ${answers.join(' or ')}`, `本研究应回答 ${answers.join(' 或 ')}`);
    }
    const wait = this.#wait(judge, item);
    if (wait > 0) {
      throw new RequestError('tooSoon', {
        en: `the text cannot be read yet: wait ${wait} seconds`,
        zh: `还来不及读完：请再等 ${wait} 秒`,
      });
    }
    const seconds = (this.#now() - shown) / 1000;
    this.#write({
      ...{ event: 'answer', judge: judge.id, item, answer, confidence, time: this.#time() },
      ...{ seconds, seenSeconds: Math.min(seenSeconds, seconds) },
    });
  }

  /** Takes everything that a judge has said out of the file; their invitation stays used. @throws WriteError */
  forget({ id }: Judge): void {
    const kept = this.#events.filter((event) => event.judge !== id || event.event === 'join');
    // That somebody had the booklet and the invitation stays; nobody has a token of this digest.
    const left = kept.map((event) =>
      event.event === 'join' && event.judge === id ? { ...event, token: GONE + id } : event,
    );
    writeWhole(this.#file, left.map(line).join(''));
    chmodSync(this.#file, 0o600);
    this.#events = left;
    this.#judges.clear();
    this.#byId.clear();
    for (const event of left) this.#apply(event);
  }

  #requireInvitation(invitation: string | undefined): string | undefined {
    const { invitations } = this.study;
    if (invitations === undefined) return undefined;
    const code = invitation === undefined ? undefined : sha256(invitation);
    if (code === undefined || !invitations.includes(code)) {
      throw new RequestError('forbidden', {
        en: 'this study is for invited judges: open the whole link of your invitation',
        zh: '本研究仅限受邀者：请打开邀请中的完整链接',
      });
    }
    if (!this.#invitations.has(code)) return code;
    throw new RequestError('conflict', {
      en: 'this invitation is used already: go on in the browser in which you began',
      zh: '该邀请已使用过：请在开始时的浏览器中继续',
    });
  }

  /** Of equals the first. */
  #leastUsed(): number {
    const uses = this.study.booklets.map(() => 0);
    for (const { booklet, answered } of this.#judges.values()) uses[booklet]! += 1 + answered.size / 1000;
    return uses.indexOf(Math.min(...uses));
  }

  /** Seconds until an answer is taken. */
  #wait(judge: Judge, id: string): number {
    const least = readingSeconds(this.study, this.#items.get(id)!);
    const gone = (this.#now() - judge.shown.get(id)!) / 1000;
    return Math.max(0, Math.ceil(10 * (least - gone)) / 10);
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }

  /** @throws WriteError where it cannot be written down; then it has not happened */
  #write(event: StudyEvent): void {
    try {
      appendFileSync(this.#file, line(event), { mode: 0o600, flush: true });
    } catch (error) {
      throw writeProblem(this.#file, error);
    }
    this.#events.push(event);
    this.#apply(event);
  }

  #apply(event: StudyEvent): void {
    if (event.event === 'join') {
      if (event.invitation !== undefined) this.#invitations.add(event.invitation);
      if (event.token.startsWith(GONE)) return;
      const judge = { id: event.judge, booklet: event.booklet, shown: new Map(), answered: new Set<string>() };
      this.#judges.set(event.token, judge);
      this.#byId.set(judge.id, judge);
      return;
    }
    const judge = this.#byId.get(event.judge);
    if (event.event === 'shown') judge?.shown.set(event.item, Date.parse(event.time));
    else judge?.answered.add(event.item);
  }
}

/** In place of the digest of a judge who has left. */
const GONE = 'left-';

const line = (event: StudyEvent): string => `${JSON.stringify(event)}\n`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const wrong = (param: string, en: string, zh: string): RequestError =>
  new RequestError('invalid', { en: `${param}: ${en}`, zh: `${param}：${zh}` }, param);

/** What was being written when the machine went down has not happened. */
function dropTornLine(file: string): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const whole = bytes.lastIndexOf('\n') + 1;
  if (whole < bytes.length) truncateSync(file, whole);
}

/** @throws ApiError naming file and line */
function readLines<T>(file: string, schema: z.ZodType<T>, isWhole = false): T[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    throw damaged(
      path.dirname(file),
      { en: `it has no ${path.basename(file)}`, zh: `其中没有 ${path.basename(file)}` },
      cause,
    );
  }
  const lines = isWhole ? [content] : content.split('\n');
  return lines.flatMap((json, i) => {
    if (json.trim() === '') return [];
    try {
      return [schema.parse(JSON.parse(json))];
    } catch (cause) {
      const place = isWhole ? path.basename(file) : `${path.basename(file)}:${i + 1}`;
      throw damaged(path.dirname(file), { en: `${place} cannot be read`, zh: `无法读取 ${place}` }, cause);
    }
  });
}

function damaged(folder: string, why: Said, cause?: unknown): ApiError {
  const message = {
    en: `${folder} is no study that can be judged: ${why.en}; give a folder made by tunan study new`,
    zh: `${folder} 不是可用的研究目录：${why.zh}；请给出 tunan study new 建立的目录`,
  };
  return new ApiError('API_STUDY', message, { cause });
}

/** @throws ApiError */
function lockOf(folder: string): ProcessLock {
  if (!existsSync(path.join(folder, 'study.json'))) {
    throw damaged(folder, { en: 'it has no study.json', zh: '其中没有 study.json' });
  }
  try {
    return ProcessLock.acquire(path.join(folder, 'lock'));
  } catch (cause) {
    if (!(cause instanceof LockHeldError)) throw cause;
    const message = {
      en: `another server holds the study ${folder}: end that one first`,
      zh: `另一服务正在使用研究 ${folder}：请先结束那个服务`,
    };
    throw new ApiError('API_STUDY', message, { cause });
  }
}
