// A model scored as a library user does it: a task of one's own, a suite of it, run on a model directory. Any model directory will do; this
// one is made on the spot and has learnt nothing but which of two words follows a text.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { clueSuite, openModel, runSuite } from '@tunan/evaluation';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { AdamW, scope, tensor } from '@tunan/torch';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-example-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

// Reviews: good ones praise, bad ones do not.
const things = ['菜', '茶', '汤', '面', '饭', '酒', '糕', '鱼', '鸡', '饼'];
const reviews = [
  ...things.map((thing) => ({ review: `这里的${thing}好吃，下次再来`, label: 'good' })),
  ...things.map((thing) => ({ review: `这里的${thing}难吃，不想再来`, label: 'bad' })),
];

// 1. A model directory: a tokenizer, and a small model that sees every review with its word.
const words = { good: '满意', bad: '失望' };
const texts = reviews.map(({ review, label }) => `${review}。我很${words[label as 'good' | 'bad']}。`);
const tokenizer = Tokenizer.fromFile(await trainBpe(texts, { vocabularySize: 300 }));
const tokenizerFile = path.join(folder, 'tokenizer.json');
tokenizer.save(tokenizerFile);
const model = LanguageModel.create(
  { vocabularySize: 384, contextLength: 64, layers: 2, width: 64, heads: 2, endOfDocumentId: tokenizer.eod },
  { seed: 1 },
);
const { decayed, plain } = model.parameterGroups();
const optimizer = new AdamW([{ parameters: { ...decayed, ...plain }, weightDecay: 0 }], { learningRate: 3e-3 });
for (let step = 0; step < 60; step++) {
  scope(() => {
    const text = texts[(step * 7) % texts.length]!;
    const ids = [tokenizer.eod, ...tokenizer.encode(text)];
    const [inputs, targets] = [ids.slice(0, -1), ids.slice(1)].map((row) => tensor([row], { dtype: 'int64' }));
    model.loss(inputs!, targets!, { training: true }).backward();
    optimizer.step();
    optimizer.zeroGrad();
  });
}
const directory = path.join(folder, 'model');
model.save(directory, { tokenizerFile });

// 2. A task: what a line of its data holds, the words of its labels, and the prompt; and its data.
const task = path.join(folder, 'mood.json');
writeFileSync(
  task,
  JSON.stringify({
    name: 'mood',
    words: { good: [words.good], bad: [words.bad] },
    templates: [{ name: 'plain', text: '{review}。我很[{label}]。' }],
    line: { gold: 'label', fields: { review: 'review' } },
  }),
);
mkdirSync(path.join(folder, 'data/mood'), { recursive: true });
const lines = reviews.map((review) => `${JSON.stringify(review)}\n`);
writeFileSync(path.join(folder, 'data/mood/test_public.json'), lines.join(''));

// 3. The suite, run. Names of CLUE's tasks could stand beside the file: ['tnews', 'csl', task].
const suite = await clueSuite('zeroclue', path.join(folder, 'data'), [task]);
const { summary } = await runSuite(suite, () => openModel(directory), {
  out: path.join(folder, 'results'),
  settings: { normalise: 'character', seed: 1 },
  onProgress: ({ task, done, total }) => {
    if (done === total) console.log(`${task.name}: ${done} requests scored`);
  },
});
for (const { task, accuracy, interval, majority, examples } of summary.tasks) {
  const percent = (share: number | undefined) => `${(100 * (share ?? Number.NaN)).toFixed(1)} %`;
  console.log(`${task}: ${percent(accuracy)} of ${examples} (${percent(interval?.low)} to ${percent(interval?.high)})`);
  console.log(`the most frequent label alone: ${percent(majority)}`);
}
