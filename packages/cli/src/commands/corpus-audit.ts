/** `tunan corpus audit` */
import { spawn } from 'node:child_process';
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { StopSignal } from '../stop-signal.ts';

const names = { good: text('good', '好'), poor: text('poor', '尚可'), bad: text('bad', '差') } as const;

export default defineCommand({
  positionals: { dir: { help: text('folder of a corpus', '语料目录') } },
  options: {
    sample: {
      type: 'number',
      value: 'N',
      default: 200,
      help: text('documents that are rated', '抽取多少篇'),
    },
    seed: {
      type: 'number',
      value: 'N',
      default: 1,
      help: text('another seed draws another sample', '换一个种子即换一个样本'),
    },
    ratings: {
      type: 'string',
      value: 'FILE',
      help: text(
        'where ratings are kept (default DIR/audit-SEED.jsonl)',
        '评分的存放文件（默认 DIR/audit-种子.jsonl）',
      ),
    },
    port: { type: 'number', value: 'N', help: text('of the page (default: a free one)', '页面端口（默认取空闲端口）') },
    report: {
      type: 'boolean',
      help: text('only print what is rated so far', '只输出目前的评分结果'),
    },
  },
  examples: ['tunan corpus audit runs/corpus --sample 200', 'tunan corpus audit runs/corpus --report --json'],
  reports: true,
  run: async ({ dir, sample, seed, ratings, port, report }) => {
    const { Audit, ratedShares } = await import('@tunan/corpus');
    const audit = await Audit.open(dir, { sample, seed, ratings });
    if (!report && !audit.isComplete) {
      const address = await audit.listen(port ?? 0);
      process.stderr.write(
        text(
          `rate the documents at ${address}\nCtrl-C ends; the ratings are kept, and the next audit goes on\n`,
          `请在此页面评分：${address}\n按 Ctrl-C 结束；评分已保存，下次可继续\n`,
        ),
      );
      openBrowser(address);
      using stop = new StopSignal();
      await audit.wait(stop.signal);
      await audit.close();
    }
    const { rated, ratings: file, sample: size } = audit.result;
    const shares = ratedShares(audit.result);
    return {
      data: { sample: size, rated, shares, ratings: file },
      lines: [
        text(`${rated} of ${size} documents rated (${file})`, `已评 ${rated} 篇，共 ${size} 篇（${file}）`),
        ...shares.map(({ rating, documents, share, interval: { low, high } }) => {
          const percent = (n: number) => `${(100 * n).toFixed(1)} %`;
          const range = `${percent(low)} – ${percent(high)}`;
          return `  ${names[rating]} ${documents}: ${percent(share)} (${text('95 % interval', '95% 区间')} ${range})`;
        }),
      ],
    };
  },
});

/** As well as may be: where there is no browser the address is on the screen. */
function openBrowser(address: string): void {
  if (process.stdout.isTTY !== true) return;
  const opener = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  if (opener === 'xdg-open' && process.env.DISPLAY === undefined && process.env.WAYLAND_DISPLAY === undefined) return;
  const child = spawn(opener, [address], { stdio: 'ignore', detached: true });
  child.on('error', () => process.stderr.write(text('no browser was found\n', '未找到浏览器\n')));
  child.unref();
}
