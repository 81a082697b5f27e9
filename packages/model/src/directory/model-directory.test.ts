import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { mountSmallDisk } from '@tunan/files/testing/small-disk';
import {
  liveTensors,
  noGrad,
  randint,
  readSafetensors,
  scope,
  type Tensor,
  writeSafetensors,
  zeros,
} from '@tunan/torch';
import { ModelError } from '../errors.ts';
import { LanguageModel } from '../language-model.ts';

const config = { vocabularySize: 64, contextLength: 16, layers: 2, width: 16, heads: 2, endOfDocumentId: 4 };
const numbers = (value: Tensor): number[] => Array.from(value.toArray(), Number);

function temporary(t: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-model-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function saved(t: TestContext): string {
  const directory = path.join(temporary(t), 'model');
  using model = LanguageModel.create(config, { seed: 1 });
  model.save(directory);
  return directory;
}

const json = (...parts: string[]) => JSON.parse(readFileSync(path.join(...parts), 'utf8'));

const shared = { ...config, family: 'llama', heads: 4, kvHeads: 2, headDim: 6, outputInit: 'scaled' } as const;
const families = {
  gpt2: config,
  qwen3: { ...shared, ropeTheta: 1e6, dropout: 0.1 },
  qwen2: {
    ...shared,
    variant: 'qwen2',
    ropeScaling: { type: 'yarn', factor: 4, originalContext: 8, betaFast: 32, betaSlow: 1, attentionFactor: 1.1 },
  },
  llama: { ...shared, variant: 'llama', tiedHead: false, mlpWidth: 40, ropeScaling: { type: 'linear', factor: 2 } },
} as const;

for (const [type, config] of Object.entries(families)) {
  test(`what is saved is loaded, ${type}: config, every weight, equal logits; mapped and trainable`, (t) => {
    const directory = path.join(temporary(t), 'deep', 'model');
    using model = LanguageModel.create(config, { seed: 1 });
    model.save(directory, { card: '## Scores\n\nnone' });
    for (const trainable of [false, true]) {
      using loaded = LanguageModel.load(directory, { trainable });
      assert.deepEqual(loaded.config, model.config);
      noGrad(() =>
        scope(() => {
          const ids = randint(0, 64, [2, 9]);
          assert.deepEqual(numbers(loaded.hidden(ids)), numbers(model.hidden(ids)));
        }),
      );
      assert.ok([...loaded.namedParameters().values()].every((parameter) => parameter.requiresGrad === trainable));
    }
    assert.deepEqual(readdirSync(directory).sort(), [
      'README.md',
      'config.json',
      'generation_config.json',
      'model.safetensors',
    ]);
    assert.match(readFileSync(path.join(directory, 'README.md'), 'utf8'), /## Scores/);
    assert.equal(readSafetensors(path.join(directory, 'model.safetensors')).metadata.format, 'pt');
    const written = json(directory, 'config.json');
    assert.deepEqual([written.model_type, written.eos_token_id], [type, 4]);
  });
}

test('training a loaded model leaves the file alone', (t) => {
  const directory = saved(t);
  const before = readFileSync(path.join(directory, 'model.safetensors'));
  using model = LanguageModel.load(directory, { trainable: true });
  noGrad(() => model.namedParameters().get('transformer.wte.weight')!.fill_(3));
  assert.deepEqual(readFileSync(path.join(directory, 'model.safetensors')), before);
});

test('a tokenizer goes along, with the special tokens it has', (t) => {
  const directory = path.join(temporary(t), 'model');
  const tokenizerFile = path.join(temporary(t), 'tokenizer.json');
  writeFileSync(tokenizerFile, JSON.stringify({ added_tokens: [{ content: '<unk>' }, { content: '<eod>' }] }));
  using model = LanguageModel.create(config, { seed: 1 });
  model.save(directory, { tokenizerFile });
  assert.deepEqual(json(directory, 'tokenizer.json'), json(tokenizerFile));
  assert.deepEqual(json(directory, 'tokenizer_config.json'), {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: 16,
    clean_up_tokenization_spaces: false,
    bos_token: '<eod>',
    eos_token: '<eod>',
    unk_token: '<unk>',
  });
});

test('what stands beside a downloaded tokenizer goes along: its special tokens and its chat template', (t) => {
  const [directory, from] = [path.join(temporary(t), 'model'), temporary(t)];
  const beside = { bos_token: null, eos_token: '<|im_end|>', chat_template: 'older', model_max_length: 131_072 };
  writeFileSync(path.join(from, 'tokenizer.json'), JSON.stringify({ added_tokens: [{ content: '<|im_end|>' }] }));
  writeFileSync(path.join(from, 'tokenizer_config.json'), JSON.stringify(beside));
  writeFileSync(path.join(from, 'chat_template.jinja'), '{{ messages }}');
  using model = LanguageModel.create(config, { seed: 1 });
  model.save(directory, { tokenizerFile: path.join(from, 'tokenizer.json') });
  assert.deepEqual(json(directory, 'tokenizer_config.json'), { ...beside, model_max_length: 16 });
  assert.equal(readFileSync(path.join(directory, 'chat_template.jinja'), 'utf8'), '{{ messages }}');
});

test('the old names without a prefix, mask buffers, and shards with an index are read', (t) => {
  const directory = saved(t);
  const weights = path.join(directory, 'model.safetensors');
  using original = LanguageModel.load(directory, { trainable: true });
  scope(() => {
    const stored = [...original.namedParameters()].map(
      ([name, tensor]) => [name.replace('transformer.', ''), tensor] as const,
    );
    const half = stored.length >> 1;
    const mask = ['h.0.attn.bias', zeros([1, 1, 16, 16])] as const;
    const tied = ['lm_head.weight', stored[0]![1]] as const;
    const shards = {
      'model-1-of-2.safetensors': [...stored.slice(0, half), mask],
      'model-2-of-2.safetensors': [...stored.slice(half), tied],
    };
    const weight_map: Record<string, string> = {};
    for (const [file, tensors] of Object.entries(shards)) {
      writeSafetensors(path.join(directory, file), new Map(tensors), { format: 'pt' });
      for (const [name] of tensors) weight_map[name] = file;
    }
    writeFileSync(`${weights}.index.json`, JSON.stringify({ metadata: {}, weight_map }));
  });
  rmSync(weights);
  using sharded = LanguageModel.load(directory);
  for (const [name, tensor] of original.namedParameters())
    assert.deepEqual(numbers(sharded.namedParameters().get(name)!), numbers(tensor.detach()));
  rmSync(path.join(directory, 'model-2-of-2.safetensors'));
  assert.throws(() => LanguageModel.load(directory), /index\.json: the shard model-2-of-2\.safetensors is missing/);
});

for (const [type, config] of Object.entries(families)) {
  test(`weights of 16 bits are read, ${type}: as float32 to train, as they are or wider to run`, (t) => {
    const directory = path.join(temporary(t), 'model');
    using model = LanguageModel.create(config, { seed: 1 });
    model.save(directory);
    for (const dtype of ['float16', 'bfloat16'] as const) {
      scope(() => {
        const rounded = [...model.namedParameters()].map(
          ([name, tensor]) => [name, tensor.detach().to(dtype)] as const,
        );
        writeSafetensors(path.join(directory, 'model.safetensors'), new Map(rounded), { format: 'pt' });
        for (const trainable of [false, true]) {
          using loaded = LanguageModel.load(directory, { trainable });
          for (const [name, tensor] of rounded) {
            const read = loaded.namedParameters().get(name)!;
            assert.equal(read.dtype, 'float32');
            assert.deepEqual(numbers(read.detach()), numbers(tensor.to('float32')));
          }
          noGrad(() => assert.deepEqual(loaded.hidden(randint(0, 64, [1, 5])).shape, [1, 5, 16]));
        }
      });
    }
  });
}

test('tensors that are missing, of another shape or not of the model are named, llama', (t) => {
  const directory = path.join(temporary(t), 'model');
  using model = LanguageModel.create(families.llama, { seed: 1 });
  const weights = (change: (stored: Map<string, Tensor>) => void) => {
    model.save(directory);
    const stored = new Map(model.namedParameters());
    change(stored);
    writeSafetensors(path.join(directory, 'model.safetensors'), stored, { format: 'pt' });
  };
  const refused = (en: RegExp, zh: RegExp) =>
    assert.throws(
      () => LanguageModel.load(directory),
      (error) => error instanceof ModelError && en.test(error.message) && zh.test(error.chinese ?? ''),
    );
  weights((stored) => stored.delete('lm_head.weight'));
  refused(/model\.safetensors: 1 tensors are missing, the first lm_head\.weight/, /缺 1 个张量，第一个是 lm_head/);
  weights((stored) => stored.delete('model.layers.1.self_attn.k_proj.weight'));
  refused(/the first model\.layers\.1\.self_attn\.k_proj\.weight/, /第一个是 model\.layers\.1\.self_attn\.k_proj/);
  scope(() => {
    weights((stored) => stored.set('model.layers.0.self_attn.q_proj.bias', zeros([24])));
    refused(/an unknown tensor model\.layers\.0\.self_attn\.q_proj\.bias/, /未知的张量 model\.layers\.0/);
    weights((stored) => stored.set('model.layers.0.mlp.up_proj.weight', zeros([40, 15])));
    refused(/mlp\.up_proj\.weight has shape \(40, 15\), config\.json asks for \(40, 16\)/, /形状是 \(40, 15\)/);
    // What follows from the config is not needed, nor is the body's prefix.
    weights((stored) => {
      stored.set('model.layers.0.self_attn.rotary_emb.inv_freq', zeros([3]));
      stored.set('norm.weight', stored.get('model.norm.weight')!);
      stored.delete('model.norm.weight');
    });
  });
  LanguageModel.load(directory).dispose();
});

test('damaged and foreign directories are refused by name, and nothing is left in memory', (t) => {
  const refused = (message: RegExp, spoil: (directory: string) => void) => {
    const directory = saved(t);
    spoil(directory);
    const before = liveTensors();
    assert.throws(
      () => LanguageModel.load(directory),
      (error) => error instanceof ModelError && message.test(error.message) && !error.message.includes('\n'),
    );
    assert.equal(liveTensors(), before);
  };
  const edit = (change: object) => (directory: string) =>
    writeFileSync(
      path.join(directory, 'config.json'),
      JSON.stringify({ ...json(directory, 'config.json'), ...change }),
    );
  const weights = (directory: string) => path.join(directory, 'model.safetensors');

  assert.throws(() => LanguageModel.load('/no/such/place'), /\/no\/such\/place: no such model directory/);
  refused(/no config\.json/, (directory) => rmSync(path.join(directory, 'config.json')));
  refused(/config\.json: model_type: a model of type gemma3; only gpt2 .*qwen3/, edit({ model_type: 'gemma3' }));
  refused(/config\.json: model_type: no model_type/, edit({ model_type: undefined }));
  refused(
    /architectures: GPT2ForSequenceClassification; only GPT2LMHeadModel/,
    edit({ architectures: ['GPT2ForSequenceClassification'] }),
  );
  refused(/activation_function/, edit({ activation_function: 'relu' }));
  refused(/tie_word_embeddings/, edit({ tie_word_embeddings: false }));
  refused(/n_inner 10; only 4 x n_embd = 64/, edit({ n_inner: 10 }));
  refused(/transformer\.wte\.weight has shape \(64, 16\), config\.json asks for \(65, 16\)/, edit({ vocab_size: 65 }));
  refused(/12 tensors are missing, the first transformer\.h\.2\.ln_1\.weight/, edit({ n_layer: 3 }));
  refused(/unknown tensor transformer\.h\.1\./, edit({ n_layer: 1 }));
  refused(/config\.json: not valid JSON/, (directory) => writeFileSync(path.join(directory, 'config.json'), '{'));
  refused(/neither model\.safetensors nor/, (directory) => rmSync(weights(directory)));
  refused(/model\.safetensors.*truncated/, (directory) =>
    truncateSync(weights(directory), statSync(weights(directory)).size - 8),
  );
  refused(/model\.safetensors/, (directory) => writeFileSync(weights(directory), 'no tensors at all'));
  refused(/^(?!.*safetensors.*safetensors is not).*is not a safetensors file/, (directory) =>
    writeFileSync(weights(directory), 'a file of another kind'),
  );
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n';
  for (const name of ['config.json', 'model.safetensors']) {
    refused(/(config\.json|model\.safetensors):? .*Git LFS pointer, .*: run "git lfs pull"/, (directory) =>
      writeFileSync(path.join(directory, name), pointer),
    );
  }
});

test('a config with a byte order mark, and with a list of ends', (t) => {
  const directory = saved(t);
  const config = { ...json(directory, 'config.json'), eos_token_id: [7, 9] };
  writeFileSync(path.join(directory, 'config.json'), `\ufeff${JSON.stringify(config)}`);
  using model = LanguageModel.load(directory);
  assert.equal(model.config.endOfDocumentId, 7);
});

test('a full disk is said in a line that names the file, and what stands there is no model', (t) => {
  using model = LanguageModel.create(config, { seed: 1 });
  for (const size of ['8k', '40k']) {
    const disk = mountSmallDisk(t, size); // no room for the weights; none for what comes after them
    if (disk === undefined) return;
    const directory = path.join(disk.directory, 'model');
    assert.throws(
      () => model.save(directory, { card: 'x'.repeat(16_000) }),
      (error: Error & { chinese: string }) => {
        assert.match(error.message, /^cannot write .*model\/(model\.safetensors|README\.md): the disk is full: free/);
        assert.match(error.chinese, /^无法写入 .*磁盘已满/);
        return 'userMistake' in error;
      },
    );
    assert.ok(!readdirSync(directory).some((name) => name === 'config.json' || name.endsWith('.partial')));
  }
});
