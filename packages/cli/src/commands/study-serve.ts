/** `tunan study serve` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { StopSignal } from '../stop-signal.ts';
import { studyLink } from '../study-link.ts';

export default defineCommand({
  positionals: { study: { help: text('folder made by tunan study new', 'tunan study new 建立的目录') } },
  options: {
    host: {
      type: 'string',
      value: 'ADDRESS',
      default: '127.0.0.1',
      help: text('address to listen on; 0.0.0.0 for all', '监听地址；0.0.0.0 表示全部'),
    },
    port: { type: 'number', value: 'N', default: 8000, help: text('0 takes any free one', '0 表示任取空闲端口') },
  },
  examples: ['tunan study serve runs/study', 'tunan study serve runs/study --host 0.0.0.0 --port 80'],
  reports: false,
  run: async ({ study: folder, host, port }) => {
    const [{ OpenStudy, requireAddress, serve }, { pageFolder }] = await Promise.all([
      import('@tunan/api'),
      import('@tunan/playground'),
    ]);
    // There is no model to guard: whoever reaches the address may judge.
    const address = { host, port, open: true };
    await requireAddress({ ...address, hasAccounts: false });
    using study = new OpenStudy(folder);
    using stop = new StopSignal();
    const options = { models: new Map(), page: await pageFolder(), studies: [study] };
    const serving = await serve({ ...options, ...address });
    process.stdout.write(`${studyLink(study.info, serving.url)}\n`);
    await stop.wait();
    await serving.close();
    return undefined;
  },
});
