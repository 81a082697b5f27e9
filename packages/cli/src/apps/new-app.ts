/** A short application that works, with what each field means, for who begins one. */
import { text } from '../language.ts';

/** @param name checked before */
export function newAppText(name: string): string {
  const say = (en: string, zh: string) => `# ${text(en, zh)}`;
  return [
    'tunan_app: 1',
    `name: ${name}`,
    say('What readers see, in both languages.', '显示的名称与说明，中英文各一份。'),
    `title: { zh: 新应用, en: New application }`,
    'description: { zh: 给出一句话，改写得更有礼貌。, en: Says a sentence more politely. }',
    say(
      'verse, writing, dialogue, language, understanding or knowledge.',
      'verse、writing、dialogue、language、understanding 或 knowledge。',
    ),
    'group: language',
    "version: '1.0'",
    "author: ''",
    "licence: ''",
    say('What a request fills in.', '请求要填写的内容。'),
    'inputs:',
    '  - name: sentence',
    '    label: { zh: 原句, en: Sentence }',
    say('What stands around inputs and outputs of the prompt.', '提示中输入与输出前后的文字。'),
    'prompt:',
    '  input_prefix: 原句：',
    '  input_suffix: "\\n"',
    '  output_prefix: 改写：',
    '  output_suffix: "\\n\\n"',
    say('Solved examples; three to eight do well.', '已解的示例，三到八个为宜。'),
    'examples:',
    '  - inputs: { sentence: 把门关上。 }',
    '    output: 麻烦您把门关上，谢谢。',
    '  - inputs: { sentence: 你说得不对。 }',
    '    output: 关于这一点，我的看法略有不同。',
    'sampling:',
    '  max_tokens: 60',
    '  temperature: 0.7',
    say('What an answer must be; one that is not is made again.', '对回答的要求；不合要求的重写。'),
    'checks:',
    '  - { use: length, least: 2, most: 60 }',
    '  - { use: new }',
    'retries: 2',
    '',
  ].join('\n');
}
