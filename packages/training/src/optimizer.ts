/**
 * The optimizer of a run: AdamW for all parameters, or Muon for the matrices of the blocks beside it. Its state goes by the names of the
 * parameters, so that on disk it does not depend on grouping.
 */
import type { LanguageModel } from '@tunan/model';
import { AdamW, type MatrixExchange, Muon, type OptimizerState } from '@tunan/torch';
import type { RunPlan } from './recipe/plan.ts';

/** What is trained here. */
interface TrainedParameters extends Pick<LanguageModel, 'parameterGroups' | 'blockMatrices'> {
  /** Where matrices are held in parts. */
  readonly matrices: MatrixExchange | undefined;
}

export class RunOptimizer implements Disposable {
  readonly #peak: number;
  readonly #adamw: AdamW;
  readonly #muon: { readonly optimizer: Muon; readonly peak: number } | undefined;

  /**
   * @param owns which parameters are updated here; the state of the others is another process's
   */
  constructor(
    { learningRate: { peak }, optimizer: plan, precision }: RunPlan,
    trained: TrainedParameters,
    owns: (name: string) => boolean,
  ) {
    const owned = <T>(named: Readonly<Record<string, T>>) =>
      Object.fromEntries(Object.entries(named).filter(([name]) => owns(name)));
    const { betas, epsilon, weightDecay, cautious = false, muon } = plan;
    const { decayed, plain } = trained.parameterGroups();
    const matrices = muon === undefined ? {} : trained.blockMatrices();
    const others = Object.fromEntries(Object.entries(decayed).filter(([name]) => !Object.hasOwn(matrices, name)));
    this.#peak = peak;
    this.#adamw = new AdamW(
      [
        { parameters: owned(others), weightDecay },
        { parameters: owned(plain), weightDecay: 0 },
      ],
      { learningRate: peak, betas, epsilon, cautious },
    );
    this.#muon = muon && {
      optimizer: new Muon(owned(matrices), {
        ...muon,
        weightDecay,
        cautious,
        // Its iterations leave the range of float16.
        dtype: precision === 'bfloat16' ? precision : 'float32',
        exchange: trained.matrices,
      }),
      peak: muon.learningRate,
    };
  }

  /**
   * One update of every parameter that has a gradient.
   * @param learningRate of AdamW; Muon's is the same share of its own peak
   * @param decayShare of the weight decay, what is applied
   */
  step(learningRate: number, decayShare: number): void {
    this.#adamw.learningRate = learningRate;
    this.#adamw.decayShare = decayShare;
    this.#adamw.step();
    if (this.#muon === undefined) return;
    const { optimizer, peak } = this.#muon;
    optimizer.learningRate = (learningRate / this.#peak) * peak;
    optimizer.decayShare = decayShare;
    optimizer.step();
  }

  zeroGrad(): void {
    this.#adamw.zeroGrad();
    this.#muon?.optimizer.zeroGrad();
  }

  /** The optimizers' own tensors, not copies. */
  state(): OptimizerState {
    const { step, tensors } = this.#adamw.state();
    return { step, tensors: new Map([...tensors, ...(this.#muon?.optimizer.state().tensors ?? [])]) };
  }

  /** @throws TorchError where a moment is missing or of another shape. */
  loadState(state: OptimizerState): void {
    this.#adamw.loadState(state);
    this.#muon?.optimizer.loadState(state);
  }

  [Symbol.dispose](): void {
    this.#adamw[Symbol.dispose]();
    this.#muon?.optimizer[Symbol.dispose]();
  }
}
