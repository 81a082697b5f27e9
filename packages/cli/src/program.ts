/**
 * The program behind `tunan`: finds the command, runs it, prints its report, and turns what went wrong into one line.
 *
 * Exit codes: 0 done, 1 failed, 2 a command line that cannot be read. Reports go to stdout, everything else to stderr.
 * It does not end the process; main.ts does.
 */
import { readFileSync } from 'node:fs';
import { hintAt, nearest, type Said, systemProblem } from '@tunan/protocol/mistakes';
import { parseArguments } from './command.ts';
import { type CommandEntry, commandTable } from './command-table.ts';
import { ERROR_KINDS } from './error-kinds.ts';
import { errorMessage, isUserMistake } from './error-message.ts';
import { AlreadySaid, UsageError } from './errors.ts';
import { commandHelp, programHelp } from './help.ts';
import { LANGUAGES, languageAsked, spoken, text, withoutLanguage } from './language.ts';

export async function runProgram(given: readonly string[]): Promise<number> {
  const argv = withoutLanguage(given);
  const end = argv.indexOf('--');
  const debug = argv.slice(0, end < 0 ? argv.length : end).includes('--debug');
  const rest = argv.filter((argument, index) => argument !== '--debug' || (end >= 0 && index > end));
  try {
    requireKnownLanguage(languageAsked(given));
    return await dispatch(rest);
  } catch (error) {
    return explain(error, debug, rest);
  }
}

function requireKnownLanguage(asked: string | undefined): void {
  if (asked === undefined || LANGUAGES.some((known) => known === asked)) return;
  const known = LANGUAGES.join(', ');
  throw new UsageError(text(`--lang is one of ${known}, not '${asked}'`, `--lang 可取 ${known}，而不是“${asked}”`));
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [first] = argv;
  if (first === '--version') return print(version());
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    print(programHelp(version(), commandTable));
    return first === undefined ? 2 : 0;
  }
  const { entry, rest } = findCommand(argv);
  if (entry === undefined) return print(programHelp(version(), verbsOf(first)));
  const command = await entry.load();
  if (wantsHelp(rest)) return print(commandHelp(entry, command));
  const values = parseArguments(command, rest);
  const report = await command.run(values);
  if (report === undefined) return 0;
  for (const line of values.json === true ? [JSON.stringify(report.data)] : report.lines) print(line);
  await report.afterwards?.();
  return report.failed === true ? 1 : 0;
}

/** Words of a command's name. */
const LONGEST_FIRST = [3, 2, 1];

/** The command that the first words name, and what follows them; no entry when only help on a noun is asked for. */
function findCommand(argv: readonly string[]): { entry: CommandEntry | undefined; rest: readonly string[] } {
  const [noun = '', verb = ''] = argv;
  for (const length of LONGEST_FIRST) {
    const name = argv.slice(0, length).join(' ');
    const entry = commandTable.find((one) => one.name === name);
    if (entry !== undefined) return { entry, rest: argv.slice(length) };
  }
  const verbs = verbsOf(noun);
  if (verbs.length === 0) throw unknownCommand(noun, verb);
  if (wantsHelp([verb])) return { entry: undefined, rest: [] };
  const known = verbs.map((one) => one.name).join(', ');
  const meant = spoken(hintAt(`${noun} ${verb}`, verb === '' ? [] : verbs.map((one) => one.name)));
  throw new UsageError(text(`'${noun}' needs one of: ${known}`, `“${noun}”可用的命令：${known}`) + meant);
}

/** Words that people try first, and what does that here. */
const MEANT: Readonly<Record<string, string>> = {
  build: 'corpus build',
  clean: 'corpus clean',
  encode: 'tokenizer encode',
  decode: 'tokenizer decode',
  tokenize: 'tokenizer encode',
  generate: 'model generate',
  evaluate: 'eval run',
  pretrain: 'train run',
  finetune: 'train tune',
  tune: 'train tune',
  lora: 'train tune',
  merge: 'model merge',
  resume: 'train run',
  server: 'serve',
};

function unknownCommand(noun: string, verb: string): UsageError {
  const names = commandTable.map(({ name }) => name);
  const nouns = [...new Set(names.map((name) => name.split(' ')[0]!))];
  const near = nearest(noun, nouns);
  const verbNear = near === undefined ? undefined : nearest(`${near} ${verb}`, names);
  const meant =
    MEANT[noun.toLowerCase().replaceAll('-', '')] ??
    names.find((name) => name.split(' ')[1] === noun) ??
    verbNear ??
    near;
  const hint: Said =
    meant === undefined
      ? { en: '', zh: '' }
      : { en: `; did you mean "tunan ${meant}"?`, zh: `；是否想用“tunan ${meant}”？` };
  return new UsageError(text(`unknown command '${noun}'${hint.en}`, `未知命令“${noun}”${hint.zh}`));
}

function verbsOf(noun: string): readonly CommandEntry[] {
  return commandTable.filter((one) => one.name.startsWith(`${noun} `));
}

function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).some((argument) => argument === '--help' || argument === '-h');
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

function print(line: string): number {
  process.stdout.write(`${line}\n`);
  return 0;
}

/** One line on stderr, and a stack only when asked for; returns the exit code. */
function explain(error: unknown, debug: boolean, argv: readonly string[]): number {
  if (error instanceof AlreadySaid) return 1;
  const code = String((error as { code?: unknown } | null)?.code);
  const { en, zh } = errorMessage(error);
  const kind = zh === undefined ? ERROR_KINDS[code] : undefined;
  process.stderr.write(`${text(`error: ${en}`, `${kind === undefined ? '错误' : `错误（${kind}）`}：${zh ?? en}`)}\n`);
  if (error instanceof UsageError) {
    process.stderr.write(`${text('see: ', '参见：')}${['tunan', ...knownWords(argv), '--help'].join(' ')}\n`);
    return 2;
  }
  if (debug) process.stderr.write(`${describeStack(error)}\n`);
  else if (!isUserMistake(error) && systemProblem(error) === undefined) {
    process.stderr.write(
      `${text('unexpected; run again with --debug to see where', '意外错误；加 --debug 重新运行可查看出处')}\n`,
    );
  }
  return 1;
}

/** The leading words that name a command or a noun, for the hint at its help. */
function knownWords(argv: readonly string[]): readonly string[] {
  for (const length of LONGEST_FIRST) {
    const name = argv.slice(0, length).join(' ');
    if (commandTable.some((one) => one.name === name || one.name.startsWith(`${name} `))) return argv.slice(0, length);
  }
  return [];
}

function describeStack(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describeStack(error.cause) || String(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
