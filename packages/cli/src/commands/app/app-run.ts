/** `tunan app run` */
import type { AppOutcome } from '@tunan/applications';
import type { App, AppRunPart } from '@tunan/protocol';
import { findApp } from '../../apps/find-app.ts';
import { readFirst, readInputs, readTurns } from '../../apps/run-inputs.ts';
import { defineCommand, type Report } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { openForAnswers } from '../../generate/open-engine.ts';
import { spoken, text } from '../../language.ts';
import {
  adapterOption,
  anyBaseOption,
  engineOptions,
  modelOptions,
  promptOptions,
  weightsOptions,
} from '../../model-options.ts';
import { modelOrShipped } from '../../shipped-model.ts';
import { argumentOrInput } from '../../standard-input.ts';
import { StopSignal } from '../../stop-signal.ts';

export default defineCommand({
  positionals: {
    app: { help: text('a name of the gallery, or a file', '应用库中的名字，或文件') },
  },
  options: {
    input: {
      type: 'string',
      value: 'TEXT',
      help: text('the first input; read from standard input where it is absent', '第一个输入；不给出时从标准输入读取'),
    },
    field: {
      type: 'strings',
      value: 'NAME=TEXT',
      help: text('the other inputs, or all of them; several', '其余输入，或全部输入；可给出多个'),
    },
    model: {
      type: 'string',
      value: 'DIR',
      help: text(
        'model directory or .gguf file (default: models/tunan-tiny, where it is)',
        '模型目录或 .gguf 文件（默认：已有的 models/tunan-tiny）',
      ),
    },
    url: {
      type: 'string',
      value: 'URL',
      help: text(
        'in place of --model: address of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1',
        '代替 --model：OpenAI 兼容服务的地址，例如 http://127.0.0.1:8000/v1',
      ),
    },
    adapter: adapterOption,
    turns: {
      type: 'string',
      value: 'FILE',
      help: text(
        'earlier turns of a conversation, JSON lines of {"input", "output"}',
        '此前的对话轮次，每行一个 {"input", "output"} 的 JSON',
      ),
    },
    seed: { type: 'number', value: 'N', help: text('the same seed gives the same answer', '相同种子得到相同结果') },
    retries: {
      type: 'number',
      value: 'N',
      help: text(
        'how often an answer that fails is made again (default: as the application says, which is the most)',
        '未通过检查时最多重写几次（默认与上限均由应用规定）',
      ),
    },
    'show-prompt': { type: 'boolean', help: text('print the prompt first', '先打印提示') },
    ...anyBaseOption,
    ...engineOptions,
    ...modelOptions,
    ...weightsOptions,
    ...promptOptions,
  },
  examples: [
    'tunan app run couplet --model runs/quickstart/model --input 春风得意花千树',
    'tunan app run regulated-verse --model runs/quickstart/model --input 秋月 --field form=七绝 --seed 7',
    'tunan app run my-app.yaml --url http://127.0.0.1:8000/v1 --input TEXT --json',
  ],
  reports: true,
  run: async (values): Promise<Report> => {
    const { fillInputs, runApp } = await import('@tunan/applications');
    const app = await findApp(values.app);
    const fields = readInputs(values.field ?? []);
    const isComplete = app.inputs.every(({ name, default: fallback }) => name in fields || fallback !== undefined);
    const first = readFirst(values.input, app) ?? (isComplete ? undefined : await argumentOrInput(undefined));
    const inputs = fillInputs(app, fields, first);
    const turns = values.turns === undefined ? [] : readTurns(values.turns);
    const opened = await openForAnswers({ ...values, ...(await modelOf(values, app)) }, 1, 1);
    using _engine = opened.engine;
    using stop = new StopSignal();
    const { seed, retries, json = false } = values;
    const run = runApp(app, { inputs, turns, seed, retries }, opened.answering, stop.signal);
    const outcome = await follow(run, !json && process.stderr.isTTY === true);
    const last = outcome.attempts.length;
    const found = outcome.attempts.find(({ output }) => output === outcome.output)?.findings ?? [];
    const lines = [
      ...(values['show-prompt'] ? [outcome.prompt, ''] : []),
      outcome.output,
      ...found.map(({ passed, message }) => `${passed ? '✓' : '✗'} ${spoken(message)}`),
      ...(outcome.examplesLeftOut > 0 ? [tellLeftOut(outcome.examplesLeftOut, app.examples.length)] : []),
      ...(last > 1 ? [text(`${last} attempts, seed ${outcome.seed}`, `尝试 ${last} 次，种子 ${outcome.seed}`)] : []),
    ];
    return { data: { ...outcome, model: opened.name }, lines, failed: !outcome.passed };
  },
});

function tellLeftOut(count: number, all: number): string {
  return text(
    `${count} of ${all} examples were left out: the context of the model has no room for them`,
    `略去了 ${all} 个示例中的 ${count} 个：模型的上下文放不下`,
  );
}

interface Named {
  readonly model?: string | undefined;
  readonly url?: string | undefined;
  readonly adapter?: string | undefined;
}

/** The shipped model where neither is named, and of its adapters the one that is named, or that the application asks for. */
async function modelOf({ model, url, adapter }: Named, app: App): Promise<{ model: string; adapter?: string }> {
  const [one, two] = [model, url].filter((given) => given !== undefined);
  if (two === undefined) {
    const named = { model: one, adapter: adapter ?? app.adapter };
    const found = await modelOrShipped(named, text('--model DIR or --url URL', '--model DIR 或 --url URL'));
    return { ...(adapter !== undefined && { adapter }), ...found };
  }
  throw new UsageError(
    text(
      'say who is to answer: --model DIR or --url URL, not both',
      '请指定由谁作答：--model DIR 或 --url URL，二者择一',
    ),
  );
}

/** Tells on standard error why an attempt is made again. */
async function follow(run: AsyncGenerator<AppRunPart, AppOutcome, void>, tells: boolean): Promise<AppOutcome> {
  for (;;) {
    const { done, value } = await run.next();
    if (done === true) return value;
    const failed = value.findings?.filter(({ passed }) => !passed) ?? [];
    if (!tells || failed.length === 0) continue;
    const why = failed.map(({ message }) => spoken(message)).join('; ');
    process.stderr.write(text(`attempt ${value.attempt}: ${why}\n`, `第 ${value.attempt} 次：${why}\n`));
  }
}
