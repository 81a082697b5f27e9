/**
 * What one process has of a model that several hold together: some of its layers, of each parameter its part, and the ways in which the
 * parts act as one. The mesh decides: with one stage and one tensor rank it is the whole model.
 *
 * Copies of the model (the mesh's data axis) are no matter here; gradient-exchange.ts adds up what they find.
 */

import {
  type AdapterBase,
  type AdapterConfig,
  adapterFiles,
  adapterParameters,
  type DirectoryFile,
  filesBesideWeights,
  holds,
  LanguageModel,
  type LayerMakers,
  type LoraLayers,
  type ModelConfig,
  type ModelPart,
  type ModelPiece,
  modelFiles,
  type Precision,
  type Recomputation,
  type SaveOptions,
  sizesOf,
  type TakeHalf,
  weightsFile,
  weightsIndex,
} from '@tunan/model';
import { type Device, type MatrixExchange, noGrad, type ProcessGroup, type Tensor } from '@tunan/torch';
import { foldKey } from '../data/permutation.ts';
import { type Gathered, gatherParts } from './gather-parts.ts';
import { matrixParts } from './matrix-parts.ts';
import type { Mesh } from './mesh.ts';
import { ranksOfCopy } from './mesh-shape.ts';
import { sumPartialGradients } from './partial-gradients.ts';
import { straightWay, type Way } from './passage.ts';
import { modelPieces } from './pipeline-partition.ts';
import { pipelineWay } from './pipeline-way.ts';
import { tensorLayers } from './tensor-layers.ts';
import { TensorPartition } from './tensor-partition.ts';

/** Names are those of the planner's layouts. */
export interface ParallelPlan {
  /** Processes that share each product. */
  readonly tensor: number;
  /** Stages of layers one behind the other. */
  readonly pipeline: number;
  /** Pieces of a stage; more than one are interleaved. */
  readonly chunks: number;
  /** Whether the tensor's processes divide norms, dropout and the stream too, by positions. */
  readonly sequenceParallel: boolean;
}

/** What of a run's plan decides what is here. */
export interface SharePlan {
  readonly model: ModelConfig;
  readonly device: Device;
  readonly precision: Precision;
  readonly recomputation: Recomputation;
  readonly seed: number;
  readonly parallel: ParallelPlan;
}

/** How what is here is made. */
export interface ShareMakers {
  /** One piece of the model, or all of it where it is told nothing. */
  readonly model: (held: { readonly part?: ModelPart; readonly makers?: LayerMakers }) => LanguageModel;
  /** What is trained beside the model, whose own weights then stay as they are. @param take what is held of a tensor of its */
  readonly adapter?: { readonly config: AdapterConfig; readonly make: (take: TakeHalf) => LoraLayers } | undefined;
}

export class ModelShare implements Disposable {
  readonly config: ModelConfig;
  /** In the order of the forward pass; more than one with an interleaved schedule. */
  readonly pieces: readonly LanguageModel[];
  readonly way: Way;
  readonly #mesh: Mesh;
  readonly #adapter: LoraLayers | undefined;
  /** Of the model's parameters. */
  readonly #whole: TensorPartition;
  /** Of those that are trained: the model's or the adapter's. */
  readonly #partition: TensorPartition;
  readonly #isSequenceParallel: boolean;
  /** The ranks of this copy of the model. */
  readonly #copy: ProcessGroup;
  /** First and last stage, which each have the embedding, where it is the output matrix too. */
  readonly #tied: ProcessGroup | undefined;

  constructor(plan: SharePlan, mesh: Mesh, { model: make, adapter }: ShareMakers) {
    const { model: config, recomputation, parallel } = plan;
    this.config = config;
    this.#mesh = mesh;
    const { tensor, pipeline } = mesh.shape;
    this.#whole = new TensorPartition(config, tensor);
    this.#partition =
      adapter === undefined
        ? this.#whole
        : new TensorPartition(config, tensor, adapterParameters(adapter.config, config));
    this.#isSequenceParallel = parallel.sequenceParallel && tensor > 1;
    const copy = ranksOfCopy(mesh.place, mesh.shape);
    this.#copy = mesh.world.newGroup(copy)!;
    const all = modelPieces(sizesOf(config).layers, pipeline * parallel.chunks);
    const own = all.filter((_, piece) => piece % pipeline === mesh.place.pipeline);
    this.#adapter = adapter?.make((name, whole) =>
      own.some((piece) => holds(piece, this.#partition.parameters.get(name)!)) ? this.cut(name, whole) : undefined,
    );
    const makers = tensor === 1 ? this.#adapter : this.#makers();
    if (tensor * pipeline === 1) {
      this.pieces = [make({ ...(makers && { makers }) })];
      this.way = straightWay(this.pieces[0]!, recomputation);
      return;
    }
    this.pieces = own.map((piece) => make({ part: this.#partOf(piece), ...(makers && { makers }) }));
    const streamParts = this.#isSequenceParallel ? tensor : 1;
    // Processes that have all of the stream draw the same; those that have other positions of it do not.
    const part = this.#isSequenceParallel ? mesh.place.tensor : 0;
    const seedHere = (seed: number, piece = 0) => (piece + part === 0 ? seed : foldKey(seed, piece, part));
    this.way =
      pipeline === 1
        ? straightWay(this.pieces[0]!, recomputation, (seed) => seedHere(seed))
        : pipelineWay({ group: mesh.pipeline, pieces: this.pieces, recomputation, streamParts, seedHere });
    const isTied = pipeline > 1 && [...this.#partition.parameters.values()].some(({ place }) => place === 'both');
    if (isTied) this.#tied = mesh.pipeline.newGroup([0, pipeline - 1]);
  }

  static fresh(plan: SharePlan, mesh: Mesh): ModelShare {
    const { model, device, precision: dtype, seed } = plan;
    return new ModelShare(plan, mesh, {
      model: (held) => LanguageModel.create(model, { device, dtype, seed, ...held }),
    });
  }

  /** @param directory of the whole model */
  static load(plan: SharePlan, mesh: Mesh, directory: string): ModelShare {
    return new ModelShare(plan, mesh, { model: loading(plan, directory, true) });
  }

  /**
   * A model whose weights stay as they are, with an adapter beside it or none.
   * @param directory of the whole model
   */
  static frozen(plan: SharePlan, mesh: Mesh, directory: string, adapter?: ShareMakers['adapter']): ModelShare {
    return new ModelShare(plan, mesh, { model: loading(plan, directory, false), adapter });
  }

  /** The piece with the head, where it is here: what losses are asked of. */
  get head(): LanguageModel {
    return this.pieces.at(-1)!;
  }

  get isWhole(): boolean {
    return this.#copy.size === 1;
  }

  /** Those that are trained. */
  namedParameters(): ReadonlyMap<string, Tensor> {
    return this.#adapter?.namedParameters() ?? new Map(this.pieces.flatMap((piece) => [...piece.namedParameters()]));
  }

  parameterGroups(): ReturnType<LanguageModel['parameterGroups']> {
    if (this.#adapter !== undefined) return { decayed: Object.fromEntries(this.#adapter.namedParameters()), plain: {} };
    const groups = this.pieces.map((piece) => piece.parameterGroups());
    const merged = (of: 'decayed' | 'plain') => Object.assign({}, ...groups.map((group) => group[of]));
    return { decayed: merged('decayed'), plain: merged('plain') };
  }

  blockMatrices(): ReturnType<LanguageModel['blockMatrices']> {
    // Both of an adapter's maps, down (r, in) and up (out, r), are matrices by themselves.
    if (this.#adapter !== undefined)
      return Object.fromEntries(
        [...this.#adapter.namedParameters()].map(([name, parameter]) => [name, { parameter, layout: 'out-in' }]),
      );
    return Object.assign({}, ...this.pieces.map((piece) => piece.blockMatrices()));
  }

  /** For optimizers that need whole matrices; undefined where all that are here are. */
  get matrices(): MatrixExchange | undefined {
    const { tensor } = this.#mesh;
    return tensor.size === 1 ? undefined : matrixParts(tensor, this.#partition);
  }

  /** Behind the backward passes of a step: makes the gradients here those of the whole model. */
  finishGradients(): void {
    const named = this.namedParameters();
    sumPartialGradients(named, {
      group: this.#mesh.tensor,
      partition: this.#partition,
      sequenceParallel: this.#isSequenceParallel,
    });
    if (this.#tied === undefined) return;
    for (const [name, parameter] of named) {
      if (!this.isAtBothEnds(name)) continue;
      using gradient = parameter.grad;
      if (gradient !== undefined) noGrad(() => this.#tied!.allReduce(gradient));
    }
  }

  /** Whether what a parameter has here counts in a sum over all processes of this copy; of what several hold one does. */
  counts(name: string): boolean {
    if (this.isWhole) return true;
    const { place, shape } = this.#mesh;
    const isTwice = shape.pipeline > 1 && this.isAtBothEnds(name);
    return this.#partition.isFirstHolder(name, place.tensor) && (!isTwice || place.pipeline === 0);
  }

  /** The sum over all processes of this copy. */
  sum(value: number): number {
    return this.#mesh.sumOver(this.#copy, value);
  }

  /** Whether embedding and output matrix are this one parameter. */
  isAtBothEnds(name: string): boolean {
    return this.#partition.parameters.get(name)!.place === 'both';
  }

  /** Elements of a whole parameter that is trained. */
  sizeOf(name: string): number {
    return this.#partition.parameters.get(name)!.shape.reduce((product, size) => product * size, 1);
  }

  /** The part that is here of a tensor of the shape of a parameter that is trained. */
  cut(name: string, whole: Tensor): Tensor {
    return this.#partition.cut(name, whole, this.#mesh.place.tensor);
  }

  /** Processes of this copy, and which of them this one is. */
  get copy(): { readonly size: number; readonly rank: number } {
    return this.#copy;
  }

  /**
   * Tensors that go by parameters, such as moments, put together from all processes of this copy, each at one of them and one at a time.
   * @param own of this process, each of the shape of its part
   * @param parameterOf the parameter of a key
   * @param use called on each process with the whole ones that it has; it takes them in their order
   */
  gather(
    own: ReadonlyMap<string, Tensor>,
    parameterOf: (key: string) => string,
    use: (gathered: Gathered) => void,
    { atFirst = false }: { readonly atFirst?: boolean } = {},
  ): void {
    const { device, shape } = this.#mesh;
    const { tensor } = shape;
    gatherParts(own, { group: this.#copy, device, partition: this.#partition, tensor, parameterOf, atFirst }, use);
  }

  /**
   * Gives this process's files of the whole model, or of the adapter that is trained beside it. Where processes share the model each has a
   * file of weights; an adapter, and what else a directory holds, is the first process's.
   * @param base of the adapter
   */
  giveFiles(put: (file: DirectoryFile) => void, options: SaveOptions, base?: AdapterBase): void {
    const { rank, size } = this.#copy;
    const adapter = this.#adapter;
    const nameOf = (one: string) => one;
    const putAll = (files: readonly DirectoryFile[]) => {
      for (const file of files) put(file);
    };
    if (adapter !== undefined) {
      const use = ({ whole }: Gathered) => {
        const gathered = { config: adapter.config, namedParameters: () => whole };
        if (rank === 0) putAll(adapterFiles(gathered, this.config, base!));
      };
      this.gather(this.namedParameters(), nameOf, use, { atFirst: true });
      return;
    }
    this.gather(this.namedParameters(), nameOf, ({ whole, places }) => {
      if (size === 1) return putAll(modelFiles(this.config, whole, options));
      if (whole.size > 0) put(weightsFile(whole, { number: rank, of: size }));
      if (rank > 0) return;
      const sizes = [...this.#whole.parameters.values()].map(({ name, shape }): [string, readonly number[]] => [
        name,
        shape,
      ]);
      put(weightsIndex(new Map(sizes), places, size));
      putAll(filesBesideWeights(this.config, options));
    });
  }

  [Symbol.dispose](): void {
    for (const piece of this.pieces) piece.dispose();
    this.#adapter?.[Symbol.dispose]();
  }

  #makers(): LayerMakers {
    const { tensor: group, place } = this.#mesh;
    const words = { ...this.#whole.unitsOf('vocabulary', place.tensor), all: this.config.vocabularySize };
    const makeLinear = this.#adapter?.makeLinear;
    const beginPass = this.#adapter?.beginPass;
    const layers = tensorLayers({ group, words, sequenceParallel: this.#isSequenceParallel, makeLinear });
    return { ...layers, beginPass };
  }

  #partOf(piece: ModelPiece): ModelPart {
    return { ...piece, take: (name, whole) => this.#whole.cut(name, whole, this.#mesh.place.tensor) };
  }
}

function loading(
  { device, precision: dtype, model: { dropout } }: SharePlan,
  directory: string,
  trainable: boolean,
): ShareMakers['model'] {
  return (held) => LanguageModel.load(directory, { device, dtype, trainable, dropout, ...held });
}
