/**
 * Exported graphs in the Python programs that they are for, of the peers' environment (.peers): onnx's checker, onnxruntime, and qonnx, which
 * cleans up QONNX files and runs them node by node. Without the environment the tests skip.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { exportOnnx, loadRounded } from '@tunan/inference';
import { LanguageModel, type ModelConfigInput } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { noGrad, scope, setThreads, tensor } from '@tunan/torch';

setThreads(1);

const peers = path.resolve(import.meta.dirname, '../../.peers');
const packages = ['onnx', 'onnxruntime', 'qonnx'];
const there = packages.every((name) => globSync(path.join(peers, `lib/python3*/site-packages/${name}`)).length > 0);
const skip = there ? false : 'needs .peers with onnx, onnxruntime and qonnx (bench/peers.txt)';

const CONTEXT = 24;
const sizes = { vocabularySize: 320, contextLength: CONTEXT, layers: 2, width: 32, initStd: 0.25 } as const;
const llama = { ...sizes, family: 'llama', heads: 4, kvHeads: 2, headDim: 8, outputInit: 'normal' } as const;
const configs = {
  gpt2: { ...sizes, heads: 2 },
  qwen3: { ...llama, headDim: 12 },
  qwen2: { ...llama, variant: 'qwen2' },
  llama: { ...llama, variant: 'llama', tiedHead: false, ropeScaling: { type: 'linear', factor: 2 } },
} as const satisfies Record<string, ModelConfigInput>;
const ids = [7, 300, 11, 42, 42, 199];

for (const [kind, config] of Object.entries(configs)) {
  test(`onnxruntime and qonnx compute the logits of our float arithmetic on the rounded weights, ${kind}`, {
    skip,
  }, async (t) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-onnx-peers-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const directory = path.join(folder, 'model');
    const tokenizerFile = path.join(folder, 'tokenizer.json');
    const trained = await trainBpe(['床前明月光，疑是地上霜。举头望明月，低头思故乡。'], { vocabularySize: 270 });
    Tokenizer.fromFile(trained).save(tokenizerFile);
    using model = LanguageModel.create(config, { seed: 5 });
    model.save(directory, { tokenizerFile });
    const exports = [
      { format: 'onnx', type: 'f32' },
      { format: 'onnx', type: 'f16' },
      { format: 'onnx', type: 'int8' },
      { format: 'qonnx', type: 'int8', past: CONTEXT - 1 },
      { format: 'qonnx', type: 'pow2', past: CONTEXT - 1 },
    ] as const;
    const cases = exports.map((one) => ({
      ...one,
      ids,
      file: exportOnnx(directory, path.join(folder, 'out'), one).file,
    }));
    const list = path.join(folder, 'cases.json');
    writeFileSync(list, JSON.stringify(cases));
    const program = path.join(import.meta.dirname, 'onnx-peers.py');
    const printed = execFileSync(path.join(peers, 'bin/python'), ['-W', 'ignore', program, list], { encoding: 'utf8' });
    const results = printed
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('['));
    assert.equal(results.length, exports.length);
    for (const [index, { format, type }] of exports.entries()) {
      using rounded = loadRounded(directory, format, type);
      const expected = noGrad(() =>
        scope(() => rounded.logits(rounded.hidden(tensor([ids], { dtype: 'int64' }))).toArray() as Float32Array),
      );
      const actual = JSON.parse(results[index]!) as number[];
      assert.equal(actual.length, expected.length);
      const worst = Math.max(...actual.map((value, at) => Math.abs(value - expected[at]!)));
      // Where what is multiplied is rounded too, a sum of another order can round a number up for down.
      assert.ok(worst < (format === 'onnx' && type === 'int8' ? 0.05 : 1e-4), `${format} ${type}: off by ${worst}`);
    }
  });
}
