/**
 * EleutherAI's lm-evaluation-harness, of the peers' environment (.peers), gets the same scores through our server
 * (`--model local-completions`) as through transformers (`--model hf`), on three tasks that are defined here. Without
 * the environment the test skips.
 *
 * The model is made to end texts readily: what counts on one entry too few in an answer then loses a token.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { serve } from '@tunan/api';
import { noGrad } from '@tunan/torch';
import { tinyEngine } from './tiny-engine.ts';

const harness = path.resolve(import.meta.dirname, '../../.peers/bin/lm_eval');
const skip = existsSync(harness) ? false : 'needs .peers with lm_eval (bench/peers.txt)';

const folder = mkdtempSync(path.join(tmpdir(), 'tunan-harness-'));
after(() => rmSync(folder, { recursive: true }));

const LINES = [
  '小船靠在柳树下，',
  '他把信放进抽屉里。',
  '雨停了，街上又有了人声；',
  '第二天一早，我们就上山去了。',
  'The lamp was lit, 灯亮了。',
  '价格从十二元五角涨到了十三元。\n',
  '老人笑着说：“不急，不急。”',
  '𠮷野家的门口排着长队……',
];

const COMMON = { dataset_path: 'json', test_split: 'train', num_fewshot: 0, doc_to_text: '{{question}}' };
const TASKS: Record<string, { task: object; documents: object[] }> = {
  choice: {
    task: {
      ...COMMON,
      output_type: 'multiple_choice',
      doc_to_choice: '{{choices}}',
      doc_to_target: '{{answer}}',
      metric_list: [{ metric: 'acc' }, { metric: 'acc_norm' }],
    },
    documents: LINES.map((question, i) => ({
      question,
      choices: [0, 3, 5].map((step) => LINES[(i + step + 1) % LINES.length]),
      answer: i % 3,
    })),
  },
  continuation: {
    task: {
      ...COMMON,
      output_type: 'loglikelihood',
      doc_to_target: '{{target}}',
      metric_list: [{ metric: 'perplexity' }, { metric: 'acc' }],
    },
    documents: LINES.map((question, i) => ({ question, target: LINES[(i + 2) % LINES.length] })),
  },
  rolling: {
    task: {
      ...COMMON,
      output_type: 'loglikelihood_rolling',
      doc_to_text: '',
      doc_to_target: '{{text}}',
      metric_list: [{ metric: 'byte_perplexity' }, { metric: 'bits_per_byte' }],
    },
    documents: LINES.map((line, i) => ({ text: line + LINES[(i + 4) % LINES.length] })),
  },
};

function writeTasks(directory: string): void {
  mkdirSync(directory);
  for (const [name, { task, documents }] of Object.entries(TASKS)) {
    const data = path.join(directory, `${name}.jsonl`);
    writeFileSync(data, documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
    // JSON is YAML.
    const definition = { task: name, dataset_kwargs: { data_files: { train: data } }, ...task };
    writeFileSync(path.join(directory, `${name}.yaml`), JSON.stringify(definition));
  }
}

interface Outcome {
  readonly scores: Record<string, Record<string, number>>;
  /** Log-probabilities of every request, in order. */
  readonly samples: readonly number[];
}

async function runHarness(model: string, args: string, tasks: string): Promise<Outcome> {
  const output = path.join(folder, model);
  await promisify(execFile)(
    harness,
    [
      ...[
        'run',
        '--model',
        model,
        '--model_args',
        args,
        '--include_path',
        tasks,
        '--tasks',
        Object.keys(TASKS).join(','),
      ],
      ...['--output_path', output, '--log_samples', '--batch_size', '4', '--device', 'cpu'],
    ],
    { env: { ...process.env, HF_HUB_OFFLINE: '1', HF_DATASETS_OFFLINE: '1', HF_HOME: path.join(folder, 'cache') } },
  );
  const [results] = globSync(path.join(output, '**/results_*.json'));
  const { results: scores } = JSON.parse(readFileSync(results!, 'utf8'));
  const samples = globSync(path.join(output, '**/samples_*.jsonl'))
    .sort()
    .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'))
    .flatMap((line) => JSON.parse(line).resps.flat(3))
    .map(Number)
    .filter(Number.isFinite);
  return { scores, samples };
}

test('scores through the server are those of transformers', { skip }, async () => {
  const { engine, model, tokenizer, close } = await tinyEngine();
  noGrad(() => {
    const parameters = model.namedParameters();
    parameters.get('transformer.ln_f.bias')!.fill_(0.5);
    parameters.get('transformer.wte.weight')!.select(0, tokenizer.eod).fill_(0.25);
  });
  const directory = path.join(folder, 'model');
  const tokenizerFile = path.join(folder, 'tokenizer.json');
  tokenizer.save(tokenizerFile);
  model.save(directory, { tokenizerFile });
  const tasks = path.join(folder, 'tasks');
  writeTasks(tasks);
  const serving = await serve({ models: new Map([['yuan-tiny', engine]]), port: 0 });
  try {
    const url = `${serving.url}/v1/completions`;
    const theirs = await runHarness('hf', `pretrained=${directory},dtype=float32`, tasks);
    const args = `model=yuan-tiny,base_url=${url},tokenizer=${directory},num_concurrent=2,max_length=512`;
    const ours = await runHarness('local-completions', args, tasks);
    assert.equal(ours.samples.length, 3 * LINES.length + 2 * LINES.length);
    assert.equal(ours.samples.length, theirs.samples.length);
    ours.samples.forEach((logprob, i) => {
      assert.ok(Math.abs(logprob - theirs.samples[i]!) < 1e-3, `request ${i}: ${logprob}, ${theirs.samples[i]}`);
    });
    for (const [task, scores] of Object.entries(theirs.scores)) {
      for (const [metric, value] of Object.entries(scores)) {
        if (typeof value !== 'number') continue;
        const own = ours.scores[task]?.[metric];
        assert.ok(Math.abs(own! - value) < 1e-4 * Math.abs(value) + 1e-9, `${task} ${metric}: ${own}, ${value}`);
      }
    }
    console.log(JSON.stringify(theirs.scores));
  } finally {
    await serving.close();
    close();
  }
});
