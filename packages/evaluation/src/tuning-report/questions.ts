/** Examples as questions: what the model is given, what it shall answer, and what others than models make their answers of. */

import {
  type EncodedExample,
  type ExampleCoder,
  type ExampleContent,
  encodeExample,
  type RowReader,
  readExamples,
} from '@tunan/training';

export interface Question {
  /** Ids, up to where the answer begins. */
  readonly prompt: readonly number[];
  /** For people, and for answerers that are no models. */
  readonly asked: string;
  readonly wanted: string;
  /** Tokens of the wanted answer, its end included. */
  readonly length: number;
}

/** Of a text, what is given is its first part. */
const GIVEN_SHARE = 1 / 3;

/**
 * @param contextLength questions that it does not hold are left out
 * @throws TrainingError TRAINING_BAD_EXAMPLES
 */
export async function readQuestions(
  file: string,
  coder: ExampleCoder,
  contextLength: number,
  read?: RowReader,
): Promise<Question[]> {
  const examples = await readExamples(file, read);
  return examples
    .map((example) => questionOf(encodeExample(example, coder), coder))
    .filter(({ prompt, length }) => prompt.length + length <= contextLength + 1);
}

function questionOf({ ids, learnt, content }: EncodedExample, coder: ExampleCoder): Question {
  const texts = textsOf(content);
  if (texts === undefined) {
    const given = Math.max(1, Math.floor(ids.length * GIVEN_SHARE));
    const [prompt, rest] = [[...ids.slice(0, given)], [...ids.slice(given)]];
    const wanted = coder.decode(rest.filter((id) => !coder.ends.has(id)));
    return { prompt, asked: coder.decode(prompt.slice(1)), wanted, length: rest.length };
  }
  // The last stretch that is learnt is the answer.
  const end = learnt.lastIndexOf(1) + 1;
  const start = learnt.lastIndexOf(0, end - 1) + 1;
  return { prompt: [...ids.slice(0, start)], ...texts, length: end - start };
}

/** What a row asks and wants; undefined for a text, which asks nothing. */
export function textsOf(content: ExampleContent): { readonly asked: string; readonly wanted: string } | undefined {
  if (content.kind === 'text') return undefined;
  if (content.kind === 'completion') return { asked: content.prompt, wanted: content.completion };
  if (content.kind === 'preference') {
    const { prompt, messages = [], chosen } = content;
    return { asked: prompt ?? messages.map((message) => message.content).join('\n'), wanted: chosen };
  }
  const asked = content.messages.slice(0, -1).map((message) => message.content);
  return { asked: asked.join('\n'), wanted: content.messages.at(-1)!.content };
}
