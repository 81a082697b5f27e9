/**
 * Tunes as one of several processes, for tests: node tune-rank.ts '{"model": …, "data": …, "directory": …, "way": …, "parallel": …}' under
 * the environment of a launcher, or alone. Examples are letters, of which each is a token. Writes the result.
 */
import { Mesh } from '../parallel/mesh.ts';
import type { ExampleCoder } from '../tune/encode-example.ts';
import { prepareExamples } from '../tune/example-sets.ts';
import { tune } from '../tune/tune.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz?';
const CONTEXT = 24;

/** Behind the end of a text. */
const coder: ExampleCoder = {
  ...{ sha256: 'letters', vocabularySize: 1 + LETTERS.length, begin: 0, end: 0, ends: new Set([0]) },
  text: (text) => [...text].map((letter) => 1 + LETTERS.indexOf(letter)),
  conversation: (messages) => {
    const ids = messages.flatMap(({ content }) => [...coder.text(content), 0]);
    const last = messages.at(-1)!.content.length + 1;
    return { ids, answers: [{ start: ids.length - last, end: ids.length }] };
  },
  decode: (ids) => [...ids].map((id) => LETTERS[id - 1] ?? '<end>').join(''),
};

const { data, parallel, until, ...given } = JSON.parse(process.argv[2]!);
try {
  using mesh = Mesh.join(process.env, { parallel });
  const sets = await prepareExamples({ data, validationShare: 0.2, contextLength: CONTEXT, seed: 1 }, coder);
  const controller = new AbortController();
  const result = await tune({
    ...{ sets, data, coder, batch: 4, epochs: 2, learningRate: 0.01, seed: 1, precision: 'float32', resume: 'never' },
    ...given,
    ...{ mesh, parallel, signal: controller.signal },
    onProgress: ({ line }) => line.step === until && controller.abort(),
  });
  const { status, step, output, before, after } = result;
  process.stdout.write(JSON.stringify({ status, step, output, before, after }));
} catch (error) {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exit(1);
}
