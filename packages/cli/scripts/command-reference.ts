/**
 * Prints the reference of all commands as Markdown, in the language of the process: `node command-reference.ts --lang zh`.
 * It is made of the same declarations as `--help`. docs/commands.md and docs/zh/commands.md keep it (`npm run docs`).
 */
import type { Command, OptionSpec } from '../src/command.ts';
import { type CommandEntry, commandTable } from '../src/command-table.ts';
import { flagOf, optionsEverywhere, optionsOf, usageLine } from '../src/help.ts';
import { text } from '../src/language.ts';

const INTRODUCTION = text(
  `# Commands

[中文](zh/commands.md)

Every command of \`tunan\`, made from the same table as \`tunan --help\` (\`npm run docs\`). In a checkout write \`npm run tunan --\` in place of
\`tunan\`, or \`npx tunan\` after the set-up. Exit codes: 0 done, 1 failed, 2 a command line that cannot be read. Results go to standard
output; progress and errors go to standard error.`,
  `# 命令

[English](../commands.md)

\`tunan\` 的全部命令，与 \`tunan --help\` 出自同一张表（\`npm run docs\`）。在源码目录中，用 \`npm run tunan --\` 代替 \`tunan\`；环境装好之后也可用
\`npx tunan\`。退出码：0 完成，1 失败，2 命令行有误。结果写到标准输出，进度与错误写到标准错误。`,
);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const asCell = (cell: string) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(asCell).join(' | ')} |`).join('\n');
}

const anchor = (name: string): string => `#${name.replaceAll(' ', '-')}`;

function defaultOf({ required, default: value }: OptionSpec): string {
  if (required) return text('required', '必填');
  return value === undefined ? '' : `\`${value}\``;
}

function section({ name, summary }: CommandEntry, command: Command): string {
  const places = Object.entries(command.positionals).map(([place, { help, optional }]) => [
    `\`${place.toUpperCase()}\``,
    optional ? '' : text('required', '必填'),
    help,
  ]);
  const options = optionsOf(command).map(([key, option]) => [
    `\`${flagOf(key, option)}\``,
    defaultOf(option),
    option.help,
  ]);
  const head = [text('argument or option', '参数或选项'), text('default', '默认'), text('meaning', '含义')];
  return [
    `## ${name}`,
    summary,
    `\`\`\`\n${usageLine(name, command)}\n\`\`\``,
    table(head, [...places, ...options]),
    text('Example:', '示例：'),
    `\`\`\`sh\n${command.examples.join('\n')}\n\`\`\``,
  ].join('\n\n');
}

async function commandReference(): Promise<string> {
  const commands = commandTable.map(({ name, summary }) => [`[${name}](${anchor(name)})`, summary]);
  const everywhere = optionsEverywhere.map(([flag, meaning]) => [`\`${flag}\``, meaning]);
  const sections = commandTable.map(async (entry) => section(entry, await entry.load()));
  return [
    INTRODUCTION,
    table([text('command', '命令'), text('what it does', '作用')], commands),
    text('Every command takes:', '每个命令都接受：'),
    table([text('option', '选项'), text('meaning', '含义')], everywhere),
    ...(await Promise.all(sections)),
  ].join('\n\n');
}

process.stdout.write(`${await commandReference()}\n`);
