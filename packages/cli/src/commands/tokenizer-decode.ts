/** `tunan tokenizer decode` */
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { argumentOrInput } from '../standard-input.ts';

export default defineCommand({
  positionals: {
    ids: {
      optional: true,
      help: text('ids between spaces; standard input where absent', '以空格分隔的编号；省略则读标准输入'),
    },
  },
  options: {
    tokenizer: { type: 'string', value: 'FILE', required: true, help: text('a tokenizer.json', 'tokenizer.json 文件') },
  },
  examples: ["tunan tokenizer decode --tokenizer runs/tokenizer.json '617 300 812'"],
  reports: true,
  run: async ({ ids: argument, tokenizer: file }) => {
    const { Tokenizer } = await import('@tunan/tokenizer');
    const words = (await argumentOrInput(argument)).split(/[\s,]+/).filter((word) => word !== '');
    const wrong = words.find((word) => !/^\d+$/.test(word));
    if (wrong !== undefined) throw new UsageError(text(`'${wrong}' is no token id`, `“${wrong}”不是词元编号`));
    const decoded = Tokenizer.load(file).decode(words.map(Number));
    return { data: { text: decoded }, lines: [decoded] };
  },
});
