/** Models in several files, written as llama.cpp's own tool splits them: read here and by llama.cpp. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { LlamaCppEngine } from '../../engines/llama-cpp/llama-cpp-engine.ts';
import { openEngine } from '../../engines/open-engine.ts';
import { collect } from '../../generate.ts';
import { describeModel } from '../../models/describe-model.ts';
import { exportGguf } from '../export-gguf.ts';
import { importGguf } from '../import-gguf.ts';
import { llama, saved, temporary } from '../testing/small-models.ts';
import { GgufFile } from './gguf-file.ts';
import { writeGguf } from './gguf-writer.ts';
import { type MetadataValue, string } from './metadata.ts';

const PARTS = 3;
const part = (folder: string, number: number) => path.join(folder, `诗-0000${number}-of-0000${PARTS}.gguf`);

/** A model in one file and in three; the first of them has the metadata, the others their number alone. */
function split(t: TestContext): { whole: string; folder: string; first: string } {
  const folder = temporary(t);
  const whole = path.join(folder, '诗.gguf');
  exportGguf(saved(t, llama), whole, { type: 'f32' });
  using gguf = new GgufFile(whole);
  const tensors = [...gguf.tensors.values()].map((tensor) => ({
    ...{ name: tensor.name, type: 'F32' as const, shape: tensor.shape },
    rows: (first: number, count: number) => gguf.rows(tensor, first, count),
  }));
  const parts = temporary(t);
  for (let number = 0; number < PARTS; number++) {
    const numbers: [string, MetadataValue][] = [
      ['split.no', { type: 'uint16', value: number }],
      ['split.count', { type: 'uint16', value: PARTS }],
      ['split.tensors.count', { type: 'int32', value: tensors.length }],
    ];
    const own: Iterable<[string, MetadataValue]> =
      number === 0 ? gguf.metadata : [['general.architecture', string('')]];
    const some = tensors.filter((_, place) => place % PARTS === number);
    writeGguf(part(parts, number + 1), new Map([...own, ...numbers]), some);
  }
  return { whole, folder: parts, first: part(parts, 1) };
}

function refused(t: TestContext, file: string, what: RegExp): void {
  const error = { code: 'EXPORT_UNREADABLE', message: what };
  assert.throws(() => importGguf(file, path.join(temporary(t), 'back')), error);
}

test('a model in three files is imported as the same in one, and llama.cpp computes it', async (t) => {
  const { whole, folder, first } = split(t);
  const [one, other] = [path.join(temporary(t), 'one'), path.join(temporary(t), 'other')];
  importGguf(whole, one);
  importGguf(first, other);
  for (const file of ['model.safetensors', 'tokenizer.json', 'config.json'])
    assert.ok(readFileSync(path.join(one, file)).equals(readFileSync(path.join(other, file))), file);
  const { engine, name } = await openEngine(folder);
  using _engine = engine;
  using alone = await LlamaCppEngine.load(whole);
  assert.equal(name, '诗');
  const request = { prompts: ['春'], maxTokens: 6, temperature: 0 };
  const [answer, expected] = await Promise.all([collect(engine.submit(request)), collect(alone.submit(request))]);
  assert.equal(answer.sequences[0]!.text, expected.sequences[0]!.text);
  const [bytes, least] = [first, whole].map((file) => describeModel(file)!.description.weightBytes);
  assert.ok(bytes! >= least! - 1024, 'all parts count');
});

test('a part that is missing, named alone, or of another place is told', async (t) => {
  const { whole, folder, first } = split(t);
  refused(t, part(folder, 2), /part 2 of 3 of a model: name the first, .*诗-00001-of-00003\.gguf/);
  await assert.rejects(LlamaCppEngine.load(part(folder, 2)), { code: 'INFERENCE_BAD_GGUF', message: /name the first/ });
  const [second, third] = [part(folder, 2), part(folder, 3)];
  const aside = path.join(folder, 'aside');
  renameSync(second, aside);
  refused(t, first, /in 3 files, and .*诗-00002-of-00003\.gguf is missing/);
  await assert.rejects(LlamaCppEngine.load(first), {
    code: 'INFERENCE_BAD_GGUF',
    message: /00002-of-00003\.gguf is missing/,
  });
  copyFileSync(third, second);
  refused(t, first, /says that it is part 3 of 3, its name 2 of 3/);
  rmSync(second);
  renameSync(aside, second);
  const renamed = path.join(folder, 'renamed.gguf');
  copyFileSync(first, renamed);
  refused(t, renamed, /part 1 of 3, its name 1 of 1/);
  copyFileSync(whole, third);
  refused(t, first, /part 1 of 1, its name 3 of 3/);
});
