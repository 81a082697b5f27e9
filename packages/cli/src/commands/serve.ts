/** `tunan serve` */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { loadModel, modelOptions } from '../model-options.ts';
import { serveModel } from '../serve-model.ts';
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
    const { model, tokenizer } = await loadModel(directory, { device, dtype });
    using stop = new StopSignal();
    await serveModel({ model, tokenizer, name: name ?? path.basename(realpathSync(directory)), host, port }, stop);
    return undefined;
  },
});
