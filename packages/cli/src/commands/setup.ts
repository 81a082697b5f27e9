/** `tunan setup` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { ProgressLine } from '../progress.ts';

/** A compile says nothing of how far it is: the seconds show that it lives. */
class BuildProgress implements Disposable {
  readonly #line = new ProgressLine();
  #timer: NodeJS.Timeout | undefined;

  begin(version: string): void {
    const began = performance.now();
    const what = text(
      `compiling against libtorch ${version}; one to five minutes …`,
      `正在针对 libtorch ${version} 编译，约需一至五分钟……`,
    );
    process.stderr.write(`${what}\n`);
    this.#timer = setInterval(() => {
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      this.#line.show(text(`compiling, ${seconds} s`, `编译中，${seconds} 秒`));
    }, 1000);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#line.end();
  }
}

export default defineCommand({
  positionals: {},
  options: {},
  examples: ['tunan setup'],
  reports: true,
  run: async () => {
    const { buildAddon } = await import('@tunan/torch');
    using progress = new BuildProgress();
    const { path, libtorch, built } = await buildAddon((found) => progress.begin(found.version));
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
