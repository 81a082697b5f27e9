/** What a command line says to an application: inputs by name, and earlier turns of a conversation. */
import { readFileSync } from 'node:fs';
import type { App, AppTurn } from '@tunan/protocol';
import { systemProblem } from '@tunan/protocol/mistakes';
import { CommandLineError, UsageError } from '../errors.ts';
import { text } from '../language.ts';

/** @param given each `NAME=TEXT` @throws UsageError */
export function readInputs(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((one) => {
      const at = one.indexOf('=');
      if (at > 0) return [one.slice(0, at), one.slice(at + 1)];
      throw new UsageError(
        text(`--field '${one}' is no NAME=TEXT, such as form=七绝`, `--field “${one}”不是 名字=文本，例如 form=七绝`),
      );
    }),
  );
}

/** The text of `--input`. @throws UsageError where it has the name of an input in front, as `--field` has */
export function readFirst(given: string | undefined, { inputs }: App): string | undefined {
  const named = inputs.find(({ name }) => given?.startsWith(`${name}=`));
  if (named === undefined) return given;
  throw new UsageError(
    text(
      `--input takes the text alone; with a name in front it is --field '${given}'`,
      `--input 只写文本；带名字时请用 --field '${given}'`,
    ),
  );
}

/** @throws CommandLineError naming the file and line */
export function readTurns(file: string): AppTurn[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = systemProblem(cause) ?? { en: (cause as Error).message, zh: (cause as Error).message };
    throw new CommandLineError(
      'CLI_INPUT',
      { en: `cannot read ${file}: ${why.en}`, zh: `无法读取 ${file}：${why.zh}` },
      { cause },
    );
  }
  return content
    .split('\n')
    .map((line, place) => ({ line: line.trim(), place }))
    .filter(({ line }) => line !== '')
    .map(({ line, place }) => readTurn(line, `${file}:${place + 1}`));
}

function readTurn(line: string, where: string): AppTurn {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const { input, output } = (value ?? {}) as Record<string, unknown>;
  if (typeof input === 'string' && typeof output === 'string') return { input, output };
  throw new CommandLineError('CLI_INPUT', {
    en: `${where}: a turn is {"input": TEXT, "output": TEXT}`,
    zh: `${where}：每轮应为 {"input": 文本, "output": 文本}`,
  });
}
