// Every example runs as a program of its own, and learns where it says that it does.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const directory = import.meta.dirname;

function run(name: string): string {
  return execFileSync(process.execPath, [path.join(directory, name)], {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
}

function losses(output: string): number[] {
  return Array.from(output.matchAll(/^step \d+ loss ([\d.]+)$/gm), ([, loss]) => Number(loss));
}

const checks: Record<string, (output: string) => void> = {
  '01-tensors-and-autograd.ts': (output) => {
    assert.match(output, /its columns \[ \[ 0, 3 \], \[ 1, 4 \], \[ 2, 5 \] \]/);
    assert.match(output, /tensors left by the scope: 1 /);
    assert.match(output, /gradient of the sum of cubes \[ 3, 12, 27 \]/);
    assert.ok(losses(output).at(-1)! < 0.02);
    assert.match(output, /y = (2\.9|3\.0)\d x \+ -(1\.9|2\.0)\d/);
    assert.match(output, /aten::matmul of \(2, 3\) float32 and \(4, 5\) float32: /);
  },
  '02-bigram.ts': (output) => {
    const [first, ...rest] = losses(output);
    const counted = Number(output.match(/^counting pairs gives ([\d.]+)$/m)?.[1]);
    const fused = Number(output.match(/^fused loss ([\d.]+)$/m)?.[1]);
    assert.ok(Math.abs(first! - Math.log(43)) < 1e-3, `starts at ${first}, not at the uniform guess`);
    assert.ok(
      rest.at(-1)! >= counted && rest.at(-1)! < counted + 0.01,
      `ends at ${rest.at(-1)}, counting gives ${counted}`,
    );
    assert.ok(Math.abs(fused - rest.at(-1)!) < 1e-3);
    assert.match(output, /\n小[\u4e00-\u9fff。]{39}\n$/);
  },
  '03-gpt.ts': (output) => {
    const all = losses(output);
    assert.ok(Math.abs(all[0]! - Math.log(99)) < 0.5, `starts at ${all[0]}`);
    assert.ok(all.at(-1)! < 0.3, `ends at ${all.at(-1)}`);
    // It has the classic by heart: nearly every clause that it writes is one of the source.
    const source = readFileSync(path.join(directory, '03-gpt.ts'), 'utf8');
    const clauses = output
      .trimEnd()
      .split('\n')
      .at(-1)!
      .split(/[，。]/)
      .filter((clause) => clause !== '');
    const known = clauses.filter((clause) => source.includes(clause));
    assert.ok(
      clauses.length >= 15 && known.length >= 0.8 * clauses.length,
      `${known.length} of ${clauses.length} clauses`,
    );
  },
  '04-score-a-model.ts': (output) => {
    assert.match(output, /^mood: 20 requests scored$/m);
    const [, accuracy, low, high] = output.match(/^mood: ([\d.]+) % of 20 \(([\d.]+) % to ([\d.]+) %\)$/m)!;
    assert.ok(Number(accuracy) >= 90 && Number(low) <= Number(accuracy) && Number(high) >= Number(accuracy), output);
    assert.match(output, /^the most frequent label alone: 50\.0 %$/m);
  },
  '05-call-the-api.ts': (output) => {
    assert.match(output, /^model couplets, context 128 tokens$/m);
    const [whole, parts] = Array.from(output.matchAll(/^(?:whole|in parts): (".*?")/gm), ([, text]) => text);
    assert.ok(whole !== undefined && whole === parts, output);
    const answers = Array.from(
      output.matchAll(/: 上：秋\|下：月\|\|上：冬\|下：雪\|\|上：风\|下： → (.*)$/gm),
      ([, text]) => text,
    );
    assert.ok(answers.length === 2 && answers[0] !== '' && answers[0] === answers[1], output);
  },
};

for (const name of readdirSync(directory).filter((file) => /^\d\d-.*\.ts$/.test(file))) {
  test(name, () => {
    assert.ok(checks[name], `${name} has no check here`);
    assert.ok(
      readFileSync(path.join(directory, name), 'utf8').split('\n').length < 100,
      `${name} is longer than 100 lines`,
    );
    checks[name](run(name));
  });
}
