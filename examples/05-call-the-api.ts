// A server and its clients: texts, streams, and Yuan's class with solved examples by both protocols. With an address it calls a server that
// runs, `node examples/05-call-the-api.ts http://127.0.0.1:8000`; without, it serves a small model made on the spot, which has learnt little.
import { serve } from '@tunan/api';
import { TorchEngine } from '@tunan/inference';
import { LanguageModel } from '@tunan/model';
import { answerer, Example, OpenApi, Yuan, yuanEndpoint } from '@tunan/protocol/client';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { AdamW, scope, tensor } from '@tunan/torch';

const pairs = ['春花', '夏荷', '秋月', '冬雪', '风声', '雨丝', '山高', '水长'];
const lesson = pairs.map((pair) => `上：${pair[0]}\n下：${pair[1]}\n\n`).join('');

/** A model that continues the lesson, as a server on a free port. */
async function serveLesson() {
  const tokenizer = Tokenizer.fromFile(await trainBpe([lesson], { vocabularySize: 264 }));
  const sizes = { vocabularySize: 384, contextLength: 128, layers: 2, width: 64, heads: 2 };
  const model = LanguageModel.create({ ...sizes, endOfDocumentId: tokenizer.eod }, { seed: 1 });
  const { decayed, plain } = model.parameterGroups();
  const optimizer = new AdamW([{ parameters: { ...decayed, ...plain }, weightDecay: 0 }], { learningRate: 3e-3 });
  const ids = [...tokenizer.encode(lesson)];
  for (let step = 0; step < 120; step++) {
    scope(() => {
      const places = pairs.map((_, row) => ((step * pairs.length + row) * 11) % (ids.length - 33));
      const [inputs, targets] = [0, 1].map((shift) =>
        tensor(
          places.map((at) => ids.slice(at + shift, at + shift + 32)),
          { dtype: 'int64' },
        ),
      );
      model.loss(inputs!, targets!, { training: true }).backward();
      optimizer.step();
      optimizer.zeroGrad();
    });
  }
  const engine = new TorchEngine(model, tokenizer);
  const { url, close } = await serve({ models: new Map([['couplets', engine]]), port: 0 });
  return { url, close: async () => close().then(() => engine.close()) };
}

const given = process.argv[2];
const server = given === undefined ? await serveLesson() : undefined;
const url = (given ?? server!.url).replace(/\/(v1\/?)?$/, '');

// 1. The open API, as OpenAI's: whole, and bit by bit.
const api = new OpenApi({ url: `${url}/v1`, apiKey: process.env.TUNAN_API_KEY });
const [model] = await api.models();
console.log(`model ${model!.id}, context ${model!.max_model_len} tokens`);
const body = { model: model!.id, prompt: '上：春\n下：', max_tokens: 3, temperature: 0 };
const { choices, usage } = await api.complete(body);
console.log(`whole: ${JSON.stringify(choices[0]!.text)}, ${usage!.completion_tokens} tokens`);
let streamed = '';
for await (const part of api.streamCompletion(body)) streamed += part.choices?.[0]?.text ?? '';
console.log(`in parts: ${JSON.stringify(streamed)}`);

// 2. Yuan's class: examples before the question, the answer cut behind its line; by the open API, and by Yuan's own protocol.
const form = { inputPrefix: '上：', outputPrefix: '下：', outputSuffix: '\n\n', appendOutputPrefixToQuery: true };
const options = {
  ...form,
  temperature: 0,
  maxTokens: 12,
  frequencyPenalty: 1,
  responsePenalty: 1,
  noRepeatNgramSize: 0,
};
const account = { account: 'example', phone: process.env.YUAN_PHONE ?? '' };
for (const [protocol, answer] of [
  ['open API', answerer(api, model!.id)],
  ['Yuan', yuanEndpoint({ url, engine: model!.id, ...account })],
] as const) {
  const yuan = new Yuan(answer, options);
  yuan.addExample(new Example('秋', '月'));
  yuan.addExample(new Example('冬', '雪'));
  console.log(`${protocol}: ${yuan.craftQuery('风').replaceAll('\n', '|')} → ${await yuan.submit('风', ['\n'])}`);
}
await server?.close();
