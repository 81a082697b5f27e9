/** Human texts, and a server that answers as a writer would, for tests of studies: what it writes is known, so that copies and lengths are. */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type MadeStudy, makeStudy, type NewStudyOptions } from '@tunan/evaluation';
import { openEngine } from '@tunan/inference';

const LINES = [
  '明月照高楼',
  '清风过小桥',
  '落花随水去',
  '孤雁入云霄',
  '白日依山尽',
  '黄河入海流',
  '春眠不觉晓',
  '处处闻啼鸟',
];

/** Poems of four lines, all different: the number is written into the lines. */
export function poemOf(number: number, by: '人' | '机'): string {
  const mark = (line: number) => String.fromCodePoint(0x4e00 + 97 * number + 13 * line + (by === '人' ? 0 : 7));
  return [0, 1, 2, 3]
    .map((line) => LINES[(number + line) % 8]!.slice(0, 4) + mark(line))
    .join('，')
    .concat('。');
}

export const titleOf = (number: number): string => `第${number}首`;

export function humanLines(count: number): string {
  const lines = Array.from({ length: count }, (_, i) => ({
    ...{ kind: 'poem', prompt: titleOf(i), text: poemOf(i, '人'), source: '=某集' },
  }));
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Speaks OpenAI's completions. @param write texts to the number of a prompt, one a choice */
export async function writer(write: (number: number, choice: number) => string) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (request.url?.endsWith('/models')) {
        return response.end(
          JSON.stringify({ object: 'list', data: [{ id: 'writer', object: 'model', created: 0, owned_by: 'x' }] }),
        );
      }
      const { prompt, n = 1, stream } = JSON.parse(body) as { prompt: string | string[]; n?: number; stream?: boolean };
      const number = Number(/\d+/.exec([prompt].flat()[0]!)?.[0]);
      const choices = Array.from({ length: n }, (_, index) => ({
        ...{ index, text: write(number, index), finish_reason: 'stop', logprobs: null },
      }));
      const usage = { prompt_tokens: 1, completion_tokens: n, total_tokens: n + 1 };
      const whole = { id: 'cmpl-1', object: 'text_completion', created: 0, model: 'writer', choices };
      if (stream !== true) return response.end(JSON.stringify({ ...whole, usage }));
      response.setHeader('content-type', 'text/event-stream');
      for (const part of [whole, { ...whole, choices: [], usage }]) response.write(`data: ${JSON.stringify(part)}\n\n`);
      return response.end('data: [DONE]\n\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { url, close: () => new Promise<void>((resolve) => void server.close(() => resolve())) };
}

export const newFolder = (): string => mkdtempSync(path.join(tmpdir(), '图南 study '));

export interface StudyRequest extends Partial<NewStudyOptions> {
  readonly texts?: number;
  /** A new one when absent. */
  readonly out?: string;
  readonly lines?: string;
  readonly write?: (number: number, choice: number) => string;
}

/** A study in a new folder. */
export async function studyOf(
  given: StudyRequest = {},
): Promise<{ readonly folder: string; readonly made: MadeStudy }> {
  const { texts = 8, lines = humanLines(texts), write = (number) => poemOf(number, '机'), out, ...options } = given;
  const place = newFolder();
  const file = path.join(place, 'humans.jsonl');
  writeFileSync(file, lines);
  const server = await writer(write);
  const folder = out ?? path.join(place, 'study');
  try {
    const made = await makeStudy(folder, {
      ...{
        humans: [file],
        open: () => openEngine(server.url),
        corpus: undefined,
        design: 'single',
        judges: 6,
        each: 6,
        checks: 1,
      },
      ...{
        title: { en: 'Who wrote it?', zh: '谁写的？' },
        by: '某某 study@example.org',
        pilot: true,
        invitations: false,
      },
      ...{
        tries: 2,
        band: 0.2,
        templates: {},
        temperature: 1,
        topP: 1,
        seed: 3,
        readingRate: 1000,
        shortestSeconds: 0,
      },
      ...options,
    });
    return { folder, made };
  } finally {
    await server.close();
  }
}
