/** The inputs of a request, held to what the application asks for. */
import type { App, AppField } from '@tunan/protocol';
import { AppError } from './errors.ts';

/** A text for each input of the application. */
export type Inputs = Readonly<Record<string, string>>;

/**
 * The inputs with defaults filled in, line ends as line feeds, white space around them away.
 * @param first in place of the first input
 * @throws AppError APP_BAD_INPUT
 */
export function fillInputs(app: App, given: Inputs, first?: string): Inputs {
  const known = app.inputs.map(({ name }) => name);
  const texts = first === undefined ? given : { [known[0]!]: first, ...given };
  for (const name of Object.keys(texts)) {
    if (known.includes(name)) continue;
    const names = known.join(', ');
    throw bad(`there is no input "${name}"; inputs: ${names}`, `没有输入“${name}”；现有输入：${names}`);
  }
  return Object.fromEntries(app.inputs.map((field) => [field.name, fill(field, texts)]));
}

function fill({ name, label, most, lines, choices, default: fallback }: AppField, given: Inputs): string {
  const text = (Object.hasOwn(given, name) ? given[name] : undefined)?.replace(/\r\n?/g, '\n').trim();
  if (text === undefined || text === '') {
    if (fallback !== undefined) return fallback;
    throw bad(`the input "${name}" (${label.en}) is missing`, `缺少输入“${name}”（${label.zh}）`);
  }
  const length = Array.from(text).length;
  if (length > most) {
    throw bad(
      `the input "${name}" has ${length} characters, at most ${most} are taken: shorten it`,
      `输入“${name}”有 ${length} 字，至多 ${most} 字：请缩短`,
    );
  }
  if (lines === 1 && text.includes('\n')) {
    throw bad(`the input "${name}" is a single line: take the line breaks out`, `输入“${name}”只能有一行：请去掉换行`);
  }
  if (choices !== undefined && !choices.includes(text)) {
    throw bad(
      `the input "${name}" is one of: ${choices.join(', ')}`,
      `输入“${name}”应为其中之一：${choices.join('、')}`,
    );
  }
  return text;
}

const bad = (en: string, zh: string): AppError => new AppError('APP_BAD_INPUT', { en, zh });

/** An example need not say what has a default. */
export function withDefaults(app: App, inputs: Inputs): Inputs {
  const defaults = app.inputs.map(({ name, default: fallback }) => [name, inputs[name] ?? fallback ?? '']);
  return Object.fromEntries(defaults);
}
