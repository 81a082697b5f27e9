import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitsPerCharacter } from '../bits/bits-per-character.ts';
import { scoreBaselines, scoreBaselinesInWorker } from './baselines.ts';
import { trainCharacterNgram } from './character-ngram.ts';

const training = ['春来\n春来不见人，春来花满枝。', '明月\n明月出青山，明月照江水。', '山中\n空山不见人，但闻人语响。'];
const evaluated = ['山月\n明月照青山，春来不见人。', '春水\n江水满。'];

test('both baselines predict the same characters; knowing what precedes helps', () => {
  const { unigram, ngram } = scoreBaselines({ training, evaluated });
  assert.equal(ngram.order, 5);
  assert.equal(unigram.characters, 24);
  assert.equal(ngram.characters, 24);
  assert.equal(unigram.chineseCharacters, 17);
  assert.equal(ngram.chineseCharacters, 17);
  assert.ok(ngram.bitsPerCharacter < unigram.bitsPerCharacter);
  assert.ok(ngram.chineseBitsPerCharacter! < unigram.chineseBitsPerCharacter!);
});

test('the scores are those of the models', () => {
  const model = trainCharacterNgram(training, { order: 3, evaluated });
  const { ngram } = scoreBaselines({ training, evaluated, order: 3 });
  assert.deepEqual(ngram, { ...bitsPerCharacter((document) => model.score(document), evaluated), order: 3 });
});

test('the worker gives the same numbers', async () => {
  assert.deepEqual(
    await scoreBaselinesInWorker({ training: training.values(), evaluated }),
    scoreBaselines({ training, evaluated }),
  );
});

test('mistakes are reported before a worker starts', async () => {
  await assert.rejects(scoreBaselinesInWorker({ training: [], evaluated }), { code: 'EVALUATION_EMPTY_TEXT' });
  await assert.rejects(scoreBaselinesInWorker({ training, evaluated, order: 0 }), { code: 'EVALUATION_BAD_ORDER' });
});

test('aborting ends the worker', async () => {
  const controller = new AbortController();
  const scores = scoreBaselinesInWorker({ training, evaluated }, controller.signal);
  controller.abort();
  await assert.rejects(scores, { name: 'AbortError' });
});
