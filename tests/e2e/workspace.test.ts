/** The operator's folder over HTTP: what is found there, a run that grows, and that nothing outside it can be had. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { buildServer, serve, Workspace } from '@tunan/api';
import {
  type WorkspaceLog,
  workspaceCorpusDetailsSchema,
  workspaceCorpusListSchema,
  workspaceEvaluationDetailsSchema,
  workspaceLogSchema,
  workspaceRunDetailsSchema,
  workspaceRunListSchema,
} from '@tunan/protocol';
import type { z } from 'zod';
import { tinyEngine } from './tiny-engine.ts';
import { makeWorkspace, RESULTS } from './workspace-folder.ts';

const { engine, close } = await tinyEngine();
const place = mkdtempSync(path.join(tmpdir(), 'tunan 工作-'));
const folder = path.join(place, 'inside');
const { corpus, run, results } = await makeWorkspace(folder);
const published = [{ name: 'Yuan', setting: 'zero-shot' as const, score: 0.5622, tasks: { eprstmt: 0.8813 } }];
const workspace = new Workspace(folder, { published });
const options = { models: new Map([['m', engine]]), workspace };
const { app } = buildServer(options);
after(async () => {
  await app.close();
  close();
  rmSync(place, { recursive: true });
});

async function get<Schema extends z.ZodType>(url: string, schema: Schema): Promise<z.infer<Schema>> {
  const response = await app.inject({ url, headers: { host: 'localhost:8000' } });
  assert.equal(response.statusCode, 200, response.body);
  return schema.parse(response.json());
}
const statusOf = async (url: string, host = 'localhost:8000') =>
  (await app.inject({ url, headers: { host } })).statusCode;

test('a corpus, a run and results are found wherever they lie, and tell what they hold', async () => {
  const corpora = await get('/workspace/corpora', workspaceCorpusListSchema);
  assert.deepEqual(
    corpora.data.map(({ path: where, licence }) => [where, licence]),
    [['语料/poems', 'MIT']],
  );
  const one = await get(`/workspace/corpora/${corpora.data[0]!.id}`, workspaceCorpusDetailsSchema);
  const dropped = one.stages.flatMap(({ reasons }) => reasons).reduce((sum, { documents }) => sum + documents, 0);
  assert.equal(dropped, one.dropped);
  assert.equal(one.read - one.dropped, one.documents);
  assert.deepEqual(one.collections.map(({ name }) => name).sort(), ['caocaoshiji', 'shijing']);
  assert.equal(
    one.splits.reduce((sum, { documents }) => sum + documents, 0),
    one.documents,
  );

  const runs = await get('/workspace/runs', workspaceRunListSchema);
  assert.deepEqual(
    runs.data.map((given) => [given.path, given.description, given.step, given.steps, given.tokens, given.is_running]),
    [['runs/第一次', '小试', 12, 12, 12 * 4 * 32, false]],
  );
  const details = await get(`/workspace/runs/${runs.data[0]!.id}`, workspaceRunDetailsSchema);
  assert.deepEqual(details.data, [{ corpus: '语料/poems/tokens', weight: 1 }], 'no path of this machine');
  assert.equal(details.curve.length, 12);
  assert.deepEqual(
    details.evaluations.map(({ step }) => step),
    [4, 8, 12],
  );
  assert.deepEqual([details.expected?.loss, details.expected?.curve.length], [5, 2]);

  const evaluations = await app.inject({ url: '/workspace/evaluations', headers: { host: '127.0.0.1' } });
  const { id } = evaluations.json().data[0];
  const scores = await get(`/workspace/evaluations/${id}`, workspaceEvaluationDetailsSchema);
  assert.deepEqual([scores.accuracy, scores.tasks.length], [RESULTS.mean.accuracy, 2]);
  assert.deepEqual(scores.published, published);
});

test('a run is followed from an offset: whole lines alone, and from the beginning when it was taken up again', async () => {
  const { data } = await get('/workspace/runs', workspaceRunListSchema);
  const { id, curve, offset } = await get(`/workspace/runs/${data[0]!.id}`, workspaceRunDetailsSchema);
  const follow = (from: number): Promise<WorkspaceLog> =>
    get(`/workspace/runs/${id}/log?offset=${from}`, workspaceLogSchema);
  assert.deepEqual((await follow(0)).lines, curve);
  const nothing = await follow(offset);
  assert.deepEqual([nothing.lines, nothing.offset, nothing.restarted], [[], offset, false]);
  const log = path.join(run, 'log.jsonl');
  const line = JSON.stringify({ ...lineOf(13), evaluation: { loss: 4.9 } });
  appendFileSync(log, line.slice(0, 40));
  assert.equal((await follow(offset)).offset, offset, 'half a line is none');
  appendFileSync(log, `${line.slice(40)}\n`);
  const more = await follow(offset);
  assert.deepEqual(
    more.lines.map(({ step }) => step),
    [13],
  );
  assert.deepEqual(more.evaluations, [{ step: 13, tokens: lineOf(13).tokens, loss: 4.9 }]);
  assert.equal((await get('/workspace/runs', workspaceRunListSchema)).data[0]!.step, 13);
  truncateSync(log, offset);
  assert.equal((await follow(more.offset)).restarted, true);
  assert.equal((await get('/workspace/runs', workspaceRunListSchema)).data[0]!.step, 12);
});

test('a long log gives a curve of bounded size, and all of its steps count', async () => {
  const long = path.join(folder, 'runs', 'long');
  cpSync(run, long, { recursive: true });
  const lines = Array.from({ length: 5_000 }, (_, i) => `${JSON.stringify({ ...lineOf(i + 1), loss: i % 2 })}\n`);
  writeFileSync(path.join(long, 'log.jsonl'), `${lines.join('')}{"step": "none"}\nno JSON\n`);
  const fresh = buildServer({ ...options, workspace: new Workspace(folder) }).app;
  const { data } = (await fresh.inject('/workspace/runs')).json() as z.infer<typeof workspaceRunListSchema>;
  const found = data.find(({ path: where }) => where === 'runs/long')!;
  const { curve } = (await fresh.inject(`/workspace/runs/${found.id}`)).json() as z.infer<
    typeof workspaceRunDetailsSchema
  >;
  assert.ok(curve.length > 200 && curve.length <= 601, `${curve.length} points`);
  assert.equal(curve.at(-1)!.step, 5_000);
  assert.ok(curve.slice(0, -1).every(({ loss }) => loss === 0.5));
  rmSync(long, { recursive: true });
});

test('reports run no script, and are of no origin', async () => {
  const evaluations = await app.inject({ url: '/workspace/evaluations', headers: { host: 'localhost' } });
  const response = await app.inject({
    url: `/workspace/evaluations/${evaluations.json().data[0].id}/report`,
    headers: { host: 'localhost' },
  });
  assert.match(response.body, /<script>/);
  const policy = String(response.headers['content-security-policy']);
  assert.match(policy, /^default-src 'none';.* sandbox$/);
  assert.ok(!policy.includes('script-src') && !policy.includes('allow-'), policy);
});

test('links, pipes, foreign and broken files give nothing, and no path is taken', async () => {
  const outside = path.join(place, 'outside');
  cpSync(corpus, outside, { recursive: true });
  const other = path.join(folder, 'odd');
  for (const name of ['linked-file', 'pipe', 'broken', 'foreign'])
    mkdirSync(path.join(other, name), { recursive: true });
  symlinkSync(outside, path.join(other, 'linked-folder'));
  symlinkSync(path.join(outside, 'manifest.json'), path.join(other, 'linked-file', 'manifest.json'));
  if (process.platform !== 'win32') execFileSync('mkfifo', [path.join(other, 'pipe', 'manifest.json')]);
  writeFileSync(path.join(other, 'broken', 'manifest.json'), '{"format": "tunan-corpus"');
  writeFileSync(path.join(other, 'foreign', 'manifest.json'), '{"format": "other"}');
  const fresh = buildServer({ ...options, workspace: new Workspace(folder) }).app;
  const { data } = (await fresh.inject('/workspace/corpora')).json() as z.infer<typeof workspaceCorpusListSchema>;
  assert.deepEqual(
    data.map(({ path: where }) => where),
    ['语料/poems'],
  );

  // Put there after it was found: no longer what it was.
  const id = data[0]!.id;
  const report = path.join(corpus, 'report.html');
  rmSync(report);
  symlinkSync('/etc/passwd', report);
  assert.equal((await fresh.inject(`/workspace/corpora/${id}/report`)).statusCode, 404);
  rmSync(corpus, { recursive: true });
  symlinkSync(outside, corpus);
  assert.equal((await fresh.inject(`/workspace/corpora/${id}`)).statusCode, 404);
  for (const name of ['..', '../..', '%2e%2e', '..%2f..%2foutside', encodeURIComponent(outside), 'x'.repeat(90)]) {
    for (const rest of ['', '/report']) {
      const response = await fresh.inject(`/workspace/corpora/${name}${rest}`);
      assert.ok([400, 404].includes(response.statusCode), `${name}${rest}: ${response.statusCode}`);
    }
  }
  for (const offset of ['-1', '1e999', 'x', '9007199254740993']) {
    const status = await statusOf(`/workspace/runs/x/log?offset=${offset}`);
    assert.ok([400, 404].includes(status), `${offset}: ${status}`);
  }
  await fresh.close();
});

test('without accounts it is for this machine alone, by its own name; with keys, or for other machines, it is refused', async () => {
  for (const host of ['evil.example.org', 'evil.example.org:8000', '192.0.2.1', 'localhost.evil.example.org']) {
    assert.equal(await statusOf('/workspace/runs', host), 403, host);
    assert.equal(await statusOf(`/workspace/runs/x/log?offset=0`, host), 403, host);
  }
  for (const host of ['127.0.0.1:8000', '[::1]:8000', 'LOCALHOST'])
    assert.equal(await statusOf('/workspace/runs', host), 200);
  for (const wrong of [{ host: '0.0.0.0', open: true }, { apiKeys: ['k'] }]) {
    await assert.rejects(serve({ ...options, ...wrong, port: 0 }), { code: 'API_WORKSPACE' });
  }
  assert.throws(() => new Workspace(path.join(results, 'results.json')), { code: 'API_WORKSPACE' });
});

function lineOf(step: number) {
  return {
    ...{ step, samples: 4 * step, tokens: 128 * step, loss: 5, lossBySource: {}, gradientNorm: 1, learningRate: 0.001 },
    ...{ tokensPerSecond: 900, milliseconds: { data: 0, forwardBackward: 1, optimizer: 1, total: 2 } },
  };
}
