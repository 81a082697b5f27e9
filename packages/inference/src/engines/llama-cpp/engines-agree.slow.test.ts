/**
 * Greedy answers of torch, llama.cpp (float32 weights and cache) and transformers on 100 prompts, both families: equal up to the first
 * place where the two best logits lie within 1e-3. Skips without transformers in `.peers` (bench/peers.txt).
 *
 * transformers reads the answers of the torch engine and gives the logits at every place of them; which tokens cannot stand there is
 * worked out here, since generation of others knows no such rule.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { LanguageModel, type ModelConfigInput } from '@tunan/model';
import { exportGguf } from '../../export/export-gguf.ts';
import { collect } from '../../generate.ts';
import type { GenerationRequest } from '../../request.ts';
import { tinyTokenizer } from '../../testing/tiny-model.ts';
import { follow, WHOLE } from '../../utf8.ts';
import { Vocabulary } from '../local/vocabulary.ts';
import { TorchEngine } from '../torch/torch-engine.ts';
import { LlamaCppEngine } from './llama-cpp-engine.ts';

const CLOSE = 1e-3;
const PROMPTS = 100;
const TOKENS = 24;
const PADDED = 320;

const python = path.resolve(import.meta.dirname, '../../../../../.peers/bin/python');
const skip = existsSync(python)
  ? false
  : 'no .peers: python3 -m venv .peers && .peers/bin/pip install -r bench/peers.txt';

const folder = mkdtempSync(path.join(tmpdir(), 'tunan-agree-'));
after(() => rmSync(folder, { recursive: true }));
const tokenizer = await tinyTokenizer();
const vocabulary = new Vocabulary(tokenizer, PADDED);

const TEXT =
  '床前明月光，疑是地上霜。举头望明月，低头思故乡。白日依山尽，黄河入海流。欲穷千里目，更上一层楼。春眠不觉晓，处处闻啼鸟。' +
  '夜来风雨声，花落知多少。千山鸟飞绝，万径人踪灭。孤舟蓑笠翁，独钓寒江雪。The moon is bright tonight, 2026.';
const prompts = Array.from({ length: PROMPTS }, (_, place) => {
  const begin = (place * 7) % (TEXT.length - 20);
  return [...tokenizer.encode(TEXT.slice(begin, begin + 2 + (place % 17)).toWellFormed(), { specials: false })];
});

const sizes = { vocabularySize: PADDED, contextLength: 128, layers: 4, width: 64, endOfDocumentId: tokenizer.eod };
const configs: Record<string, ModelConfigInput> = {
  gpt2: { ...sizes, heads: 4, initStd: 0.06 },
  qwen3: { ...sizes, family: 'llama', heads: 4, kvHeads: 2, initStd: 0.06, outputInit: 'normal' },
};

/** Rows of logits (V) at the places that predict the answer's tokens, one sequence after another. */
const PROGRAM = `
import json, sys, numpy, torch
from transformers import AutoModelForCausalLM
directory, asked, out = sys.argv[1:4]
torch.set_num_threads(1)
model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
rows = []
with torch.inference_mode():
    for sequence in json.load(open(asked)):
        ids = sequence["prompt"] + sequence["answer"]
        logits = model(torch.tensor([ids])).logits[0]
        rows.append(logits[len(sequence["prompt"]) - 1 : len(ids) - 1].numpy())
numpy.concatenate(rows).astype("<f4").tofile(out)
`;

for (const [family, config] of Object.entries(configs)) {
  test(`greedy answers of torch, llama.cpp and transformers agree, ${family}`, { skip }, async () => {
    const directory = path.join(folder, family);
    const tokenizerFile = path.join(folder, 'tokenizer.json');
    tokenizer.save(tokenizerFile);
    using model = LanguageModel.create(config, { seed: 3 });
    model.save(directory, { tokenizerFile });
    exportGguf(directory, `${directory}.gguf`, { type: 'f32' });
    using torch = TorchEngine.load(directory);
    using llama = await LlamaCppEngine.load(`${directory}.gguf`, { cacheType: 'f32', threads: 1 });
    const request: GenerationRequest = { prompts, temperature: 0, maxTokens: TOKENS, logprobs: 0, seed: 1 };
    const answersOf = async (engine: TorchEngine | LlamaCppEngine) =>
      (await collect(engine.submit(request))).sequences.map(({ tokens }) => tokens.map(({ id }) => id!));
    const answers = await answersOf(torch);
    const others = await answersOf(llama);
    const asked = path.join(folder, 'asked.json');
    const out = path.join(folder, 'rows');
    writeFileSync(asked, JSON.stringify(prompts.map((prompt, place) => ({ prompt, answer: answers[place] }))));
    execFileSync(python, ['-c', PROGRAM, directory, asked, out], { stdio: ['ignore', 'ignore', 'inherit'] });
    const bytes = readFileSync(out);
    const rows = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    let row = 0;
    let compared = 0;
    for (const [place, answer] of answers.entries()) {
      let state = WHOLE;
      let isClose = false;
      for (const [step, id] of answer.entries()) {
        const logits = rows.subarray(row * PADDED, row * PADDED + vocabulary.size);
        row++;
        if (isClose) continue;
        const [first, second] = bestTwo(logits, state);
        isClose = logits[first]! - logits[second]! < CLOSE;
        if (isClose) continue;
        assert.equal(id, first, `torch and transformers, prompt ${place}, token ${step}`);
        assert.equal(others[place]![step], first, `llama.cpp and transformers, prompt ${place}, token ${step}`);
        compared++;
        if (!tokenizer.isSpecial(id)) state = follow(state, tokenizer.tokenBytes(id));
      }
    }
    assert.equal(row * PADDED, rows.length);
    assert.ok(compared > (PROMPTS * TOKENS) / 2, `${compared} tokens compared`);
  });
}

/** Of those that may stand where a text is in a state of utf8.ts. */
function bestTwo(logits: Float32Array, state: number): [number, number] {
  const never = new Set(vocabulary.neverDrawn(state));
  const [first, second] = Array.from(logits.keys())
    .filter((id) => !never.has(id))
    .sort((one, other) => logits[other]! - logits[one]!);
  return [first!, second!];
}
