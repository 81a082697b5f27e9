/**
 * Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290): of two answers the chosen one shall gain more over the model
 * that the run begins with than the rejected one, with the smoothing of labels that may be wrong (Mitchell 2023, conservative DPO).
 */

/** Log-probabilities in nats of whole answers. */
export interface AnswerPair {
  readonly chosen: number;
  readonly rejected: number;
}

export interface PreferenceOptions {
  readonly beta: number;
  /** In [0, 0.5). */
  readonly labelSmoothing: number;
}

export interface PreferenceLoss {
  readonly loss: number;
  /** Of the loss by the log-probability of the chosen answer; that by the rejected one is its negative. */
  readonly slope: number;
  /** beta times what each answer gained. */
  readonly chosenReward: number;
  readonly rejectedReward: number;
}

export function preferenceLoss(policy: AnswerPair, reference: AnswerPair, options: PreferenceOptions): PreferenceLoss {
  const { beta, labelSmoothing } = options;
  const chosenReward = beta * (policy.chosen - reference.chosen);
  const rejectedReward = beta * (policy.rejected - reference.rejected);
  const margin = chosenReward - rejectedReward;
  return {
    loss: (1 - labelSmoothing) * softplus(-margin) + labelSmoothing * softplus(margin),
    slope: beta * (labelSmoothing * sigmoid(margin) - (1 - labelSmoothing) * sigmoid(-margin)),
    chosenReward,
    rejectedReward,
  };
}

/** log(1 + e^x), which is -log sigmoid(-x), for any x. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
