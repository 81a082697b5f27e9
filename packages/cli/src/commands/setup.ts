/** `tunan setup` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';

export default defineCommand({
  positionals: {},
  options: {},
  examples: ['tunan setup'],
  reports: true,
  run: async () => {
    const { buildAddon } = await import('@tunan/torch');
    const { path, libtorch, built } = await buildAddon((found) => {
      const line = text(
        `compiling against libtorch ${found.version}; one to five minutes …`,
        `正在针对 libtorch ${found.version} 编译，约需一至五分钟……`,
      );
      process.stderr.write(`${line}\n`);
    });
    const state = built ? text('compiled', '已编译') : text('was ready', '早已就绪');
    return {
      data: { addon: path, built, libtorch },
      lines: [
        text(
          `addon ${state}: ${path} (libtorch ${libtorch.version})`,
          `原生扩展${state}：${path}（libtorch ${libtorch.version}）`,
        ),
      ],
    };
  },
});
