// What config.json of Llama, Qwen2, Qwen3 and MiniMind say: read, written back, and refused by the field where it is not computed here.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ModelError } from '../../errors.ts';
import { fromHuggingFaceConfig, type ModelConfig, toHuggingFaceConfig } from '../../model-config.ts';

/** As the publishers of these models write them. */
const files = {
  qwen3: {
    architectures: ['Qwen3ForCausalLM'],
    attention_bias: false,
    attention_dropout: 0.0,
    bos_token_id: 151_643,
    eos_token_id: 151_645,
    head_dim: 128,
    hidden_act: 'silu',
    hidden_size: 1024,
    initializer_range: 0.02,
    intermediate_size: 3072,
    max_position_embeddings: 40_960,
    max_window_layers: 28,
    model_type: 'qwen3',
    num_attention_heads: 16,
    num_hidden_layers: 28,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-6,
    rope_scaling: null,
    rope_theta: 1_000_000,
    sliding_window: null,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
    transformers_version: '4.51.0',
    use_cache: true,
    use_sliding_window: false,
    vocab_size: 151_936,
  },
  qwen2: {
    architectures: ['Qwen2ForCausalLM'],
    attention_dropout: 0.0,
    eos_token_id: [151_645, 151_643],
    hidden_act: 'silu',
    hidden_size: 896,
    initializer_range: 0.02,
    intermediate_size: 4864,
    max_position_embeddings: 32_768,
    max_window_layers: 24,
    model_type: 'qwen2',
    num_attention_heads: 14,
    num_hidden_layers: 24,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    rope_theta: 1_000_000.0,
    rope_scaling: { type: 'yarn', factor: 4.0, original_max_position_embeddings: 32_768 },
    sliding_window: 32_768,
    tie_word_embeddings: true,
    use_sliding_window: false,
    vocab_size: 151_936,
  },
  llama: {
    architectures: ['LlamaForCausalLM'],
    attention_bias: false,
    bos_token_id: 128_000,
    eos_token_id: [128_001, 128_008, 128_009],
    head_dim: 64,
    hidden_act: 'silu',
    hidden_size: 2048,
    initializer_range: 0.02,
    intermediate_size: 8192,
    max_position_embeddings: 131_072,
    mlp_bias: false,
    model_type: 'llama',
    num_attention_heads: 32,
    num_hidden_layers: 16,
    num_key_value_heads: 8,
    pretraining_tp: 1,
    rms_norm_eps: 1e-5,
    rope_scaling: {
      factor: 32.0,
      high_freq_factor: 4.0,
      low_freq_factor: 1.0,
      original_max_position_embeddings: 8192,
      rope_type: 'llama3',
    },
    rope_theta: 500_000.0,
    tie_word_embeddings: true,
    vocab_size: 128_256,
  },
  minimind: {
    architectures: ['MiniMindForCausalLM'],
    bos_token_id: 1,
    dropout: 0.0,
    eos_token_id: 2,
    flash_attn: true,
    head_dim: 96,
    hidden_act: 'silu',
    hidden_size: 768,
    inference_rope_scaling: false,
    intermediate_size: 2432,
    max_position_embeddings: 32_768,
    model_type: 'minimind',
    moe_intermediate_size: 2432,
    norm_topk_prob: true,
    num_attention_heads: 8,
    num_experts: 4,
    num_experts_per_tok: 1,
    num_hidden_layers: 8,
    num_key_value_heads: 4,
    rms_norm_eps: 1e-6,
    rope_scaling: null,
    rope_theta: 1_000_000.0,
    router_aux_loss_coef: 0.0005,
    use_moe: false,
    vocab_size: 6400,
  },
} as const;

const read = (file: object): ModelConfig & { family: 'llama' } => {
  const config = fromHuggingFaceConfig(file, 'config.json');
  assert.ok(config.family === 'llama');
  return config;
};

test('published files are read', () => {
  const { variant, width, heads, kvHeads, headDim, mlpWidth, contextLength, ropeTheta, ...rest } = read(files.qwen3);
  assert.deepEqual(
    [variant, width, heads, kvHeads, headDim, mlpWidth, contextLength, ropeTheta],
    ['qwen3', 1024, 16, 8, 128, 3072, 40_960, 1e6],
  );
  assert.deepEqual([rest.tiedHead, rest.endOfDocumentId, rest.ropeScaling], [true, 151_645, undefined]);
  const qwen2 = read(files.qwen2);
  assert.deepEqual([qwen2.variant, qwen2.headDim, qwen2.endOfDocumentId], ['qwen2', 64, 151_645]);
  assert.deepEqual(qwen2.ropeScaling, {
    type: 'yarn',
    factor: 4,
    originalContext: 32_768,
    betaFast: 32,
    betaSlow: 1,
    attentionFactor: 0.1 * Math.log(4) + 1,
  });
  assert.equal(read(files.llama).ropeScaling?.type, 'llama3');
  const minimind = read(files.minimind);
  assert.deepEqual([minimind.variant, minimind.headDim, minimind.ropeTheta], ['qwen3', 96, 1e6]);
  const { head_dim: _, ...older } = files.minimind;
  assert.equal(read(older).variant, 'llama');
});

test('the form of transformers 5 and that of before are read alike', () => {
  const { rope_theta, rope_scaling, ...rest } = files.llama;
  const { rope_type, ...others } = rope_scaling;
  const read5 = read({ ...rest, rope_parameters: { rope_theta, rope_type, ...others } });
  const read4 = read({ ...rest, rope_theta, rope_scaling: { type: rope_type, ...others } });
  assert.deepEqual(read5, read(files.llama));
  assert.deepEqual(read4, read(files.llama));
});

test('what was read is written back as what it is, with both forms of the rotary fields', () => {
  for (const [type, file] of Object.entries(files)) {
    const config = read(file);
    const written = toHuggingFaceConfig(config);
    assert.equal(written.model_type, type === 'minimind' ? 'qwen3' : type);
    assert.deepEqual(read(written), config);
    const ids = ({ bos_token_id: bos = null, eos_token_id: eos }: Record<string, unknown>) => [bos, eos];
    assert.deepEqual(ids(written), ids(file));
    const { rope_parameters: _, ...old } = written;
    const { rope_theta: __, rope_scaling: ___, ...recent } = written;
    assert.deepEqual([read(old), read(recent)], [config, config]);
  }
});

test('what is not computed here is refused in one line that names file and field, in both languages', () => {
  const refused = (type: keyof typeof files, change: object, en: RegExp, zh = en) =>
    assert.throws(
      () => fromHuggingFaceConfig({ ...files[type], ...change }, 'here/config.json'),
      (error) => {
        assert.ok(error instanceof ModelError);
        for (const [message, wanted] of [
          [error.message, en],
          [error.chinese ?? '', zh],
        ] as const) {
          assert.match(message, wanted);
          assert.match(message, /^here\/config\.json[:：]/);
          assert.ok(!message.includes('\n'));
        }
        return true;
      },
    );
  const scaling = (change: object) => ({ rope_scaling: { ...files.llama.rope_scaling, ...change } });
  refused('llama', scaling({ rope_type: 'dynamic' }), /rope_scaling: .*"dynamic".*linear, llama3, yarn/, /“dynamic”/);
  refused('llama', scaling({ rope_type: 'longrope' }), /"longrope"/, /“longrope”/);
  refused('llama', scaling({ factor: undefined }), /rope_scaling\.factor: is missing/, /rope_scaling\.factor：缺少/);
  refused(
    'llama',
    { rope_parameters: { rope_type: 'default', rope_theta: 7 } },
    /rope_theta: 500000, but/,
    /rope_theta：500000/,
  );
  refused(
    'llama',
    { rope_parameters: { full_attention: { rope_type: 'default' } }, rope_theta: null },
    /full_attention/,
  );
  refused('qwen2', { rope_scaling: { ...files.qwen2.rope_scaling, mscale: 0.7 } }, /rope_scaling\.mscale/);
  refused('qwen3', { partial_rotary_factor: 0.5 }, /partial_rotary_factor/);
  refused('qwen2', { use_sliding_window: true }, /use_sliding_window/);
  refused('llama', { sliding_window: 4096 }, /sliding_window/);
  refused('qwen3', { layer_types: ['full_attention', 'sliding_attention'] }, /layer_types\.1/);
  refused('qwen3', { num_experts: 8 }, /num_experts: 8/, /num_experts：.*8/);
  refused('minimind', { use_moe: true }, /use_moe/);
  refused('minimind', { inference_rope_scaling: true }, /inference_rope_scaling/);
  refused('llama', { attention_bias: true }, /attention_bias/);
  refused('qwen3', { attention_bias: true }, /attention_bias/);
  refused('llama', { mlp_bias: true }, /mlp_bias/);
  refused('qwen3', { hidden_act: 'gelu' }, /hidden_act/);
  refused('llama', { final_logit_softcapping: 30 }, /final_logit_softcapping/);
  refused('llama', { embedding_multiplier: 12 }, /embedding_multiplier/);
  refused('llama', { quantization_config: { bits: 4 } }, /quantization_config/);
  refused('qwen3', { num_key_value_heads: 5 }, /kvHeads: 16 heads of queries cannot share 5/, /kvHeads：16 个查询头/);
  refused(
    'llama',
    { num_attention_heads: 31, num_key_value_heads: 31 },
    /heads: width 2048 is not divisible by 31/,
    /heads：宽度 2048/,
  );
  refused('qwen3', { head_dim: 9 }, /headDim: heads of 9/, /headDim：头的宽度 9/);
  refused('qwen3', { vocab_size: undefined }, /vocab_size: is missing/, /vocab_size：缺少/);
  refused(
    'qwen3',
    { architectures: ['Qwen3ForSequenceClassification'] },
    /architectures: Qwen3ForSequence/,
    /architectures：Qwen3ForSequence/,
  );
});

test('fields that change nothing do not stand in the way', () => {
  const extra = {
    _name_or_path: 'x',
    unsloth_fixed: true,
    num_experts: 0,
    attn_logit_softcapping: null,
    logit_scale: 1,
  };
  assert.deepEqual(read({ ...files.llama, ...extra }), read(files.llama));
});
