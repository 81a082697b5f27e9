/** `tunan model generate` */
import type { Engine } from '@tunan/inference';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { engineOptions, modelOptions, promptOptions, readEngine, readPlace } from '../model-options.ts';

/** The ids of a conversation of one message, up to where the answer begins. */
function asMessage({ encodeChat }: Engine, model: string, content: string): number[] {
  if (encodeChat !== undefined) return encodeChat([{ role: 'user', content }]);
  throw new UsageError(text(`${model} has no chat template: leave --chat out`, `${model} 没有对话模板：请去掉 --chat`));
}

export default defineCommand({
  positionals: { dir: { help: text('model directory, or .gguf file', '模型目录，或 .gguf 文件') } },
  options: {
    prompt: { type: 'string', value: 'TEXT', required: true, help: text('what the text begins with', '文本的开头') },
    chat: {
      type: 'boolean',
      help: text(
        'the prompt is a message, answered by the chat template of the model',
        '提示作为一条消息，按模型的对话模板作答',
      ),
    },
    'max-tokens': {
      type: 'number',
      value: 'N',
      default: 100,
      help: text('most tokens to generate', '最多生成的词元数'),
    },
    choices: { type: 'number', value: 'N', default: 1, help: text('texts to generate', '生成的篇数') },
    temperature: {
      type: 'number',
      value: 'T',
      default: 1,
      help: text('0 takes the likeliest token', '0 表示总取最可能的词元'),
    },
    'top-k': {
      type: 'number',
      value: 'K',
      default: 0,
      help: text('keep the K likeliest tokens; 0 is off', '只保留最可能的 K 个词元；0 为关闭'),
    },
    'top-p': {
      type: 'number',
      value: 'P',
      default: 1,
      help: text('keep this share of the mass; 1 is off', '保留的概率总量；1 为关闭'),
    },
    'frequency-penalty': {
      type: 'number',
      value: 'F',
      default: 1,
      help: text("Yuan's penalty; up to 1 is off", '源 1.0 的频率惩罚；不大于 1 为关闭'),
    },
    'response-penalty': {
      type: 'number',
      value: 'F',
      default: 1,
      help: text('the same with the count capped at 1', '同上，但次数最多计 1'),
    },
    'no-repeat-ngram-size': {
      type: 'number',
      value: 'N',
      default: 0,
      help: text('no n-gram twice; 0 is off', '不重复的 n 元组长度；0 为关闭'),
    },
    stop: { type: 'string', value: 'TEXT', help: text('end before this text', '在此文本之前结束') },
    seed: { type: 'number', value: 'N', help: text('the same seed gives the same text', '相同种子生成相同文本') },
    ...engineOptions,
    ...modelOptions,
    ...promptOptions,
  },
  examples: [
    'tunan model generate runs/quickstart/model --prompt 静夜思 --temperature 0.8',
    'tunan model generate poems-q8_0.gguf --prompt 静夜思',
    'tunan model generate runs/quickstart/model --prompt 春江 --choices 3 --seed 7 --json',
  ],
  reports: true,
  run: async ({ dir, prompt, stop, seed, ...values }) => {
    const { collect, ggufOf, openEngine } = await import('@tunan/inference');
    const { engine: kind, cacheBytes, llamaCpp } = readEngine(values);
    const place = ggufOf(dir, kind) === undefined ? await readPlace(values) : {};
    // A place in the batch for each choice, and no more of llama.cpp's memory than that.
    const limits = { batchSize: Math.min(16, values.choices), waitingSize: values.choices, cacheBytes };
    const options = { engine: kind, torch: { ...limits, ...place }, llamaCpp: { ...limits, ...llamaCpp } };
    using engine = (await openEngine(dir, options)).engine;
    const begin = values.chat
      ? { prompts: [asMessage(engine, dir, prompt)] }
      : { prompts: [prompt], echo: true, beginDocument: true };
    const request = {
      ...begin,
      choices: values.choices,
      maxTokens: values['max-tokens'],
      temperature: values.temperature,
      topK: values['top-k'],
      topP: values['top-p'],
      frequencyPenalty: values['frequency-penalty'],
      responsePenalty: values['response-penalty'],
      noRepeatNgramSize: values['no-repeat-ngram-size'],
      ...(stop === undefined ? {} : { stop: [stop] }),
      seed,
    };
    const result = await collect(engine.submit(request));
    const texts = result.sequences.map((sequence) => sequence.text);
    return {
      data: {
        seed: result.seed,
        usage: result.usage,
        sequences: result.sequences.map(({ text: generated, finishReason }) => ({ text: generated, finishReason })),
      },
      lines: texts.flatMap((generated, index) => (index === 0 ? [generated] : ['', generated])),
    };
  },
});
