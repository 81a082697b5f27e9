/** A model behind our own server gets the scores that it gets on this machine. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { serve } from '@tunan/api';
import {
  clueTasks,
  EndpointScorer,
  evaluateTasks,
  folderData,
  LocalScorer,
  type ScoreRequest,
} from '@tunan/evaluation';
import { tinyEngine } from './tiny-engine.ts';

for (const family of ['gpt2', 'llama'] as const) {
  const { engine, model, tokenizer, close } = await tinyEngine(family);
  after(close);
  const serving = await serve({ models: new Map([[`tiny-${family}`, engine]]), host: '127.0.0.1', port: 0 });
  after(() => serving.close());

  const endpoint = await EndpointScorer.connect({ url: `${serving.url}/v1` });
  const local = new LocalScorer(model, tokenizer, { identity: 'local' });

  test(`${family}: log-probabilities of the endpoint are those of the local engine`, async () => {
    const requests: ScoreRequest[] = [
      {
        context: ['春眠', '不觉晓，'],
        candidates: [
          { given: '处处', scored: '闻啼鸟' },
          { given: '', scored: '𠮷' },
        ],
      },
      { context: [], candidates: [{ given: '', scored: '夜来风雨声' }] },
      { context: ['花落知多少<eod>'], candidates: [{ given: '', scored: '。' }], firstTokenOnly: true },
    ];
    const [remote, here] = await Promise.all([endpoint.score(requests), local.score(requests)]);
    assert.equal(remote.length, 3);
    remote.flat().forEach(({ logprob, tokens }, i) => {
      const expected = here.flat()[i]!;
      assert.equal(tokens, expected.tokens, `candidate ${i}`);
      assert.ok(Math.abs(logprob - expected.logprob) < 1e-4, `candidate ${i}: ${logprob} is not ${expected.logprob}`);
    });
  });

  test(`${family}: and so are the predictions on a task`, async () => {
    const data = folderData(path.resolve(import.meta.dirname, '../fixtures/fewclue'));
    const tasks = clueTasks.filter(({ name }) => name === 'eprstmt' || name === 'bustm');
    const settings = { calibrate: 'diagonal', expand: 'mean' } as const;
    const predictions = async (scorer: EndpointScorer | LocalScorer) =>
      (await evaluateTasks(tasks, data, scorer, { settings })).map(({ result }) =>
        result.runs[0]!.predictions.map(({ predicted }) => predicted),
      );
    // The server counts the token that begins a document.
    assert.equal(endpoint.contextLength, local.contextLength - 1);
    assert.deepEqual(await predictions(endpoint), await predictions(local));
  });
}
