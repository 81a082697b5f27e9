/**
 * The prompt of an application, made by Yuan's own client class, so that both give the same text for the same examples.
 *
 * `before` + examples + turns of the conversation + the query. Examples come first and are the same in every request, so that an engine
 * with a prefix cache computes them once. Inputs are put in as they are: a text such as {name} in one is not looked at again.
 */
import { type App, type AppTurn, templateNames } from '@tunan/protocol';
import { Example, Yuan } from '@tunan/protocol/client';
import { type Inputs, withDefaults } from './inputs.ts';

/** The input of a query: the template with the inputs in it. */
export function inputText(app: App, inputs: Inputs): string {
  const template = app.prompt.input_template ?? `{${app.inputs[0]!.name}}`;
  const known = new Set(templateNames(template));
  return template.replace(/\{([a-z][a-z0-9_]*)\}/g, (whole, name: string) =>
    known.has(name) ? (inputs[name] ?? whole) : whole,
  );
}

/** The whole prompt as a text. @param turns those that are to stand in it, oldest first */
export function promptText(app: App, inputs: Inputs, turns: readonly AppTurn[] = []): string {
  return app.prompt.before + yuanOf(app, turns).craftQuery(inputText(app, inputs));
}

/** An application as an object of Yuan's class; what it is asked it answers with nothing. */
function yuanOf(app: App, turns: readonly AppTurn[]): Yuan {
  const { prompt } = app;
  const yuan = new Yuan(async () => '', {
    inputPrefix: prompt.input_prefix,
    inputSuffix: prompt.input_suffix,
    outputPrefix: prompt.output_prefix,
    outputSuffix: prompt.output_suffix,
    appendOutputPrefixToQuery: prompt.append_output_prefix_to_query,
  });
  for (const { inputs, output } of app.examples)
    yuan.addExample(new Example(inputText(app, withDefaults(app, inputs)), output));
  for (const { input, output } of turns) yuan.addExample(new Example(input, output));
  return yuan;
}

export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** The prompt as a conversation, for models with a chat template. */
export function promptMessages(app: App, inputs: Inputs, turns: readonly AppTurn[] = []): PromptMessage[] {
  const { before, input_prefix, input_suffix } = app.prompt;
  const asked = (input: string): PromptMessage => {
    return { role: 'user', content: `${input_prefix}${input}${input_suffix}`.trim() };
  };
  const solved = [
    ...app.examples.map(({ inputs: texts, output }) => ({ input: inputText(app, withDefaults(app, texts)), output })),
    ...turns,
  ];
  return [
    ...(before.trim() === '' ? [] : [{ role: 'system' as const, content: before.trim() }]),
    ...solved.flatMap(({ input, output }) => [asked(input), { role: 'assistant' as const, content: output }]),
    asked(inputText(app, inputs)),
  ];
}
