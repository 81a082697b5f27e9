/**
 * What a run holds while it trains: model, optimizer, position; made fresh or from a checkpoint, and given to one.
 */

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { type AdapterBase, type DirectoryFile, LanguageModel, LoraLayers, loadAdapter } from '@tunan/model';
import { readSafetensors, scope } from '@tunan/torch';
import { TrainingError } from './errors.ts';
import { GraphedPasses } from './graphed-passes.ts';
import { LossScale } from './loss-scale.ts';
import { RunOptimizer } from './optimizer.ts';
import { GradientExchange } from './parallel/gradient-exchange.ts';
import type { Mesh } from './parallel/mesh.ts';
import { ModelShare, type ShareMakers } from './parallel/model-share.ts';
import type { Way } from './parallel/passage.ts';
import { planHash, type RunPlan } from './recipe/plan.ts';
import type { CheckpointPosition, CheckpointState, GoodCheckpoint } from './run/checkpoint.ts';
import { requireSameWeights } from './run/initial-weights.ts';
import { SpikeRule } from './spike-rule.ts';
import type { DataPrint } from './training-rows.ts';

const OPTIMIZER = 'optimizer.safetensors';

/** With whom a model is trained, and who keeps the state of the optimizer. */
export interface ExchangePlan {
  readonly mesh: Mesh;
  readonly sharded: boolean;
  /** Whether forward and backward passes run as graphs of the device. */
  readonly graphed?: boolean;
}

type MakeAdapter = NonNullable<ShareMakers['adapter']>['make'];

interface TrainerOptions extends ExchangePlan {
  readonly plan: RunPlan;
}

export class Trainer implements Disposable {
  readonly plan: RunPlan;
  /** Of the model what is here. */
  readonly share: ModelShare;
  /** The piece of it with the head, where that is here. */
  readonly model: LanguageModel;
  readonly optimizer: RunOptimizer;
  /** How micro batches go through the model. */
  readonly way: Way;
  readonly mesh: Mesh;
  readonly exchange: GradientExchange;
  /** Where passes run as graphs of the device. */
  readonly graphs: GraphedPasses | undefined;
  /** Steps done. */
  step = 0;
  /** Samples seen: the number of the next sample. */
  samples = 0;
  /** Absent where every step updates the weights. */
  spikes: SpikeRule | undefined;
  /** Absent where products are not float16. */
  lossScale: LossScale | undefined;
  /** The newest checkpoint on disk that is of this run. */
  lastCheckpoint: string | undefined;

  private constructor({ plan, mesh, sharded, graphed = false }: TrainerOptions, share: ModelShare) {
    this.plan = plan;
    this.share = share;
    this.model = share.head;
    this.mesh = mesh;
    this.way = share.way;
    this.spikes = plan.skipSpikes && new SpikeRule(plan.skipSpikes);
    this.lossScale = plan.lossScale && new LossScale(plan.lossScale);
    // Blocks that are run again are passes of their own: what several use, such as a tied embedding, is whole only at the end.
    // Of several pieces of a stage each has its own last pass.
    // A graph holds nothing that goes to other processes.
    const overlapped = plan.recomputation !== 'full' && plan.parallel.chunks === 1 && !graphed;
    this.exchange = new GradientExchange(mesh, share.namedParameters(), { sharded, overlapped, share });
    this.graphs = graphed ? new GraphedPasses(share.head, share.way, [...share.namedParameters().values()]) : undefined;
    this.optimizer = new RunOptimizer(plan, share, (name) => this.exchange.owns(name));
  }

  /** With the weights that the plan begins with: fresh ones, or another model's. */
  static fresh(plan: RunPlan, exchange: ExchangePlan): Trainer {
    const options = { plan, ...exchange };
    const { mesh } = exchange;
    const { device, seed, from, lora, model } = plan;
    if (lora !== undefined) {
      const make: MakeAdapter = (take) => LoraLayers.fresh(lora, model, seed, device, take);
      return new Trainer(options, ModelShare.frozen(plan, mesh, from!.directory, { config: lora, make }));
    }
    return new Trainer(
      options,
      from === undefined ? ModelShare.fresh(plan, mesh) : ModelShare.load(plan, mesh, from.directory),
    );
  }

  /**
   * @param planHashes of the plan and of those that it extends, whose data may be other
   * @throws TrainingError TRAINING_OTHER_RECIPE
   */
  static fromCheckpoint(
    plan: RunPlan,
    { directory: checkpoint, state }: GoodCheckpoint,
    prints: readonly DataPrint[],
    planHashes: readonly string[],
    exchange: ExchangePlan,
  ): Trainer {
    if (!planHashes.includes(state.planHash)) {
      throw new TrainingError('TRAINING_OTHER_RECIPE', {
        en: `${checkpoint} belongs to another recipe: choose another output directory`,
        zh: `${checkpoint} 属于另一配方：请换一个输出目录`,
      });
    }
    if (state.planHash === planHashes[0]) requireSameData(checkpoint, state, prints);
    const trainer = Trainer.#fromWeights({ plan, ...exchange }, checkpoint);
    trainer.#loadOptimizer(checkpoint);
    trainer.step = state.step;
    trainer.samples = state.samples;
    trainer.spikes = plan.skipSpikes && new SpikeRule(plan.skipSpikes, state.recent);
    trainer.lossScale = plan.lossScale && new LossScale(plan.lossScale, state.lossScale);
    trainer.lastCheckpoint = checkpoint;
    return trainer;
  }

  static #fromWeights(options: TrainerOptions, checkpoint: string): Trainer {
    const { plan, mesh } = options;
    const { device, lora, from, model } = plan;
    if (lora === undefined) return new Trainer(options, ModelShare.load(plan, mesh, checkpoint));
    requireSameWeights(from!);
    const make: MakeAdapter = (take) => loadAdapter(checkpoint, model, device, take);
    return new Trainer(options, ModelShare.frozen(plan, mesh, from!.directory, { config: lora, make }));
  }

  /** Where the run is, as a checkpoint says it. */
  position(prints: readonly DataPrint[]): CheckpointPosition {
    return {
      step: this.step,
      samples: this.samples,
      tokens: this.samples * this.plan.sequenceLength,
      seed: this.plan.seed,
      planHash: planHash(this.plan),
      ...(this.spikes && { recent: this.spikes.recent }),
      ...(this.lossScale && { lossScale: this.lossScale.state }),
      sources: prints.map(({ documents, tokens, sha256 }) => ({ documents, tokens, sha256 })),
    };
  }

  /** Gives this process's files of a checkpoint. Called on all processes: those of a copy put whole tensors together, each some. */
  giveFiles(put: (file: DirectoryFile) => void, tokenizerFile?: string): void {
    const { data } = this.mesh;
    if (data.rank === 0) this.share.giveFiles(put, { card: trainingCard(this), tokenizerFile }, baseOf(this.plan));
    const { isSharded } = this.exchange;
    if (data.rank > 0 && !isSharded) return;
    const { step, tensors } = this.optimizer.state();
    const { rank, size } = this.share.copy;
    const name = optimizerFile(data.rank * size + rank, (isSharded ? data.size : 1) * size);
    this.share.gather(tensors, parameterOf, ({ whole }) => {
      if (whole.size > 0) put({ name, tensors: whole, metadata: { step: String(step) } });
    });
  }

  /** Runs what asks for all of the model: where processes share it, that of the newest checkpoint, read for the time of it. */
  async withWholeModel<T>(body: (model: LanguageModel) => Promise<T>): Promise<T> {
    if (this.share.isWhole) return body(this.model);
    const { device, precision: dtype, lora, from, model: config } = this.plan;
    using adapter = lora && loadAdapter(this.lastCheckpoint!, config, device);
    const directory = lora === undefined ? this.lastCheckpoint! : from!.directory;
    using model = LanguageModel.load(directory, { device, dtype, ...(adapter && { makers: adapter }) });
    return await body(model);
  }

  [Symbol.dispose](): void {
    this.graphs?.[Symbol.dispose]();
    this.optimizer[Symbol.dispose]();
    this.share[Symbol.dispose]();
  }

  /** Of the files of as many processes as there were what is this one's. */
  #loadOptimizer(checkpoint: string): void {
    scope(() => {
      const files = optimizerFiles(checkpoint);
      const readers = files.map((file) => readSafetensors(file));
      try {
        const places = new Map(readers.flatMap((reader) => reader.names().map((name) => [name, reader] as const)));
        const names = [...this.optimizer.state().tensors.keys()];
        requireSameOptimizer(files[0]!, names, [...places.keys()]);
        const found = names.flatMap((name) => {
          const tensor = places.get(name)?.get(name);
          if (tensor === undefined) return [];
          return [[name, this.share.isWhole ? tensor : this.share.cut(parameterOf(name), tensor)] as const];
        });
        this.optimizer.loadState({ step: Number(readers[0]!.metadata.step), tensors: new Map(found) });
      } finally {
        for (const reader of readers) reader[Symbol.dispose]();
      }
    });
  }
}

/** Whose state a tensor of the optimizer is. */
function parameterOf(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}

/** optimizer.safetensors where one process has it all, else a file for each. */
function optimizerFile(rank: number, ranks: number): string {
  const number = (n: number) => String(n).padStart(5, '0');
  return ranks === 1 ? OPTIMIZER : `optimizer-${number(rank + 1)}-of-${number(ranks)}.safetensors`;
}

/** The files of the optimizer in a checkpoint, whose hashes were found good. */
function optimizerFiles(checkpoint: string): string[] {
  const names = readdirSync(checkpoint).filter((name) => /^optimizer(-\d+-of-\d+)?\.safetensors$/.test(name));
  return names.sort().map((name) => path.join(checkpoint, name));
}

/** Of an adapter. */
function baseOf({ from, lora }: RunPlan): AdapterBase | undefined {
  return lora && { name: path.basename(from!.directory), sha256: from!.sha256 };
}

/** Momenta are Muon's alone: a run may be extended with other rates, not with another optimizer. */
function requireSameOptimizer(file: string, needed: readonly string[], found: readonly string[]): void {
  const kindOf = (names: readonly string[]) => (names.some((name) => name.startsWith('momentum.')) ? 'muon' : 'adamw');
  const [asked, before] = [kindOf(needed), kindOf(found)];
  if (asked === before) return;
  throw new TrainingError('TRAINING_OTHER_RECIPE', {
    en: `${file} is the state of ${before}, the recipe asks for ${asked}: write "kind": "${before}" under optimizer, or begin a run with these weights by --from`,
    zh: `${file} 是 ${before} 的状态，配方要的是 ${asked}：请在 optimizer 中写 "kind": "${before}"，或用 --from 以这些权重另起训练`,
  });
}

function requireSameData(checkpoint: string, state: CheckpointState, prints: readonly DataPrint[]): void {
  for (const [index, { place, sha256 }] of prints.entries()) {
    if (sha256 === state.sources[index]?.sha256) continue;
    throw new TrainingError('TRAINING_OTHER_RECIPE', {
      en: `${place} is not the data that ${checkpoint} was trained on: give back the old data, or go on with other data by --extend`,
      zh: `${place} 不是 ${checkpoint} 训练所用的数据：请还原旧数据，或用 --extend 以新数据继续`,
    });
  }
}

function trainingCard({ plan, step, samples }: Trainer): string {
  const tokens = samples * plan.sequenceLength;
  const { muon } = plan.optimizer;
  const matrices =
    muon === undefined ? '' : `Muon with a peak of ${muon.learningRate} for the matrices of the blocks, `;
  return `## Training

${objectiveSentence(plan)} ${documentsSentence(plan)}

Step ${step} of ${plan.steps}, ${tokens.toLocaleString('en-US')} tokens in samples of ${plan.sequenceLength}, global batch
${plan.batch.globalBatch}, ${matrices}AdamW with a peak learning rate of ${plan.learningRate.peak}, ${plan.precision} products, seed ${plan.seed}.
`;
}

function objectiveSentence({ prefix }: RunPlan): string {
  if (prefix === undefined) return 'Objective: LM, a causal language model.';
  const [least, most] = [prefix.least, prefix.most].map((share) => `${Math.round(100 * share)} %`);
  const masked = prefix.mask === undefined ? '' : maskSentence(prefix.mask);
  return `Objective: PLM, a prefix language model. ${least} to ${most} of each document was its prefix, read with attention in both
directions; the loss is over what follows.${masked} A prompt is to be read as a prefix: tunan does, other programs read it causally.`;
}

function maskSentence({ part, probability }: NonNullable<NonNullable<RunPlan['prefix']>['mask']>): string {
  const where = { All: 'Of all tokens', Prefix: 'Of the tokens of the prefix', Target: 'Of the tokens behind it' }[
    part
  ];
  return ` ${where} ${Math.round(100 * probability)} % were replaced by \`<mask>\`.`;
}

function documentsSentence({ packing, attention }: RunPlan): string {
  const rows = packing === 'stream' ? 'Documents end to end' : 'Rows of whole documents';
  return `${rows}, attention within the ${attention}.`;
}
