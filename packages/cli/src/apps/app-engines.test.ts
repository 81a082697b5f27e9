/** `tunan app run` with a GGUF, with a model that has a chat template, and with both behind the address of a real server. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { serve } from '@tunan/api';
import type { AppOutcome } from '@tunan/applications';
import { exportGguf, openEngine } from '@tunan/inference';
import { tinyTokenizer } from '@tunan/inference/testing/tiny-model';
import { LanguageModel } from '@tunan/model';
import { parseArguments } from '../command.ts';
import run from '../commands/app/app-run.ts';

const TEMPLATE =
  '{% for m in messages %}{{ m.role }}：{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant：{% endif %}';
const folder = mkdtempSync(path.join(tmpdir(), '应用 引擎 '));
const at = (name: string) => path.join(folder, name);
const tokenizer = await tinyTokenizer();
tokenizer.save(at('tokenizer.json'));
const sizes = { vocabularySize: 320, contextLength: 256, layers: 2, width: 32, heads: 2, initStd: 0.1 };
using model = LanguageModel.create(
  { ...sizes, family: 'llama', endOfDocumentId: tokenizer.eod },
  { seed: 5, dtype: 'float32' },
);
for (const name of ['base', 'chat']) model.save(at(name), { tokenizerFile: at('tokenizer.json') });
writeFileSync(path.join(at('chat'), 'chat_template.jinja'), TEMPLATE);
for (const name of ['base', 'chat']) exportGguf(at(name), at(`${name}.gguf`), { type: 'f32' });

const opened = await Promise.all(
  ['base', 'chat'].map(async (name) => [name, (await openEngine(at(name))).engine] as const),
);
const servings = await Promise.all(opened.map((one) => serve({ models: new Map([one]), port: 0 })));
after(async () => {
  for (const serving of servings) await serving.close();
  for (const [, engine] of opened) engine.close();
  rmSync(folder, { recursive: true, maxRetries: 3 });
});

const app = (needs: 'completion' | 'chat') => {
  const file = at(`${needs}.yaml`);
  writeFileSync(
    file,
    `
tunan_app: 1
name: quatrain
title: { zh: 绝句, en: Quatrain }
description: { zh: 绝句, en: Quatrain }
group: verse
needs: ${needs}
inputs: [{ name: theme, label: { zh: 题, en: Theme } }]
prompt: { before: "作诗。\\n", input_prefix: 题：, output_prefix: 诗：, output_suffix: "\\n\\n" }
examples: [{ inputs: { theme: 登楼 }, output: "白日依山尽，黄河入海流。\\n欲穷千里目，更上一层楼。" }]
sampling: { max_tokens: 100, temperature: 1, top_p: 1 }
checks: [{ use: verse, form: five-quatrain }]
`,
  );
  return file;
};
const call = async (file: string, ...more: readonly string[]) => {
  const report = (await run.run(parseArguments(run, [file, '--input', '春雨', '--seed', '4', ...more])))!;
  return { failed: report.failed, outcome: report.data as AppOutcome & { readonly model: string } };
};

for (const needs of ['completion', 'chat'] as const) {
  const name = needs === 'chat' ? 'chat' : 'base';
  test(`${needs}: the form is imposed at the first draw by a GGUF, a directory and a server`, async () => {
    const file = app(needs);
    const server = servings[['base', 'chat'].indexOf(name)]!;
    const places = [
      ['--model', at(`${name}.gguf`)],
      ['--model', at(name)],
      ['--url', `${server.url}/v1`],
    ];
    const outputs: string[] = [];
    for (const place of places) {
      const { failed, outcome } = await call(file, ...place);
      assert.ok(!failed && outcome.attempts.length === 1, `${place.join(' ')} ${JSON.stringify(outcome.attempts)}`);
      assert.match(outcome.output, /^(.{5}，.{5}。\n?){2}$/u);
      assert.ok(outcome.usage.promptTokens > 20, JSON.stringify(outcome.usage));
      outputs.push(outcome.output);
    }
    assert.equal(outputs[2], outputs[1], 'a server answers as the model that it serves');
  });
}

test('a model of this machine without a template is told from one that has one', async () => {
  const refused = (...more: readonly string[]) =>
    assert.rejects(call(app('chat'), ...more), (error: Error & { chinese?: string }) => {
      assert.match(`${error.message} ${error.chinese}`, /chat template|对话模板/);
      return true;
    });
  await refused('--model', at('base'));
  await refused('--model', at('base.gguf'));
  // Behind an address the server decides how a conversation is written; ours gives a base model a plain form.
  assert.ok(!(await call(app('chat'), '--url', `${servings[0]!.url}/v1`)).failed);
});
