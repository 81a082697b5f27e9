/** `tunan app check` */
import { findApp } from '../../apps/find-app.ts';
import { defineCommand } from '../../command.ts';
import { spoken, text } from '../../language.ts';

export default defineCommand({
  positionals: {
    app: { help: text('a file, or a name of the gallery', '文件，或应用库中的名字') },
  },
  options: {
    'show-prompt': {
      type: 'boolean',
      help: text('print the prompt too, each input as its name in braces', '同时打印提示，各输入以花括号中的名字代表'),
    },
  },
  examples: ['tunan app check my-couplet.yaml', 'tunan app check couplet --show-prompt'],
  reports: true,
  run: async ({ app: given, 'show-prompt': shows }) => {
    const { examplesAgainstChecks, promptText } = await import('@tunan/applications');
    const app = await findApp(given);
    const prompt = promptText(app, Object.fromEntries(app.inputs.map(({ name }) => [name, `{${name}}`])));
    const failing = examplesAgainstChecks(app);
    const characters = Array.from(prompt).length;
    const lines = [
      text(
        `${app.name}: right; ${app.inputs.length} inputs, ${app.examples.length} examples, ${app.checks.length} checks, a prompt of ${characters} characters`,
        `${app.name}：无误；输入 ${app.inputs.length} 个，示例 ${app.examples.length} 个，检查 ${app.checks.length} 项，提示 ${characters} 字`,
      ),
      ...failing.map(({ example, finding }) =>
        text(
          `example ${example + 1} does not pass its own check ${finding.check}: ${finding.message.en}`,
          `第 ${example + 1} 个示例未通过自己的检查 ${finding.check}：${finding.message.zh}`,
        ),
      ),
      ...(shows ? ['', prompt] : []),
    ];
    return {
      data: { name: app.name, title: spoken(app.title), prompt, characters, failing },
      lines,
      failed: failing.length > 0,
    };
  },
});
