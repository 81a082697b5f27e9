/**
 * Yuan LM: a causal decoder in the form of GPT-2 (pre-LN, learned positions, tanh GELU, tied output matrix).
 *
 * One device, one process. The model owns its parameters and gives them back with dispose(); everything else it makes is
 * freed before a method returns, but for the result. It does not know the optimizer, the data or sampling.
 */

import {
  type AttentionRange,
  type Device,
  dropout,
  embedding,
  linearCrossEntropy,
  linearTokenLosses,
  scope,
  type Tensor,
  tokenEmbedding,
} from '@tunan/torch';
import { loadModelDirectory, type SaveOptions, saveModelDirectory } from './directory/model-directory.ts';
import { ModelError } from './errors.ts';
import { type BlockParts, type Norm, normalize, runBlock } from './families/gpt2/block.ts';
import { parseYuanConfig, type YuanConfig, type YuanConfigInput } from './families/gpt2/config.ts';
import { initialParameters, isDecayed } from './families/gpt2/parameters.ts';
import type { KeyValueCache } from './forward/key-value-cache.ts';
import { recomputeBackward } from './forward/recomputation.ts';
import { denseLinear, type Precision } from './layers/linear.ts';

export interface ModelOptions {
  /** 'cpu' (the default), 'cuda', 'cuda:1' … */
  readonly device?: Device;
  /** Arithmetic of the matrix products; float32 when absent. Trained weights are float32 in both. */
  readonly dtype?: Precision;
}

export interface ForwardOptions {
  /** Continue behind what the cache holds, and add to it. */
  readonly cache?: KeyValueCache;
  /** Whether dropout is active; false when absent. */
  readonly training?: boolean;
  /** Which positions each one sees, as a prefix or packed documents need; causal when absent. Not with a cache. */
  readonly range?: AttentionRange;
}

export class YuanLM implements Disposable {
  readonly config: YuanConfig;
  readonly dtype: Precision;
  readonly device: Device;
  readonly #parameters: ReadonlyMap<string, Tensor>;
  /** For forward passes of another arrangement: beforeAttention() and behindAttention() run their halves. */
  readonly blocks: readonly BlockParts[];
  readonly #finalNorm: Norm;

  private constructor(config: YuanConfig, parameters: ReadonlyMap<string, Tensor>, dtype: Precision, device: Device) {
    this.config = config;
    this.dtype = dtype;
    this.device = device;
    this.#parameters = parameters;
    this.blocks = Array.from({ length: config.layers }, (_, layer) => this.#block(`h.${layer}`));
    this.#finalNorm = this.#norm('ln_f');
  }

  /** A fresh model whose weights depend on (config, seed) alone. */
  static create(config: YuanConfigInput, options: ModelOptions & { readonly seed: number }): YuanLM {
    const parsed = parseYuanConfig(config);
    const device = options.device ?? 'cpu';
    return new YuanLM(parsed, initialParameters(parsed, options.seed, device), options.dtype ?? 'float32', device);
  }

  /**
   * Reads a Hugging Face GPT-2 directory (config.json, model.safetensors or its sharded index).
   * @param options.trainable float32 weights of our own that take gradients; otherwise (the default) the weights stay mapped
   * to the file where they can, in the dtype of the products
   * @param options.dropout instead of the directory's
   * @throws ModelError naming the file, when the directory is missing, damaged or of another kind
   */
  static load(
    directory: string,
    options: ModelOptions & { readonly trainable?: boolean; readonly dropout?: number } = {},
  ): YuanLM {
    const { device = 'cpu', dtype = 'float32', trainable = false } = options;
    const { config, parameters } = loadModelDirectory(directory, { device, dtype, trainable });
    const { dropout = config.dropout } = options;
    return new YuanLM({ ...config, dropout }, parameters, dtype, device);
  }

  /** Writes a directory that transformers loads as it is; see saveModelDirectory. */
  save(directory: string, options: SaveOptions = {}): void {
    saveModelDirectory(directory, this.config, this.#parameters, options);
  }

  /**
   * Logits of the next token at every position.
   * @param ids (B, T) int64
   * @returns (B, T, V) float32
   * @throws ModelError MODEL_INPUT_TOO_LONG
   */
  forward(ids: Tensor, options: ForwardOptions = {}): Tensor {
    return scope(() => this.logits(this.hidden(ids, options)));
  }

  /** What the output matrix sees: the normed residual stream, ids (B, T) int64 → (B, T, C) in the dtype of the products. */
  hidden(ids: Tensor, options: ForwardOptions = {}): Tensor {
    const { cache, training = false, range } = options;
    const [, time = 0] = ids.shape;
    const past = cache?.length ?? 0;
    this.#requireFit(past + time);
    return scope(() => {
      let x = this.#embed(ids, past, training); // (B, T, C)
      this.blocks.forEach((parts, layer) => {
        x = runBlock(this.config, parts, layer, x, { training, cache, range, dtype: this.dtype });
      });
      cache?.advance(time);
      return this.normalizeFinal(x);
    });
  }

  /**
   * A training pass that keeps one block's activations at a time, for the time of a second forward pass. The gradients are those of
   * `backward(hidden(ids, { training: true }))`.
   * @param backward makes a scalar of the hidden states and calls its backward()
   * @returns what `backward` returns
   */
  recompute<T>(ids: Tensor, backward: (hidden: Tensor) => T): T {
    this.#requireFit(ids.shape[1] ?? 0);
    const random = this.config.dropout > 0;
    if (random && this.device !== 'cpu')
      throw new ModelError('MODEL_BAD_CONFIG', `recomputation with dropout runs on the CPU only: set dropout to 0`);
    const blocks = this.blocks.map((parts, layer) => (x: Tensor) => {
      return runBlock(this.config, parts, layer, x, { training: true, dtype: this.dtype });
    });
    const parts = {
      embed: () => this.#embed(ids, 0, true),
      blocks,
      finalNorm: (x: Tensor) => this.normalizeFinal(x),
      tied: this.outputWeight,
      random,
    };
    return recomputeBackward(parts, backward);
  }

  /** Logits from hidden states: (…, C) → (…, V) float32. A caller that needs few positions narrows `hidden` first. */
  logits(hidden: Tensor): Tensor {
    return scope(() => hidden.linear(this.outputWeight.to(this.dtype)).to('float32'));
  }

  /** Mean negative log-likelihood in nats a token, a scalar: ids (B, T) and targets (B, T), both int64. */
  loss(ids: Tensor, targets: Tensor, options: Omit<ForwardOptions, 'cache'> = {}): Tensor {
    return scope(() => this.hiddenLoss(this.hidden(ids, options), targets));
  }

  /** The same from hidden states (…, C) and targets (…) of as many positions, without holding the logits. */
  hiddenLoss(hidden: Tensor, targets: Tensor): Tensor {
    return scope(() => {
      const rows = hidden.reshape(-1, this.config.width); // (N, C)
      const weight = this.outputWeight; // (V, C)
      return linearCrossEntropy(rows, weight, targets.reshape(-1));
    });
  }

  /** Negative log-likelihood in nats of every token: ids (B, T), targets (B, T) → (B, T) float64. No gradients. */
  tokenLosses(ids: Tensor, targets: Tensor): Tensor {
    return scope(() => {
      const rows = this.hidden(ids).view(-1, this.config.width); // (B T, C)
      const weight = this.outputWeight; // (V, C)
      return linearTokenLosses(rows, weight, targets.reshape(-1)).view(...ids.shape);
    });
  }

  /** Embeddings of tokens at any positions: ids and positions (N) int64 → (N, C) float32. */
  embedRows(ids: Tensor, positions: Tensor): Tensor {
    const tokens = embedding(this.#parameter('wte.weight'), ids).to('float32');
    return tokens.add(embedding(this.#parameter('wpe.weight'), positions).to('float32'));
  }

  /** The stream behind the last block, (…, C) → what the output matrix sees, in the dtype of the products. */
  normalizeFinal(x: Tensor): Tensor {
    return normalize(x, this.#finalNorm, this.config, this.dtype);
  }

  /** The output matrix, which is the embedding itself: (V, C). */
  get outputWeight(): Tensor {
    return this.#parameter('wte.weight');
  }

  /** The parameters under their Hugging Face names, in the order of the forward pass. */
  namedParameters(): ReadonlyMap<string, Tensor> {
    return this.#parameters;
  }

  /** Matrices and embeddings on one side, biases and norms on the other: weight decay is for the first only. */
  parameterGroups(): { decayed: Record<string, Tensor>; plain: Record<string, Tensor> } {
    const those = (wanted: boolean) =>
      Object.fromEntries([...this.#parameters].filter(([, parameter]) => isDecayed(parameter) === wanted));
    return { decayed: those(true), plain: those(false) };
  }

  dispose(): void {
    for (const parameter of this.#parameters.values()) parameter.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #requireFit(tokens: number): void {
    if (tokens <= this.config.contextLength) return;
    const message = `${tokens} tokens do not fit into the model's context of ${this.config.contextLength}`;
    throw new ModelError('MODEL_INPUT_TOO_LONG', `${message}: shorten the input`);
  }

  #embed(ids: Tensor, past: number, training: boolean): Tensor {
    const x = tokenEmbedding(ids, this.#parameter('wte.weight'), this.#parameter('wpe.weight'), past); // (B, T, C)
    return this.config.dropout > 0 && training ? dropout(x, this.config.dropout, true) : x;
  }

  #block(prefix: string): BlockParts {
    const linear = (name: string) =>
      denseLinear(this.#parameter(`${prefix}.${name}.weight`), this.#parameter(`${prefix}.${name}.bias`));
    return {
      normAttention: this.#norm(`${prefix}.ln_1`),
      queryKeyValue: linear('attn.c_attn'),
      attentionOutput: linear('attn.c_proj'),
      normMlp: this.#norm(`${prefix}.ln_2`),
      mlpExpand: linear('mlp.c_fc'),
      mlpContract: linear('mlp.c_proj'),
    };
  }

  #norm(prefix: string): Norm {
    return { weight: this.#parameter(`${prefix}.weight`), bias: this.#parameter(`${prefix}.bias`) };
  }

  #parameter(name: string): Tensor {
    const parameter = this.#parameters.get(`transformer.${name}`);
    if (parameter === undefined) throw new Error(`no parameter ${name}`);
    return parameter;
  }
}
