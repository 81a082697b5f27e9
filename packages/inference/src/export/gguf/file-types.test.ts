// Expected is what llama.cpp's quantize chooses (llama-quant.cpp of the release in package.json, without an importance matrix).
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseModelConfig } from '@tunan/model';
import { chooseType, type GgufType } from './file-types.ts';

const sizes = { vocabularySize: 320, contextLength: 16, width: 256, heads: 4 } as const;

/** The type of a tensor in every block, one letter each. */
function inBlocks(
  fileType: GgufType,
  name: string,
  layers: number,
  columns = 256,
  variant: 'qwen3' | 'llama' = 'qwen3',
) {
  const config = parseModelConfig({ ...sizes, family: 'llama', kvHeads: 2, variant, layers });
  return Array.from({ length: layers }, (_, layer) => {
    const tensor = { name: `blk.${layer}.${name}.weight`, shape: [8, columns], layer };
    return chooseType(fileType, tensor, config, true).type.replace(/\D/, '')[0];
  }).join('');
}

test('q4_k_m: more bits for values and the way down, at both ends and in every third block between', () => {
  for (const name of ['attn_v', 'attn_qkv', 'ffn_down']) {
    assert.equal(inBlocks('q4_k_m', name, 2), '46');
    assert.equal(inBlocks('q4_k_m', name, 4), '4466');
    assert.equal(inBlocks('q4_k_m', name, 8), '64464466');
    assert.equal(inBlocks('q4_k_m', name, 12), '644644644666');
    assert.equal(inBlocks('q4_k_m', name, 16), '6644644644644666');
  }
  for (const name of ['attn_q', 'attn_k', 'attn_output', 'ffn_up', 'ffn_gate'])
    assert.equal(inBlocks('q4_k_m', name, 8), '44444444');
  // Values of the Llamas of 70 B.
  assert.match(inBlocks('q4_k_m', 'attn_v', 80, 256, 'llama'), /^6{10}55(655)+6{11}$/);
  assert.match(inBlocks('q4_k_m', 'ffn_down', 80, 256, 'llama'), /^6{10}44(644)+6{11}$/);
});

test('the embedding is an output matrix where it is one, and vectors and positions stay', () => {
  const config = parseModelConfig({ ...sizes, layers: 2 });
  const type = (fileType: GgufType, name: string, tied: boolean) =>
    chooseType(fileType, { name, shape: [320, 256] }, config, tied).type;
  assert.equal(type('q4_k_m', 'token_embd.weight', true), 'Q6_K');
  assert.equal(type('q4_k_m', 'token_embd.weight', false), 'Q4_K');
  assert.equal(type('q4_k_m', 'output.weight', false), 'Q6_K');
  assert.equal(type('q4_0', 'token_embd.weight', true), 'Q6_K');
  assert.equal(type('q4_0', 'token_embd.weight', false), 'Q4_0');
  assert.equal(type('q8_0', 'output.weight', false), 'Q8_0');
  assert.equal(type('f16', 'token_embd.weight', true), 'F16');
  for (const name of ['position_embd.weight', 'output_norm.weight', 'blk.0.attn_qkv.bias', 'rope_freqs.weight'])
    assert.equal(type('q4_k_m', name, true), 'F32');
});

test('rows that are no whole blocks take another type, and that is said', () => {
  const config = parseModelConfig({ ...sizes, layers: 2 });
  const chosen = (fileType: GgufType, name: string, columns: number) =>
    chooseType(fileType, { name, shape: [8, columns], layer: 1 }, config, true);
  assert.deepEqual(chosen('q4_k_m', 'blk.1.ffn_up.weight', 96), { type: 'Q5_0', insteadOf: 'Q4_K' });
  assert.deepEqual(chosen('q4_k_m', 'blk.1.ffn_down.weight', 96), { type: 'Q8_0', insteadOf: 'Q6_K' });
  assert.deepEqual(chosen('q4_0', 'token_embd.weight', 96), { type: 'Q8_0', insteadOf: 'Q6_K' });
  assert.deepEqual(chosen('q4_0', 'blk.1.ffn_up.weight', 96), { type: 'Q4_0' });
  assert.deepEqual(chosen('q8_0', 'blk.1.ffn_up.weight', 40), { type: 'F16', insteadOf: 'Q8_0' });
  assert.deepEqual(chosen('q4_k_m', 'blk.1.ffn_up.weight', 40), { type: 'F16', insteadOf: 'Q4_K' });
});
