/** `tunan model generate` */
import type { Engine, GenerationResult } from '@tunan/inference';
import { defineCommand, type Report } from '../command.ts';
import { CommandLineError, UsageError } from '../errors.ts';
import { runBatch } from '../generate/batch.ts';
import { converse, readBody } from '../generate/conversation.ts';
import { openForAnswers } from '../generate/open-engine.ts';
import { bodyOf, DEFAULT_MAX_TOKENS, readText, samplingOptions } from '../generate/sampling-options.ts';
import { text } from '../language.ts';
import {
  adapterOption,
  anyBaseOption,
  engineOptions,
  modelOptions,
  promptOptions,
  weightsOptions,
} from '../model-options.ts';
import { modelOrShipped } from '../shipped-model.ts';
import { argumentOrInput } from '../standard-input.ts';
import { StopSignal } from '../stop-signal.ts';

/** Requests of a batch, or texts, that are computed at the same time. */
const MOST_AT_ONCE = 16;
/** Sequences of a batch that may wait: each of its requests may have 128. */
const MOST_WAITING = MOST_AT_ONCE * 128;

export default defineCommand({
  positionals: {
    model: {
      help: text(
        'model directory, .gguf file, or address of a server (default: models/tunan-tiny, where it is)',
        '模型目录、.gguf 文件，或服务地址（默认：已有的 models/tunan-tiny）',
      ),
      optional: true,
    },
  },
  options: {
    prompt: { type: 'string', value: 'TEXT', help: text('what the text begins with', '文本的开头') },
    file: {
      type: 'string',
      value: 'FILE',
      help: text(
        'the prompt in a file; without either it is read from standard input',
        '文件中的提示；两者都没有时从标准输入读取',
      ),
    },
    chat: {
      type: 'boolean',
      help: text(
        'the prompt is a message, answered by the chat template of the model; without a prompt, on a terminal, a conversation',
        '提示作为一条消息，按模型的对话模板作答；在终端上不给提示即开始对话',
      ),
    },
    system: {
      type: 'string',
      value: 'TEXT',
      help: text('with --chat: what the model is to be', '与 --chat 一起：给模型的系统消息'),
    },
    batch: {
      type: 'string',
      value: 'FILE',
      help: text(
        'JSON lines, each a request of the API ({"prompt" or "messages", …, "id"})',
        'JSON 行文件，每行一个 API 请求（{"prompt" 或 "messages", …, "id"}）',
      ),
    },
    out: {
      type: 'string',
      value: 'FILE',
      help: text(
        'for the answers of --batch, one a line; started again it goes on where it was stopped',
        '--batch 的回答，每行一个；再次运行时从中断处继续',
      ),
    },
    adapter: adapterOption,
    ...anyBaseOption,
    ...samplingOptions,
    ...engineOptions,
    ...modelOptions,
    ...weightsOptions,
    ...promptOptions,
  },
  examples: [
    'tunan model generate runs/quickstart/model --prompt 静夜思 --temperature 0.8',
    'tunan model generate poems-q8_0.gguf --prompt 静夜思',
    'tunan model generate runs/quickstart/model --prompt 春江 --choices 3 --seed 7 --json',
    'tunan model generate runs/quickstart/model --batch requests.jsonl --out answers.jsonl',
    'tunan model generate http://127.0.0.1:8000/v1 --chat --json-schema poem.schema.json --file request.txt',
  ],
  reports: true,
  run: async (given): Promise<Report | undefined> => {
    checkTogether(given);
    const values = { ...given, ...(await modelOrShipped(given, 'MODEL')) };
    const fields = await bodyOf(values);
    const isConversation =
      values.chat &&
      values.prompt === undefined &&
      values.file === undefined &&
      process.stdin.isTTY === true &&
      !values.batch;
    const prompt = isConversation || values.batch !== undefined ? '' : await promptOf(values);
    const choices = values.choices ?? 1;
    const atOnce = values.batch === undefined ? Math.min(MOST_AT_ONCE, Math.max(1, choices)) : MOST_AT_ONCE;
    const {
      name,
      engine: opened,
      answering: engine,
    } = await openForAnswers(values, atOnce, values.batch === undefined ? choices : MOST_WAITING);
    using _opened = opened;
    if (values.batch !== undefined) return await answerBatch(engine, name, values.batch, values.out ?? '', fields);
    const body = { max_tokens: DEFAULT_MAX_TOKENS, ...fields };
    const { system, json = false } = values;
    if (isConversation) {
      await converse({ engine, fields: body, system, input: process.stdin, output: process.stdout });
      return undefined;
    }
    if (values.chat) {
      const messages = [
        ...(system === undefined ? [] : [{ role: 'system', content: system }]),
        { role: 'user', content: prompt },
      ];
      return await generateText(engine, { ...body, messages }, '', !json && choices === 1);
    }
    // The beginning of a document is a matter of this machine's engines: other servers decide it themselves.
    const begin = { prompt, ...(engine.kind !== 'remote' && { begin_document: true }) };
    return await generateText(engine, { ...body, ...begin }, prompt, !json && choices === 1);
  },
});

interface Values {
  readonly prompt?: string | undefined;
  readonly file?: string | undefined;
  readonly batch?: string | undefined;
  readonly out?: string | undefined;
  readonly system?: string | undefined;
  readonly chat: boolean;
}

/** @throws UsageError for options that contradict each other */
function checkTogether({ prompt, file, batch, out, system, chat }: Values): void {
  if (prompt !== undefined && file !== undefined) {
    throw new UsageError(text('give --prompt or --file, not both', '--prompt 与 --file 只能给出一个'));
  }
  if (batch !== undefined && (prompt !== undefined || file !== undefined || chat || system !== undefined)) {
    throw new UsageError(
      text(
        'a batch has its prompts and messages in its lines: leave --prompt, --file, --chat and --system out',
        '批处理的提示与消息都在文件的各行中：请去掉 --prompt、--file、--chat 与 --system',
      ),
    );
  }
  if ((batch === undefined) !== (out === undefined)) {
    throw new UsageError(text('--batch and --out go together', '--batch 与 --out 须同时给出'));
  }
  if (batch !== undefined && batch === out) {
    throw new UsageError(text('--out must be another file than --batch', '--out 与 --batch 不能是同一个文件'));
  }
  if (system !== undefined && !chat)
    throw new UsageError(text('--system goes with --chat', '--system 须与 --chat 一起使用'));
}

async function promptOf({ prompt, file }: Values): Promise<string> {
  if (file !== undefined) return readText(file);
  return (await argumentOrInput(prompt)).replace(prompt === undefined ? /\r?\n$/ : /$^/, '');
}

/** @param shown what stands in front of the text. @param streams whether it is printed while it is made */
async function generateText(engine: Engine, body: object, shown: string, streams: boolean): Promise<Report> {
  const [{ collect }, { generationOf }] = await Promise.all([import('@tunan/inference'), import('@tunan/api')]);
  const generation = engine.submit(generationOf(engine, await readBody(body)));
  if (streams) {
    await generation.accepted;
    process.stdout.write(shown);
  }
  const result = await collect(generation, (chunk) => void (streams && process.stdout.write(chunk.text)));
  if (streams) process.stdout.write('\n');
  return { data: dataOf(result, shown), lines: streams ? [] : linesOf(result, shown) };
}

function dataOf({ seed, usage, sequences }: GenerationResult, shown: string) {
  const texts = sequences.map(({ text: generated, finishReason }) => ({ text: shown + generated, finishReason }));
  return { seed, usage, sequences: texts };
}

const linesOf = ({ sequences }: GenerationResult, shown: string): string[] =>
  sequences.flatMap(({ text: generated }, index) => (index === 0 ? [shown + generated] : ['', shown + generated]));

async function answerBatch(
  engine: Engine,
  model: string,
  input: string,
  output: string,
  defaults: Readonly<Record<string, unknown>>,
): Promise<Report> {
  using stop = new StopSignal();
  const begin = performance.now();
  const result = await runBatch({ input, output, defaults, engine, model, parallel: MOST_AT_ONCE }, stop.signal);
  const { answered, kept, failed, completionTokens } = result;
  if (result.stopped) {
    throw new CommandLineError('CLI_STOPPED', {
      en: `stopped after ${answered} answers: run the same command again to go on`,
      zh: `已在 ${answered} 个回答后停止：再次运行同一命令即可继续`,
    });
  }
  const seconds = (performance.now() - begin) / 1000;
  const rate = Math.round(completionTokens / Math.max(seconds, 1e-3));
  const lines = [
    text(
      `${answered} answered, ${kept} were already, ${failed} refused; ${completionTokens} tokens, ${rate} a second: ${output}`,
      `回答 ${answered} 个，此前已有 ${kept} 个，拒绝 ${failed} 个；${completionTokens} 个词元，每秒 ${rate} 个：${output}`,
    ),
  ];
  return { data: { answered, kept, failed, completionTokens, seconds, output }, lines, failed: failed > 0 };
}
