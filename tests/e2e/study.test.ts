/** A study from its human texts to its judgements: what is chosen, what judges are sent, what is written down. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { buildServer, OpenStudy } from '@tunan/api';
import { EvaluationError, readStudy, reportStudy } from '@tunan/evaluation';
import type { StudyEvent, StudyJoined, StudyProgress } from '@tunan/protocol/studies';
import { humanLines, poemOf, type StudyRequest, studyOf, titleOf } from './study-texts.ts';

interface Key {
  readonly items: Readonly<Record<string, { answer: string; kind: string; check?: { confidence: number } }>>;
  readonly texts: Readonly<Record<string, Record<string, number>>>;
  readonly search?: { copies: number; documents: number };
}
const keyOf = (folder: string) => JSON.parse(readFileSync(path.join(folder, 'answers.json'), 'utf8')) as Key;
const eventsOf = (folder: string) =>
  readFileSync(path.join(folder, 'judgements.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StudyEvent);

test('booklets repeat no prompt, have half of each sort, and share the texts out evenly', async () => {
  const { folder, made } = await studyOf({ texts: 10, judges: 10, each: 6, checks: 2 });
  const { items } = keyOf(folder);
  const shown = new Map(
    readFileSync(path.join(folder, 'items.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; prompt: string; texts: string[] })
      .map((item) => [item.id, item]),
  );
  const uses = new Map<string, number>();
  for (const booklet of made.study.booklets) {
    const texts = booklet.filter((id) => items[id]!.check === undefined);
    assert.equal(booklet.length, texts.length + 2);
    assert.equal(items[booklet[0]!]!.check, undefined);
    assert.equal(new Set(texts.map((id) => shown.get(id)!.prompt)).size, 6);
    assert.equal(texts.filter((id) => items[id]!.answer === 'human').length, 3);
    for (const id of texts) uses.set(id, (uses.get(id) ?? 0) + 1);
  }
  assert.equal(uses.size, 20);
  assert.ok(
    [...uses.values()].every((count) => count >= 2 && count <= 4),
    [...uses.values()].join(),
  );
  for (const [id, { texts }] of shown) {
    if (items[id]!.check !== undefined) assert.match(texts[0]!, /请选“(人|机器)写的”，把握选 [1-5]/);
  }
});

test('copies of the training text, texts of another length and human texts that it has are left out', async () => {
  const { folder, made } = await studyOf({
    texts: 8,
    // The first has nothing but a copy, the second a copy and another text, the third is too long, the fourth human text is known.
    write: (number, choice) =>
      number === 0 || (number === 1 && choice === 0)
        ? poemOf(99, '机')
        : number === 2
          ? poemOf(number, '机').repeat(2)
          : poemOf(number, '机'),
    corpus: {
      name: 'poems',
      documents: async function* () {
        yield `题\n${poemOf(99, '机').replaceAll('，', '，\n')}`;
        yield `前文${poemOf(3, '人')}后文`;
      },
    },
  });
  const { texts, search } = keyOf(folder);
  assert.deepEqual(texts, { poem: { given: 8, known: 1, unmatched: 2, used: 5 } });
  assert.deepEqual([search?.copies, search?.documents], [3, 2]);
  assert.equal(made.plan.items, 10);
  assert.equal((await studyOf()).made.search, undefined, 'without a corpus nothing is said to be checked');
});

const fails = async (request: StudyRequest, code: string, message: RegExp) => {
  await assert.rejects(studyOf(request), (error: unknown) => {
    assert.ok(error instanceof EvaluationError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
};

test('too few texts are refused with the number that is needed, and mistakes in them with their line', async () => {
  await fails(
    { texts: 20, pilot: false, judges: 50, each: 30 },
    'EVALUATION_TOO_FEW_SAMPLES',
    /20 usable human texts and 50 judges .* takes 818: \d+ human texts .*, or \d+ judges/,
  );
  await fails({ texts: 1, lines: humanLines(1) }, 'EVALUATION_TOO_FEW_SAMPLES', /only 1 of 1 human texts/);
  await fails({ lines: `${humanLines(1)}{"kind":"opera"}\n` }, 'EVALUATION_BAD_DATA', /humans.jsonl:2: .*kind/);
  await fails({ lines: '[' }, 'EVALUATION_BAD_DATA', /humans.jsonl:1: not a JSON object/);
});

/** A server with a clock that the test moves. */
async function judged(request: StudyRequest = {}) {
  const { folder, made } = await studyOf(request);
  const clock = { now: Date.parse('2026-11-30T08:00:00Z') };
  const study = new OpenStudy(folder, () => clock.now);
  const { app } = buildServer({ models: new Map(), studies: [study] });
  const url = `/studies/${made.study.id}`;
  const call = async <T>(method: 'GET' | 'POST' | 'DELETE', end: string, judge?: string, payload?: object) => {
    const headers = judge === undefined ? {} : { 'x-judge': judge };
    const response = await app.inject({ method, url: url + end, headers, ...(payload !== undefined && { payload }) });
    return {
      status: response.statusCode,
      body: (response.body === '' ? undefined : response.json()) as T,
      raw: response,
    };
  };
  const join = async (more: object = {}) =>
    (await call<StudyJoined>('POST', '/judges', undefined, { consent: true, ...more })).body;
  const say = (judge: string, item: string, answer = 'human', more: object = {}) =>
    call<StudyProgress & { error?: { code: string } }>('POST', '/judgements', judge, {
      ...{ item, answer, confidence: 3, seen_seconds: 2, ...more },
    });
  const close = async () => {
    await app.close();
    study[Symbol.dispose]();
  };
  return { folder, made, study, app, clock, call, join, say, close };
}

test('nothing that a judge is sent tells who wrote a text, and the server never opens the answers', async () => {
  for (const design of ['single', 'pair'] as const) {
    const open = await judged({ design, texts: 6, each: 6, checks: 1 });
    const { items } = keyOf(open.folder);
    const sent: string[] = [(await open.call('GET', '')).raw.body];
    const { judge, ...first } = await open.join();
    let progress: StudyProgress = first;
    while (progress.item !== null) {
      const { id } = progress.item;
      const keys = ['id', 'kind', 'prompt', 'texts', 'wait_seconds'];
      assert.deepEqual(Object.keys(progress.item).sort(), keys);
      sent.push(JSON.stringify(progress.item));
      assert.ok(id in items);
      progress = (await open.say(judge, id, design === 'single' ? 'machine' : 'second')).body;
      assert.deepEqual(Object.keys(progress).sort(), ['done', 'item', 'total']);
    }
    assert.equal(progress.done, progress.total);
    // Of what is known of a text nothing is in what was sent: not its source, not the model, not an answer.
    for (const body of sent) assert.doesNotMatch(body, /某集|writer|answer|human"|machine"|check/);
    // Ids are drawn, not made of the text: those of human and machine texts cannot be told apart by their form.
    assert.ok(Object.keys(items).every((id) => /^[0-9a-f]{16}$/.test(id)));
    await open.close();
    assert.ok(
      !readFileSync(path.join(open.folder, 'judgements.jsonl'), 'utf8').includes(judge),
      'a token is kept as its digest',
    );
  }
});

test('a text cannot be judged before it can be read, twice, unseen, or in words of the other design', async () => {
  const open = await judged({ readingRate: 10, shortestSeconds: 1 });
  const { judge, item } = await open.join();
  assert.ok(item!.wait_seconds >= 2 && item!.wait_seconds <= 3, String(item!.wait_seconds));
  const soon = await open.say(judge, item!.id);
  assert.deepEqual([soon.status, soon.body.error?.code], [409, 'too_soon']);
  open.clock.now += 3_000;
  assert.equal((await open.say(judge, item!.id, 'first')).status, 400);
  assert.equal((await open.say(judge, item!.id, 'human', { confidence: 6 })).status, 400);
  const unseen = open.made.study.booklets[0]![3]!;
  assert.equal((await open.say(judge, unseen)).status, 400);
  assert.equal((await open.say(judge, item!.id)).status, 200);
  // The same link in another window.
  const again = await open.say(judge, item!.id, 'machine');
  assert.deepEqual([again.status, again.body.error?.code], [409, 'already_answered']);
  const [first] = eventsOf(open.folder).filter((event) => event.event === 'answer');
  assert.deepEqual(
    [first?.event === 'answer' && first.answer, first?.event === 'answer' && first.seconds],
    ['human', 3],
  );
  for (const token of [undefined, 'x', `${judge}x`]) {
    for (const [method, end] of [
      ['GET', '/next'],
      ['DELETE', '/judges'],
    ] as const) {
      assert.equal((await open.call(method, end, token)).status, 401);
    }
  }
  assert.equal((await open.call('POST', '/judges', undefined, { consent: false })).status, 400, 'consent comes first');
  await open.close();
});

test('a judge goes on where they were, after a restart and a line that was torn', async () => {
  const open = await judged();
  const { judge, item } = await open.join();
  const next = (await open.say(judge, item!.id)).body;
  await open.close();
  appendFileSync(path.join(open.folder, 'judgements.jsonl'), '{"event":"answer","jud');
  using again = new OpenStudy(open.folder, () => open.clock.now);
  const { app } = buildServer({ models: new Map(), studies: [again] });
  after(() => app.close());
  const response = await app.inject({ url: `/studies/${open.made.study.id}/next`, headers: { 'x-judge': judge } });
  assert.deepEqual(response.json(), next);
  assert.throws(() => new OpenStudy(open.folder), /another server holds the study/);
  if (process.platform !== 'win32') {
    assert.equal(statSync(path.join(open.folder, 'judgements.jsonl')).mode & 0o077, 0);
  }
});

test('judges who leave take their judgements with them; an invitation works once', async () => {
  const open = await judged({ invitations: true });
  assert.equal((await open.call('POST', '/judges', undefined, { consent: true })).status, 403);
  assert.equal((await open.call('POST', '/judges', undefined, { consent: true, invitation: 'x' })).status, 403);
  const [invitation] = open.made.invitations;
  const { judge, item } = await open.join({ invitation });
  await open.say(judge, item!.id);
  assert.equal((await open.call('POST', '/judges', undefined, { consent: true, invitation })).status, 409);
  assert.equal((await open.call('DELETE', '/judges', judge)).status, 204);
  assert.deepEqual(
    eventsOf(open.folder).map(({ event }) => event),
    ['join'],
  );
  if (process.platform !== 'win32') {
    for (const name of ['judgements.jsonl', 'answers.json', 'invitations.txt']) {
      assert.equal(statSync(path.join(open.folder, name)).mode & 0o077, 0, name);
    }
  }
  assert.equal((await open.call('GET', '/next', judge)).status, 401);
  assert.equal((await open.call('POST', '/judges', undefined, { consent: true, invitation })).status, 409);
  await open.close();
});

test('booklets are dealt to those who have the fewest judgements', async () => {
  const open = await judged({ judges: 3 });
  for (let i = 0; i < 6; i++) await open.join();
  const dealt = eventsOf(open.folder).flatMap((event) => (event.event === 'join' ? [event.booklet] : []));
  assert.deepEqual(dealt, [0, 1, 2, 0, 1, 2]);
  await open.close();
});

test('a folder that is no study is refused in one line', () => {
  assert.throws(() => new OpenStudy('/nowhere'), /is no study that can be judged: it has no study.json/);
  assert.equal(existsSync('/nowhere'), false);
});

test('a folder with anything in it is not written to, and one without judgements has no report', async () => {
  const { folder } = await studyOf();
  await assert.rejects(studyOf({ out: folder }), /is not empty: give a new folder/);
  assert.throws(() => reportStudy(readStudy(folder)), /has no judgement that counts yet/);
  writeFileSync(path.join(folder, 'judgements.jsonl'), '{"event":"join"}\n');
  assert.throws(() => readStudy(folder), /cannot read .*judgements.jsonl:1/);
  const { folder: other } = await studyOf();
  assert.throws(() => readStudy(folder, path.join(other, 'answers.json')), /has the answers of study/);
});

test('the titles of prompts stand beside the texts', async () => {
  const open = await judged();
  const { item } = await open.join();
  assert.ok(Array.from({ length: 8 }, (_, i) => titleOf(i)).includes(item!.prompt));
  await open.close();
});
