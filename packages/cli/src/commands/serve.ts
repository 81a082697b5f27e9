/** `tunan serve` */
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { loadModel, modelOptions } from '../model-options.ts';
import { StopSignal } from '../stop-signal.ts';

export default defineCommand({
  positionals: {},
  options: {
    model: { type: 'string', value: 'DIR', required: true, help: text('model directory', '模型目录') },
    name: {
      type: 'string',
      value: 'NAME',
      help: text("the model's name in the API (default: its folder's)", 'API 中的模型名（默认为目录名）'),
    },
    host: {
      type: 'string',
      value: 'ADDRESS',
      default: '127.0.0.1',
      help: text('address to listen on; there are no accounts', '监听地址；没有账号保护'),
    },
    port: { type: 'number', value: 'N', default: 8000, help: text('0 takes any free one', '0 表示任取空闲端口') },
    ...modelOptions,
  },
  examples: [
    'tunan serve --model runs/quickstart/model',
    'tunan serve --model runs/quickstart/model --port 0 --dtype bfloat16',
  ],
  reports: false,
  run: async ({ model: directory, name, host, port, device, dtype }) => {
    const [{ serve }, { InferenceEngine }] = await Promise.all([import('@tunan/api'), import('@tunan/inference')]);
    const { model, tokenizer } = await loadModel(directory, { device, dtype });
    using engine = new InferenceEngine(model, tokenizer);
    using stop = new StopSignal();
    const page = readFileSync(fileURLToPath(import.meta.resolve('@tunan/playground/index.html')), 'utf8');
    const modelName = name ?? path.basename(realpathSync(directory));
    const serving = await serve({ engine, modelName, page, host, port });
    process.stdout.write(
      text(
        `${modelName} is served at ${serving.url} (Ctrl-C ends it)\n`,
        `${modelName} 已在 ${serving.url} 提供服务（Ctrl-C 结束）\n`,
      ),
    );
    await stop.wait();
    await serving.close();
    return undefined;
  },
});
