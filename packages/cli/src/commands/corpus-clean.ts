/** `tunan corpus clean` */
import { createReadStream } from 'node:fs';
import { defineCommand } from '../command.ts';
import { CommandLineError, UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { findRecipe } from '../recipes.ts';
import { describeDecision } from '../stage-decision.ts';

export default defineCommand({
  positionals: {
    file: {
      help: text('a page or a text; standard input where it is absent', '网页或文本文件；缺省时读标准输入'),
      optional: true,
    },
  },
  options: {
    recipe: {
      type: 'string',
      value: 'NAME',
      default: 'common-crawl-zh',
      help: text('corpus recipe whose stages are run', '使用哪个语料配方的处理阶段'),
    },
    url: { type: 'string', value: 'URL', help: text('address of the page', '网页的地址') },
    explain: {
      type: 'boolean',
      help: text('say on stderr what each stage decided', '在标准错误输出每个阶段的处理决定'),
    },
  },
  examples: ['tunan corpus clean < page.html > page.txt', 'tunan corpus clean page.html --explain'],
  reports: true,
  run: async ({ file, recipe, url, explain }) => {
    const [{ cleanPage, readRecipe }, { MOST_PAGE_BYTES }] = await Promise.all([
      import('@tunan/corpus'),
      import('@tunan/page'),
    ]);
    const page = await input(file, MOST_PAGE_BYTES);
    const cleaned = await cleanPage(page, readRecipe(findRecipe('corpus', recipe)), url === undefined ? {} : { url });
    if (explain) for (const decision of cleaned.decisions) process.stderr.write(`${describeDecision(decision)}\n`);
    const last = cleaned.decisions.at(-1);
    if (cleaned.text !== undefined) return { data: cleaned, lines: [cleaned.text] };
    if (!explain && last !== undefined) process.stderr.write(`${describeDecision(last)}\n`);
    return { data: cleaned, lines: [], failed: true };
  },
});

/** Of what is longer than any page only so much is read that this can be seen. */
async function input(file: string | undefined, most: number): Promise<Uint8Array> {
  if (file === undefined) {
    if (process.stdin.isTTY)
      throw new UsageError(text('give a file, or pipe a page in', '请给出文件，或从标准输入送入网页'));
    return await upTo(most, process.stdin);
  }
  try {
    return await upTo(most, createReadStream(file));
  } catch (cause) {
    const { message } = cause as Error;
    throw new CommandLineError('CLI_INPUT', text(`cannot read ${file}: ${message}`, `无法读取 ${file}：${message}`), {
      cause,
    });
  }
}

async function upTo(most: number, bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of bytes) {
    pieces.push(piece);
    size += piece.length;
    if (size > most) break;
  }
  return Buffer.concat(pieces);
}
