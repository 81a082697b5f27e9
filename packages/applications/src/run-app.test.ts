import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Generation, type GenerationRequest, InferenceError, TorchEngine } from '@tunan/inference';
import { tinyModel, tinyTokenizer } from '@tunan/inference/testing/tiny-model';
import type { AppInput } from '@tunan/protocol';
import { AppError } from './errors.ts';
import { checkApp } from './read-app.ts';
import { recallTurns, simHash, similarity } from './recall.ts';
import { type AppEngine, type AppOutcome, collectRun, runApp } from './run-app.ts';

const both = (text: string) => ({ zh: text, en: text });
const engine = new TorchEngine(tinyModel('gpt2', 'float32', 320), await tinyTokenizer(), { batchSize: 2 });
after(() => engine.close());

const poem: AppInput = {
  ...{ tunan_app: 1, name: 'poem', group: 'verse', title: both('诗'), description: both('诗') },
  inputs: [{ name: 'theme', label: both('题') }],
  prompt: { input_suffix: '：', output_prefix: '“', output_suffix: '”\n' },
  examples: [{ inputs: { theme: '登楼' }, output: '白日依山尽，黄河入海流。' }],
  sampling: { max_tokens: 120, temperature: 1, top_p: 1 },
};
const run = (app: AppInput, inputs: Record<string, string>, on: AppEngine = engine, more = {}): Promise<AppOutcome> =>
  collectRun(runApp(checkApp(app, 'app'), { inputs, seed: 7, ...more }, on));

/** Forms that checks describe, each with what its answer looks like. */
const FORMS: readonly [NonNullable<AppInput['checks']>[number], string, RegExp][] = [
  [{ use: 'verse', form: 'five-quatrain', head: 'theme' }, '春夏秋冬', /^春.{4}，夏.{4}。\n秋.{4}，冬.{4}。$/u],
  [{ use: 'verse', form: 'seven-regulated' }, '雪', /^(.{7}，.{7}。\n?){4}$/u],
  [{ use: 'verse', form: 'five-regulated', tones: false, book: 'new' }, '雪', /^(.{5}，.{5}。\n?){4}$/u],
  [{ use: 'acrostic', of: 'theme', characters: 7 }, '梅兰', /^梅.{6}，兰.{6}。$/u],
  [{ use: 'meter', form: '中仄平平，平中仄平平仄韵。平仄韵、平平仄韵！' }, '雪', /^.{4}，.{6}。.{2}、.{3}！$/u],
];
for (const [check, theme, look] of FORMS) {
  test(`an untrained model writes in a form at the first draw, because it is imposed: ${JSON.stringify(check)}`, async () => {
    const app: AppInput = { ...poem, checks: [check], retries: 5, sampling: { max_tokens: 240 } };
    for (const seed of [7, 8, 9]) {
      const outcome = await run(app, { theme }, engine, { seed });
      assert.ok(outcome.passed && outcome.attempts.length === 1, JSON.stringify(outcome.attempts));
      assert.match(outcome.output, look);
      assert.equal((await run(app, { theme }, engine, { seed })).output, outcome.output);
    }
    const free = await run(app, { theme }, engine, { impose: false, retries: 0 });
    assert.equal(free.passed, false, free.output);
  });
}

test('an answer that fails is made again with the next seed, and the best one is given', async () => {
  const app: AppInput = {
    ...poem,
    checks: [{ use: 'length', least: 400 }, { use: 'new' }],
    retries: 2,
    sampling: { max_tokens: 3 },
  };
  const outcome = await run(app, { theme: '雪' });
  assert.equal(outcome.passed, false);
  assert.equal(outcome.attempts.length, 3);
  assert.equal((await run(app, { theme: '雪' }, engine, { seed: 8 })).attempts[0]!.output, outcome.attempts[1]!.output);
  assert.equal((await run(app, { theme: '雪' }, engine, { retries: 0 })).attempts.length, 1);
});

test('the examples are computed once: a later run finds them in the prefix cache', async () => {
  const app: AppInput = { ...poem, sampling: { max_tokens: 1 } };
  await run(app, { theme: '江' });
  const { usage } = await run(app, { theme: '山' });
  assert.ok(usage.cachedTokens >= 20 && usage.cachedTokens < usage.promptTokens, JSON.stringify(usage));
});

test('where a server takes no constraints its answers are checked alone; a constraint of its own is needed', async () => {
  const asked: GenerationRequest[] = [];
  const plain: AppEngine = {
    submit(request: GenerationRequest): Generation {
      asked.push(request);
      if (request.constraint !== undefined) {
        const { option = 'constraint' } = request.constraint;
        throw new InferenceError('INFERENCE_BAD_OPTION', 'no constraints here', { option });
      }
      return engine.submit(request);
    },
  };
  const imposed: AppInput = { ...poem, checks: [{ use: 'acrostic', of: 'theme' }], sampling: { max_tokens: 2 } };
  const outcome = await run(imposed, { theme: '春夏' }, plain);
  assert.equal(outcome.passed, false);
  assert.deepEqual(
    asked.map(({ constraint }) => constraint?.kind),
    ['grammar', undefined],
  );
  const own: AppInput = { ...poem, constraint: { choice: ['是', '否'] } };
  await assert.rejects(run(own, { theme: '春' }, plain), /no constraints here/);
  assert.ok(['是', '否'].includes((await run(own, { theme: '春' })).output));
});

test('a prompt over the context is refused with what to do, a conversation is shortened instead', async () => {
  const long = '山'.repeat(400);
  await assert.rejects(run(poem, { theme: long }), (error) => {
    assert.ok(error instanceof InferenceError && error.code === 'INFERENCE_PROMPT_TOO_LONG');
    assert.match(error.message, /poem does not fit, even without examples: .*320/);
    return /即使不带示例也放不下.*须缩短的是输入/.test(error.chinese ?? '');
  });
  const talk: AppInput = { ...poem, conversation: { keep: 10 }, sampling: { max_tokens: 1 } };
  const turns = [long, '一', '二'].map((text) => ({ input: text, output: '好' }));
  const { prompt } = await run(talk, { theme: '三' }, engine, { turns });
  assert.ok(!prompt.includes(long) && prompt.includes('二'));
  await assert.rejects(run(poem, { theme: '三' }, engine, { turns }), /keeps no conversation/);
});

test('examples for which there is no room are left out from the first on, and counted', async () => {
  const examples = Array.from({ length: 20 }, (_, i) => ({
    inputs: { theme: `其${i}` },
    output: '白日依山尽，黄河入海流。',
  }));
  const outcome = await run({ ...poem, examples, sampling: { max_tokens: 30 } }, { theme: '雪' });
  assert.ok(outcome.examplesLeftOut > 0 && outcome.examplesLeftOut < 20);
  assert.ok(outcome.prompt.startsWith(`其${outcome.examplesLeftOut}：`) && outcome.prompt.endsWith('雪：“'));
  assert.ok(outcome.usage.promptTokens + 30 <= 320);
});

test('an engine that does not tell its context, and cuts an answer, gets a shorter prompt at the next attempt', async () => {
  const elsewhere: AppEngine = { submit: (request, signal) => engine.submit(request, signal) };
  const examples = Array.from({ length: 12 }, (_, i) => ({
    inputs: { theme: `其${i}` },
    output: '白日依山尽，黄河入海流。',
  }));
  const checks: AppInput['checks'] = [{ use: 'verse', form: 'seven-quatrain' }];
  const app: AppInput = { ...poem, examples, checks, retries: 9, sampling: { max_tokens: 120 } };
  const outcome = await run(app, { theme: '雪' }, elsewhere);
  const [first] = outcome.attempts;
  assert.deepEqual([first!.finish_reason, first!.findings[0]!.passed], ['length', false]);
  assert.ok(outcome.passed && outcome.examplesLeftOut > 0, JSON.stringify(outcome.attempts));
  // One that runs to its most tokens has room enough.
  const short: AppInput = { ...app, examples: examples.slice(0, 1), retries: 2, sampling: { max_tokens: 5 } };
  assert.equal((await run(short, { theme: '雪' }, elsewhere)).examplesLeftOut, 0);
});

test('a model without a chat template is refused where one is needed', async () => {
  await assert.rejects(
    run({ ...poem, needs: 'chat' }, { theme: '春' }),
    (error) =>
      error instanceof AppError && error.code === 'APP_UNFIT_MODEL' && /需要带对话模板/.test(error.chinese ?? ''),
  );
});

test('earlier turns are recalled by likeness, weighed down with age, in their order', () => {
  const turns = ['今天天气如何', '我想学做红烧肉', '讲个笑话', '明天出去玩吗'].map((input) => ({
    input,
    output: '好的',
  }));
  const found = recallTurns(turns, '红烧肉要炖多久', { keep: 1, similar: 1 });
  assert.deepEqual(
    found.map(({ input }) => input),
    ['我想学做红烧肉', '明天出去玩吗'],
  );
  assert.equal(recallTurns(turns, '红烧肉', { keep: 0, similar: 0 }).length, 0);
  assert.equal(similarity(simHash('春眠不觉晓'), simHash('春眠，不觉晓！')), 1);
  assert.ok(
    similarity(simHash('春眠不觉晓'), simHash('春眠不觉早')) > similarity(simHash('春眠不觉晓'), simHash('大江东去浪')),
  );
});

test('a pattern of a stranger takes time that grows with the answer alone', async () => {
  const app: AppInput = {
    ...poem,
    checks: [{ use: 'pattern', pattern: '(a|a)*(a|aa)*b', impose: false }],
    sampling: { max_tokens: 20 },
  };
  assert.equal((await run(app, { theme: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' })).passed, false);
});
