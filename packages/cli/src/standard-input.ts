/** What is piped into a command. */
import { text as readText } from 'node:stream/consumers';
import { UsageError } from './errors.ts';
import { text } from './language.ts';

/** The argument where it is given, else all of standard input. @throws UsageError when there is neither */
export async function argumentOrInput(argument: string | undefined): Promise<string> {
  if (argument !== undefined) return argument;
  if (process.stdin.isTTY) throw new UsageError(text('give a text, or pipe one in', '请给出文本，或从标准输入送入'));
  return readText(process.stdin);
}
