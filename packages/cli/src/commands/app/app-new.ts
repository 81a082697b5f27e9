/** `tunan app new` */
import { existsSync } from 'node:fs';
import { findApp } from '../../apps/find-app.ts';
import { newAppText } from '../../apps/new-app.ts';
import { defineCommand } from '../../command.ts';
import { CommandLineError } from '../../errors.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: {
    name: {
      help: text('its name: lower-case letters, digits and hyphens', '应用的名字：小写字母、数字与连字符'),
    },
  },
  options: {
    from: {
      type: 'string',
      value: 'APP',
      help: text(
        'begin with a copy of this one (default: a short sample)',
        '从此应用的副本开始（默认为一个简短的样例）',
      ),
    },
    out: {
      type: 'string',
      value: 'FILE',
      help: text('file to write (default: NAME.yaml)', '写出的文件（默认为 名字.yaml）'),
    },
  },
  examples: ['tunan app new my-couplet --from couplet', 'tunan app new greeting --out apps/greeting.yaml'],
  reports: true,
  run: async ({ name, from, out = `${name}.yaml` }) => {
    const { writeYaml } = await import('@tunan/applications');
    const { appNameSchema } = await import('@tunan/protocol');
    const { findMistakes, listMistakes } = await import('@tunan/protocol/mistakes');
    const { writeWhole } = await import('@tunan/files');
    const found = findMistakes(appNameSchema, name);
    if ('mistakes' in found) throw new CommandLineError('CLI_INPUT', listMistakes(name, found.mistakes));
    if (existsSync(out)) {
      throw new CommandLineError('CLI_OUTPUT', {
        en: `${out} is there already: choose another file with --out`,
        zh: `${out} 已经存在：请用 --out 另选文件`,
      });
    }
    writeWhole(
      out,
      from === undefined ? newAppText(name) : writeYaml({ ...(await findApp(from)), name, version: '1.0' }),
    );
    return {
      data: { file: out },
      lines: [
        text(
          `${out}: edit it, look it over with tunan app check ${out}, try it with tunan app run ${out} --model DIR --input TEXT`,
          `${out}：编辑后用 tunan app check ${out} 检查，用 tunan app run ${out} --model DIR --input 文本 试用`,
        ),
      ],
    };
  },
});
