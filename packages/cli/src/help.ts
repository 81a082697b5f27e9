/** The texts of `tunan --help`, `tunan <noun> --help` and `tunan <noun> <verb> --help`. */
import { type Command, jsonOption, type OptionSpec } from './command.ts';
import type { CommandEntry } from './command-table.ts';
import { text } from './language.ts';

/** What every command takes, with its meaning. */
export const optionsEverywhere: readonly (readonly [string, string])[] = [
  ['--help', text('what a command takes, with an example', '查看命令的参数与示例')],
  [
    '--lang zh|en',
    text(
      'language of messages (default: that of LC_ALL, LC_MESSAGES or LANG)',
      '消息的语言（默认取 LC_ALL、LC_MESSAGES 或 LANG）',
    ),
  ],
  ['--debug', text('show the stack of an error', '出错时显示调用栈')],
  ['--version', text('print the version', '显示版本')],
];

/** The list of commands: all of them, or those of one noun. */
export function programHelp(version: string, entries: readonly CommandEntry[]): string {
  const rows = entries.map(({ name, summary }): [string, string] => [name, summary]);
  return [
    text(
      `tunan ${version} — from raw text to a served Chinese model`,
      `图南 tunan ${version} —— 从原始文本到可服务的中文大模型`,
    ),
    '',
    `${text('Usage: ', '用法：')}tunan <${text('command', '命令')}> [${text('options', '选项')}]`,
    '',
    text('Commands:', '命令：'),
    ...columns(rows),
    '',
    text('Everywhere:', '通用选项：'),
    ...columns(optionsEverywhere),
    '',
    `${text('Example:', '示例：')}\n  tunan quickstart --minutes 6`,
  ].join('\n');
}

export function commandHelp({ name, summary }: CommandEntry, command: Command): string {
  return [
    summary,
    '',
    `${text('Usage: ', '用法：')}${usageLine(name, command)}`,
    ...section(
      text('Arguments', '参数'),
      Object.entries(command.positionals).map(([place, { help }]) => [place.toUpperCase(), help]),
    ),
    ...section(
      text('Options', '选项'),
      optionsOf(command).map(([key, option]) => [flagOf(key, option), describe(option)]),
    ),
    '',
    text('Example:', '示例：'),
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n');
}

/** The command with its places and the options that it must have. */
export function usageLine(name: string, command: Command): string {
  const options = optionsOf(command);
  const places = Object.entries(command.positionals).map(([place, { optional }]) =>
    optional ? `[${place.toUpperCase()}]` : place.toUpperCase(),
  );
  const needed = options.filter(([, option]) => option.required).map(([key, option]) => flagOf(key, option));
  const rest = options.length > needed.length ? [`[${text('options', '选项')}]`] : [];
  return ['tunan', name, ...places, ...needed, ...rest].join(' ');
}

/** All options of a command, `--json` among them where it reports. */
export function optionsOf(command: Command): [string, OptionSpec][] {
  return [
    ...Object.entries(command.options),
    ...(command.reports ? [['json', jsonOption] as [string, OptionSpec]] : []),
  ];
}

export function flagOf(name: string, option: OptionSpec): string {
  return option.type === 'boolean' ? `--${name}` : `--${name} ${option.value ?? 'VALUE'}`;
}

function describe(option: OptionSpec): string {
  if (option.default === undefined) return option.help;
  return option.help + text(` (default ${option.default})`, `（默认 ${option.default}）`);
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  return rows.length === 0 ? [] : ['', title + text(':', '：'), ...columns(rows)];
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
