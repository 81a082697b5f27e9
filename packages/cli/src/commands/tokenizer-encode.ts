/** `tunan tokenizer encode` */
import { defineCommand } from '../command.ts';
import { text } from '../language.ts';
import { argumentOrInput } from '../standard-input.ts';

export default defineCommand({
  positionals: {
    text: { optional: true, help: text('the text; standard input where absent', '文本；省略则读标准输入') },
  },
  options: {
    tokenizer: { type: 'string', value: 'FILE', required: true, help: text('a tokenizer.json', 'tokenizer.json 文件') },
    plain: {
      type: 'boolean',
      help: text(
        'take special tokens such as <eod> in the text as ordinary characters, and add none',
        '把文本中的 <eod> 等特殊词元当作普通字符，也不在首尾添加',
      ),
    },
  },
  examples: [
    'tunan tokenizer encode --tokenizer runs/tokenizer.json 床前明月光',
    "tunan tokenizer encode --tokenizer runs/tokenizer.json --plain '床前<eod>明月光'",
  ],
  reports: true,
  run: async ({ text: argument, tokenizer: file, plain }) => {
    const { Tokenizer } = await import('@tunan/tokenizer');
    const tokenizer = Tokenizer.load(file);
    const ids = [...tokenizer.encode(await argumentOrInput(argument), { specials: !plain })];
    return { data: { ids, tokens: ids.map((id) => tokenizer.decode([id])) }, lines: [ids.join(' ')] };
  },
});
