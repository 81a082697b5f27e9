/**
 * What a subcommand is: its arguments, an example, and a `run` that maps them to a call in a package.
 *
 * `defineCommand` infers the types of the arguments from their declaration; `parseArguments` reads a command line against it.
 * Built on node:util's parseArgs, in its lenient mode with the checks done here, because its own messages are in one language.
 */
import { parseArgs } from 'node:util';
import { hintAt } from '@tunan/protocol/mistakes';
import { UsageError } from './errors.ts';
import { spoken, text } from './language.ts';

export interface OptionSpec {
  /** `strings` takes all words up to the next option: `--from a.txt b.txt`. */
  readonly type: 'string' | 'strings' | 'number' | 'boolean';
  readonly help: string;
  /** What the value is called in the help: 'DIR', 'N', …; absent for booleans. */
  readonly value?: string;
  readonly required?: true;
  readonly default?: string | number;
}

export interface PositionalSpec {
  readonly help: string;
  readonly optional?: true;
}

type Options = Readonly<Record<string, OptionSpec>>;
type Positionals = Readonly<Record<string, PositionalSpec>>;

type OptionValue<O extends OptionSpec> = O['type'] extends 'number'
  ? number
  : O['type'] extends 'boolean'
    ? boolean
    : O['type'] extends 'strings'
      ? readonly string[]
      : string;
type IsAlwaysThere<O extends OptionSpec> = O extends
  | { required: true }
  | { default: string | number }
  | { type: 'boolean' }
  ? true
  : false;

/** What a command is given, by its declaration. */
export type Arguments<O extends Options, P extends Positionals> = {
  readonly [K in keyof O]: IsAlwaysThere<O[K]> extends true ? OptionValue<O[K]> : OptionValue<O[K]> | undefined;
} & {
  readonly [K in keyof P]: P[K] extends { optional: true } ? string | undefined : string;
} & {
  /** Of commands that report. */
  readonly json?: boolean;
};

/** What a reporting command found. */
export interface Report {
  /** For --json. */
  readonly data: unknown;
  /** For people. */
  readonly lines: readonly string[];
  /** Makes the exit code 1. */
  readonly failed?: boolean;
  /** What goes on once the report is printed, such as serving. */
  readonly afterwards?: () => Promise<void>;
}

interface CommandSpec<O extends Options, P extends Positionals> {
  readonly positionals: P;
  readonly options: O;
  readonly examples: readonly string[];
  /** Whether --json is offered: `run` then returns a report. */
  readonly reports: boolean;
  run(values: Arguments<O, P>): Promise<Report | undefined>;
}

type ParsedValues = Record<string, string | number | boolean | readonly string[] | undefined>;

/** A command with the types of its arguments forgotten, as the dispatcher sees it. */
export interface Command extends Omit<CommandSpec<Options, Positionals>, 'run'> {
  run(values: ParsedValues): Promise<Report | undefined>;
}

export function defineCommand<const O extends Options, const P extends Positionals>(spec: CommandSpec<O, P>): Command {
  // parseArguments fills exactly what the declaration promises; the type of that promise is known only here.
  return { ...spec, run: (values) => spec.run(values as Arguments<O, P>) };
}

export const jsonOption: OptionSpec = {
  type: 'boolean',
  help: text('print the result as one line of JSON, last on stdout', '在标准输出最后一行以 JSON 给出结果'),
};

/**
 * Reads a command line against a command's declaration.
 * @throws UsageError on an unknown option, a missing or extra argument, or a value that is no number where one is asked for.
 */
export function parseArguments(command: Command, argv: readonly string[]): ParsedValues {
  const options: Options = command.reports ? { ...command.options, json: jsonOption } : command.options;
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { type }]) => [name, { type: type === 'boolean' ? type : 'string' }]),
    ),
  });
  const values: ParsedValues = {};
  for (const [name, option] of Object.entries(options)) {
    values[name] = option.type === 'boolean' ? false : option.default;
  }
  const positionals: string[] = [];
  let list: string | undefined;
  let number: number | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (list === undefined) positionals.push(token.value);
      else values[list] = [...(values[list] as readonly string[]), token.value];
      continue;
    }
    list = undefined;
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    const word = argv[token.index]!;
    if (option === undefined && /^-\d/.test(word)) {
      // A number below zero, of which each digit comes as an option.
      if (token.index !== number) positionals.push(word);
      number = token.index;
      continue;
    }
    if (option === undefined) throw unknownOption(token.rawName, options);
    const value = readValue(token.rawName, option, token.value, token.inlineValue === true);
    if (option.type !== 'strings') values[token.name] = value;
    else {
      values[token.name] = [...((values[token.name] as readonly string[] | undefined) ?? []), String(value)];
      list = token.name;
    }
  }
  checkRequired(options, values);
  return { ...values, ...readPositionals(command, positionals) };
}

function unknownOption(name: string, options: Options): UsageError {
  const known = Object.keys(options).map((one) => `--${one}`);
  return new UsageError(text(`unknown option ${name}`, `未知选项 ${name}`) + spoken(hintAt(name, known)));
}

function readValue(
  flag: string,
  option: OptionSpec,
  value: string | undefined,
  inline: boolean,
): string | number | boolean {
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(text(`${flag} takes no value`, `${flag} 不带值`));
    return true;
  }
  // `--out --json` is a forgotten value, not a folder named --json; `--out=--json` says that it is meant.
  if (value === undefined || (!inline && /^--?[a-z]/i.test(value))) {
    throw new UsageError(text(`${flag} needs a value`, `${flag} 缺少值`));
  }
  if (option.type === 'string' || option.type === 'strings') return value;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) {
    throw new UsageError(text(`${flag} needs a number, not '${value}'`, `${flag} 需要数字，而不是“${value}”`));
  }
  if (Math.abs(number) > Number.MAX_SAFE_INTEGER) {
    // A seed would lose its last digits, and another text come than the one that was asked for.
    throw new UsageError(text(`${flag} must be below 2^53, not ${value}`, `${flag} 应小于 2^53，而不是 ${value}`));
  }
  return number;
}

function checkRequired(options: Options, values: ParsedValues): void {
  for (const [name, option] of Object.entries(options)) {
    if (option.required === true && values[name] === undefined) {
      throw new UsageError(text(`--${name} is missing`, `缺少 --${name}`));
    }
  }
}

function readPositionals(command: Command, given: readonly string[]): ParsedValues {
  const wanted = Object.entries(command.positionals);
  const extra = given[wanted.length];
  if (extra !== undefined) throw new UsageError(text(`unexpected argument '${extra}'`, `多余的参数“${extra}”`));
  const values: ParsedValues = {};
  for (const [index, [name, positional]] of wanted.entries()) {
    if (given[index] === undefined && positional.optional !== true) {
      throw new UsageError(text(`${name.toUpperCase()} is missing`, `缺少 ${name.toUpperCase()}`));
    }
    values[name] = given[index];
  }
  return values;
}
