/**
 * The wiring proved: an endpoint that prefers the texts with the right label in them must score 100 % on every task, its
 * inverse 0 %, whatever the template, the calibration and the expansion. Any mix-up of labels, words, candidates, examples or
 * answers on the way from the file to the score would show.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { evaluateTasks } from '../evaluate-tasks.ts';
import type { EvaluationSettings } from '../result.ts';
import { CachedScorer } from '../scoring/cached-scorer.ts';
import { clueTasks } from '../tasks/suites.ts';
import type { Example, Task, Template } from '../tasks/task.ts';
import { folderData } from '../tasks/task-data.ts';
import { EndpointScorer } from './endpoint-scorer.ts';

const LIKELY = -0.01;
const UNLIKELY = -4;

/** Letters alone: which mark stands between a field and the template is for the tests of templates. */
const bare = (text: string) => text.replace(/[\p{P}\p{S}\s]/gu, '');

/** A server whose model finds a text likely when its letters end with one of `preferred`. */
async function withOracle(
  preferred: ReadonlySet<string>,
  inverse: boolean,
  use: (scorer: EndpointScorer) => Promise<void>,
): Promise<void> {
  const lengths = [...new Set([...preferred].map((text) => text.length))];
  const complete = (prompts: readonly string[]) =>
    prompts.map((text, index) => {
      const letters = bare(text);
      const known = lengths.some((length) => length <= letters.length && preferred.has(letters.slice(-length)));
      const tokens = [...text];
      const token_logprobs = tokens.map(() => (known === inverse ? UNLIKELY : LIKELY));
      let offset = 0;
      const text_offset = tokens.map((token) => {
        offset += token.length;
        return offset - token.length;
      });
      return { index, text, logprobs: { tokens, token_logprobs, text_offset } };
    });
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/v1/models') {
      response.end(JSON.stringify({ data: [{ id: 'oracle', max_model_len: 1_000_000 }] }));
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { prompt } = JSON.parse(Buffer.concat(parts).toString()) as { prompt: string[] };
    response.end(JSON.stringify({ choices: complete(prompt) }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use(await EndpointScorer.connect({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** The letters of the question with each word of the right label, up to what is scored; made from the template's text alone. */
function goldTexts(task: Task, template: Template, { fields, gold, choices }: Example): string[] {
  const words = choices ?? template.words ?? task.words!;
  const upTo = template.text.slice(0, template.text.indexOf(']')).replace('[', '');
  return words[gold!]!.map((word) =>
    bare(upTo.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'label' ? word : fields[name]!))),
  );
}

const modes: Partial<EvaluationSettings>[] = [
  { calibrate: 'none', expand: 'none' },
  { calibrate: 'diagonal', expand: 'none' },
  { calibrate: 'identity', expand: 'none' },
  { calibrate: 'none', expand: 'mean' },
  { calibrate: 'none', expand: 'max' },
  { calibrate: 'diagonal', expand: 'mean' },
  { calibrate: 'diagonal', expand: 'max' },
  { calibrate: 'identity', expand: 'mean' },
  { calibrate: 'identity', expand: 'max' },
];

async function prove(
  task: Task,
  directory: string,
  settings: Partial<EvaluationSettings>,
  inverse: boolean,
): Promise<void> {
  const data = folderData(directory);
  for (const template of task.templates) {
    const preferred = new Set(data.read(task, 'test_public').flatMap((example) => goldTexts(task, template, example)));
    await withOracle(preferred, inverse, async (endpoint) => {
      const cache = mkdtempSync(path.join(os.tmpdir(), 'tunan-oracle-'));
      try {
        using scorer = new CachedScorer(endpoint, cache);
        for (const mode of modes) {
          const all = { ...settings, ...mode, template: template.name };
          const [evaluated] = await evaluateTasks([task], data, scorer, { settings: all });
          const { accuracy, examples } = evaluated!.result;
          assert.ok(settings.limit !== undefined || examples >= 20, `${task.name} has ${examples} examples`);
          assert.equal(accuracy, inverse ? 0 : 1, `${task.name} ${template.name} ${JSON.stringify(all)}`);
        }
      } finally {
        rmSync(cache, { recursive: true });
      }
    });
  }
}

const fixture = path.resolve(import.meta.dirname, '../../../../tests/fixtures/fewclue');

test('the oracle scores 100 % on the nine tasks, for every template, calibration and expansion', async (t) => {
  for (const task of clueTasks) await t.test(task.name, () => prove(task, fixture, {}, false));
});

test('its inverse scores 0 %', async (t) => {
  for (const task of clueTasks) await t.test(task.name, () => prove(task, fixture, {}, true));
});

test('so it does with solved examples in front, and by first tokens alone', async (t) => {
  for (const task of clueTasks) {
    await t.test(task.name, async () => {
      await prove(task, fixture, { shots: 2, splits: [1], limit: 5 }, false);
      await prove(task, fixture, { words: 'first', limit: 5 }, false);
    });
  }
});

const shared = path.resolve(import.meta.dirname, '../../../../../shared/data/fewclue');

test('and on the data of FewCLUE', { skip: existsSync(shared) ? false : '../shared/data is absent' }, async (t) => {
  for (const task of clueTasks) {
    await t.test(task.name, async () => {
      const limit = Math.max(10, Math.ceil(200 / task.labels.length));
      await prove(task, shared, { limit }, false);
      await prove(task, shared, { limit }, true);
    });
  }
});
