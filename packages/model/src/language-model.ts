/**
 * A causal decoder of any family (family.ts): fresh or from a directory, its losses, its parameters.
 *
 * One device, one process. The model owns its parameters and gives them back with dispose(); everything else it makes is
 * freed before a method returns, but for the result. It does not know the optimizer, the data or sampling.
 */

import {
  type AttentionRange,
  arange,
  type Device,
  getRandomState,
  scope,
  setRandomState,
  type Tensor,
} from '@tunan/torch';
import { loadModelDirectory, type SaveOptions, saveModelDirectory } from './directory/model-directory.ts';
import { ModelError } from './errors.ts';
import type { Block, BlockMode, Body, Sizes } from './family.ts';
import { attendSequences } from './forward/attend.ts';
import { recomputeBackward, runKeepingInputs } from './forward/recomputation.ts';
import { type Int8Layers, int8Layers } from './layers/int8-layers.ts';
import type { LayerMakers, Precision } from './layers/linear.ts';
import type { AdapterBank } from './lora/adapter-bank.ts';
import {
  familyOf,
  type ModelConfig,
  type ModelConfigInput,
  parameterShapesOf,
  parametersOf,
  parseModelConfig,
} from './model-config.ts';
import { bodyOf, holds, type ModelPart } from './model-part.ts';
import { initialParameters, isDecayed, type MatrixLayout, type ParameterShape } from './parameters.ts';

export interface ModelOptions {
  /** 'cpu' (the default), 'cuda', 'cuda:1' … */
  readonly device?: Device;
  /** Arithmetic of the matrix products; float32 when absent. Trained weights are float32 in both. */
  readonly dtype?: Precision;
  /**
   * How the weights of the products are kept: as the parameters are (the default), or rounded to eight bits with one scale an output,
   * which generation reads in a quarter of the time. For running a model only; not together with makers.
   */
  readonly weights?: 'full' | 'int8';
  /** Layers of another kind in place of the plain ones. */
  readonly makers?: LayerMakers;
  /** What is held of the model, where it is not all of it; only for making and reading one. */
  readonly part?: ModelPart | undefined;
  /** Adapters of which rows of a packed forward pass may name one; the bank stays the caller's, and outlives the model. */
  readonly adapterBank?: AdapterBank;
}

export interface ForwardOptions {
  /** Whether dropout is active; false when absent. */
  readonly training?: boolean;
  /** Whether norms and nonlinearities of the blocks are made again in the backward pass; false when absent. */
  readonly selective?: boolean;
  /** Which positions each one sees, as a prefix or packed documents need; causal when absent. */
  readonly range?: AttentionRange;
  /** The position of each id, (B, T) int64: in packed documents that of its own document. 0 … T - 1 when absent. */
  readonly positions?: Tensor;
}

/**
 * What of the blocks is run again in the backward pass: nothing; norms and nonlinearities, beside attention's scores, of which
 * selective recomputation has its name (Korthikanti et al. 2022, arXiv 2205.05198) and which its kernel never keeps in any case; all of
 * them but their inputs.
 */
export type Recomputation = 'none' | 'selective' | 'full';

/** A piece of a model that has run forward, and waits for its backward pass. */
export interface PiecePass {
  /** Behind the last block, or what the head sees where the piece has it and nothing is run again. */
  readonly output: Tensor;
  /**
   * @param run makes a scalar of what the piece gives, and calls its backward(); or gives it its gradient
   * @returns what `run` returns, and the gradient of the stream that came in
   */
  backward<Result>(run: (output: Tensor) => Result): { readonly result: Result; readonly gradient: Tensor | undefined };
}

/** How a prompt is read: each token seeing those before it, or all of it, as a prefix language model does. */
export type PromptAttention = 'causal' | 'prefix';

export class LanguageModel implements Disposable {
  readonly config: ModelConfig;
  readonly sizes: Sizes;
  readonly dtype: Precision;
  readonly device: Device;
  /** For forward passes of another arrangement: forward/packed-forward.ts. */
  readonly body: Body;
  readonly part: ModelPart | undefined;
  readonly adapters: AdapterBank | undefined;
  readonly #parameters: ReadonlyMap<string, Tensor>;
  readonly #makers: LayerMakers | undefined;
  /** Where its layers are of eight bits. */
  readonly #rounded: Int8Layers | undefined;

  private constructor(config: ModelConfig, parameters: ReadonlyMap<string, Tensor>, options: ModelOptions) {
    const { device = 'cpu', dtype = 'float32', weights = 'full', makers, adapterBank, part } = options;
    if (weights === 'int8' && makers !== undefined)
      throw new ModelError('MODEL_BAD_CONFIG', 'layers of other makers are not rounded to int8: leave one of both out');
    const family = familyOf(config);
    this.config = config;
    this.sizes = family.sizes(config);
    this.dtype = dtype;
    this.device = device;
    this.#parameters = parameters;
    this.#makers = makers;
    const parameter = (name: string) => {
      const found = parameters.get(name);
      if (found === undefined) throw new Error(`no parameter ${name}`);
      return found;
    };
    this.#rounded = weights === 'int8' ? int8Layers() : undefined;
    this.adapters = adapterBank;
    const plain = this.#rounded ?? makers ?? {};
    this.part = part;
    const whole = { layers: { first: 0, end: this.sizes.layers }, isFirst: true, isLast: true };
    this.body = bodyOf(family, { config, parameter, dtype, makers: adapterBank?.over(plain) ?? plain }, part ?? whole);
  }

  /** A fresh model whose weights depend on (config, seed) alone. */
  static create(config: ModelConfigInput, options: ModelOptions & { readonly seed: number }): LanguageModel {
    const parsed = parseModelConfig(config);
    const { part, seed, device = 'cpu' } = options;
    const take =
      part === undefined
        ? undefined
        : (one: ParameterShape, whole: Tensor) => (holds(part, one) ? part.take(one.name, whole) : undefined);
    return new LanguageModel(parsed, initialParameters(parametersOf(parsed), seed, device, take), options);
  }

  /**
   * Reads a Hugging Face directory (config.json, model.safetensors or its sharded index) of a family that we know.
   * @param options.trainable float32 weights of our own that take gradients; otherwise (the default) the weights stay mapped
   * to the file where they can, in the dtype of the products
   * @param options.dropout instead of the directory's
   * @throws ModelError naming the file, when the directory is missing, damaged or of another kind, or the weights do not fit the memory
   */
  static load(
    directory: string,
    options: ModelOptions & { readonly trainable?: boolean; readonly dropout?: number } = {},
  ): LanguageModel {
    const { device = 'cpu', dtype = 'float32', trainable = false, part } = options;
    if (trainable && options.weights === 'int8')
      throw new ModelError('MODEL_BAD_CONFIG', 'weights of int8 take no gradients: train with the full ones');
    const { config, parameters } = loadModelDirectory(directory, { device, dtype, trainable, part });
    const { dropout = config.dropout } = options;
    return new LanguageModel({ ...config, dropout }, parameters, options);
  }

  /**
   * Of weights that another format held.
   * @param parameters all of the config's, float32, by name; the model owns them
   * @throws ModelError MODEL_BAD_CONFIG
   */
  static fromParameters(
    config: ModelConfigInput,
    parameters: ReadonlyMap<string, Tensor>,
    options: ModelOptions = {},
  ): LanguageModel {
    const parsed = parseModelConfig(config);
    for (const [name, shape] of parameterShapesOf(parsed)) {
      const there = parameters.get(name)?.shape;
      if (there?.join() !== shape.join()) throw new Error(`${name} is (${there}), not (${shape})`);
    }
    return new LanguageModel(parsed, parameters, options);
  }

  /** How it has learnt to read prompts. */
  get promptAttention(): PromptAttention {
    return this.config.objective === 'plm' ? 'prefix' : 'causal';
  }

  /** Writes a directory that transformers loads as it is; see saveModelDirectory. */
  save(directory: string, options: SaveOptions = {}): void {
    saveModelDirectory(directory, this.config, this.#parameters, options);
  }

  /** What the head sees: the normed residual stream, ids (B, T) int64 → (B, T, C) in the dtype of the products. */
  hidden(ids: Tensor, options: ForwardOptions = {}): Tensor {
    return this.advance(ids, undefined, options);
  }

  /**
   * hidden() of a part: the stream behind its last block, or what the head sees where the part has it.
   * @param stream behind the part before, (B, T, C) float32; undefined where the embedding is here
   */
  advance(
    ids: Tensor,
    stream: Tensor | undefined,
    { training = false, selective = false, range, positions }: ForwardOptions = {},
  ): Tensor {
    this.#makers?.beginPass?.(training);
    const { body, part } = this;
    return scope(() => {
      const at = positions ?? this.#positionsOf(ids);
      let x = stream ?? body.embedSequences(ids, training, positions); // (B, T, C)
      for (const block of body.blocks) x = runBlock(block, x, at, { training, selective }, range);
      return part?.isLast === false ? x : this.#whatHeadSees(x);
    });
  }

  /** advance() in training; with full recomputation only the input of each block is kept, and blocks run again in the backward pass. */
  pass(
    ids: Tensor,
    stream: Tensor | undefined,
    options: Omit<ForwardOptions, 'training'>,
    recomputation: Recomputation = 'none',
  ): PiecePass {
    if (recomputation === 'full') return this.#leanPass(ids, stream, options);
    const leaf = stream?.detach();
    if (leaf !== undefined) leaf.requiresGrad = true;
    const selective = recomputation === 'selective';
    const output = this.advance(ids, leaf, { ...options, training: true, selective });
    return {
      output,
      backward: (run) => {
        const result = run(output);
        output.dispose();
        const gradient = leaf?.grad;
        leaf?.dispose();
        return { result, gradient };
      },
    };
  }

  #leanPass(
    ids: Tensor,
    stream: Tensor | undefined,
    { range, positions }: Omit<ForwardOptions, 'training'>,
  ): PiecePass {
    this.#makers?.beginPass?.(true);
    const random = this.config.dropout > 0 || this.#makers?.beginPass !== undefined;
    const at = positions ?? this.#positionsOf(ids);
    const begin = random ? getRandomState() : undefined;
    const embed = () => this.body.embedSequences(ids, true, positions);
    const embedded = stream === undefined ? embed() : undefined;
    // Beside frozen embeddings nothing flows back behind the first block.
    const trained = stream !== undefined || embedded!.requiresGrad;
    const first = scope(() => (stream ?? embedded!).detach());
    embedded?.dispose();
    const blocks = this.body.blocks.map((block) => (x: Tensor) => runBlock(block, x, at, WHOLE, range));
    const kept = runKeepingInputs(blocks, first, random);
    return {
      output: kept.output,
      backward: (run) => {
        const last = kept.output.detach();
        last.requiresGrad = true;
        const result = scope(() => run(this.part?.isLast === false ? last : this.#whatHeadSees(last)));
        const gradient = kept.backward(last.grad!, trained);
        for (const one of [last, kept.output]) one.dispose();
        if (stream !== undefined || gradient === undefined) return { result, gradient };
        if (begin !== undefined) setRandomState(begin);
        scope(() => embed().backward(gradient));
        gradient.dispose();
        return { result, gradient: undefined };
      },
    };
  }

  #whatHeadSees(x: Tensor): Tensor {
    const normed = this.body.normalizeFinal(x);
    return this.#makers?.gatherHidden?.(normed) ?? normed;
  }

  /**
   * A training pass that keeps one block's activations at a time, for the time of a second forward pass. The gradients are those of
   * `backward(hidden(ids, { ...options, training: true }))`.
   * @param backward makes a scalar of the hidden states and calls its backward()
   * @returns what `backward` returns
   */
  recompute<T>(
    ids: Tensor,
    backward: (hidden: Tensor) => T,
    { range, positions }: Omit<ForwardOptions, 'training'> = {},
  ): T {
    this.#makers?.beginPass?.(true);
    const random = this.config.dropout > 0 || this.#makers?.beginPass !== undefined;
    if (random && this.device !== 'cpu')
      throw new ModelError('MODEL_BAD_CONFIG', `recomputation with dropout runs on the CPU only: set dropout to 0`);
    const { body } = this;
    return scope(() => {
      const at = positions ?? this.#positionsOf(ids);
      const parts = {
        embed: () => body.embedSequences(ids, true, positions),
        blocks: body.blocks.map((block) => (x: Tensor) => runBlock(block, x, at, WHOLE, range)),
        finalNorm: (x: Tensor) => this.#whatHeadSees(x),
        tied: body.tied,
        random,
      };
      return recomputeBackward(parts, backward);
    });
  }

  /** Logits from hidden states: (…, C) → (…, V) float32. A caller that needs few positions narrows `hidden` first. */
  logits(hidden: Tensor): Tensor {
    return this.body.head.logits(hidden);
  }

  /** Mean negative log-likelihood in nats a token, a scalar: ids (B, T) and targets (B, T), both int64; targets of -100 do not count. */
  loss(ids: Tensor, targets: Tensor, options: ForwardOptions = {}): Tensor {
    return scope(() => this.hiddenLoss(this.hidden(ids, options), targets));
  }

  /** The same from hidden states (…, C) and targets (…) of as many positions, without holding the logits. */
  hiddenLoss(hidden: Tensor, targets: Tensor): Tensor {
    return scope(() => this.body.head.loss(hidden.reshape(-1, this.sizes.width), targets.reshape(-1)));
  }

  /** Negative log-likelihood in nats of every token: ids (B, T), targets (B, T) → (B, T) float64. No gradients. */
  tokenLosses(ids: Tensor, targets: Tensor): Tensor {
    return scope(() => {
      const rows = this.hidden(ids).view(-1, this.sizes.width); // (B T, C)
      return this.body.head.tokenLosses(rows, targets.reshape(-1)).view(...ids.shape);
    });
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

  /** Of the decayed ones the linear maps of the blocks, which neither look up nor give logits. */
  blockMatrices(): Record<string, MatrixLayout & { readonly parameter: Tensor }> {
    return Object.fromEntries(
      parametersOf(this.config).flatMap(({ name, matrix }) => {
        const parameter = this.#parameters.get(name);
        return matrix === undefined || parameter === undefined ? [] : [[name, { ...matrix, parameter }] as const];
      }),
    );
  }

  dispose(): void {
    this.#rounded?.[Symbol.dispose]();
    for (const parameter of this.#parameters.values()) parameter.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Those of whole sequences (B, T): (T). @throws ModelError MODEL_INPUT_TOO_LONG */
  #positionsOf(ids: Tensor): Tensor {
    const [, time = 0] = ids.shape;
    const { contextLength } = this.config;
    if (time <= contextLength) return arange(0, time, 1, { dtype: 'int64', device: this.device });
    const message = `${time} tokens do not fit into the model's context of ${contextLength}: shorten the input`;
    throw new ModelError('MODEL_INPUT_TOO_LONG', message);
  }
}

/** Of a block that is run again as a whole. */
const WHOLE: BlockMode = { training: true, selective: false };

/** x (B, T, C) → (B, T, C). */
function runBlock(block: Block, x: Tensor, positions: Tensor, mode: BlockMode, range?: AttentionRange): Tensor {
  return scope(() => {
    const { stream, ...heads } = block.heads(x, positions, mode);
    return block.join(stream, attendSequences(heads, range), mode);
  });
}
