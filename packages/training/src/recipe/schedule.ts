/**
 * Learning rate and batch size of a run, both pure functions of the number of samples already seen: whoever resumes, on
 * whatever number of processes, gets the same values. Megatron's batch ramp; warm-up and cosine as in GPT-3 and Yuan 1.0.
 */

export interface LearningRateSchedule {
  readonly peak: number;
  readonly minimum: number;
  readonly warmupSamples: number;
  /** Samples at which the decay has reached the minimum, the warm-up included. */
  readonly decaySamples: number;
  /** 'trapezoid': constant until the cooldown, then linear. */
  readonly shape: 'cosine' | 'linear' | 'constant' | 'trapezoid';
  /** Of a trapezoid: the samples before decaySamples over which it falls. */
  readonly cooldownSamples?: number | undefined;
}

/**
 * The learning rate of the step after which `samples` samples have been seen: the first step already learns, and the step
 * that ends the warm-up has the peak.
 */
export function learningRateAt(schedule: LearningRateSchedule, samples: number): number {
  const { peak, minimum, warmupSamples, decaySamples, shape } = schedule;
  if (samples < warmupSamples) return (peak * samples) / warmupSamples;
  if (shape === 'constant') return peak;
  if (samples >= decaySamples) return minimum;
  const begin = shape === 'trapezoid' ? decaySamples - (schedule.cooldownSamples ?? 0) : warmupSamples;
  if (samples < begin) return peak;
  const progress = (samples - begin) / (decaySamples - begin);
  const share = shape === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * progress)) : 1 - progress;
  return minimum + (peak - minimum) * share;
}

/**
 * Of the weight decay, what is applied in the step after which `samples` samples have been seen.
 * @param shape absent: constant; 'linear': down to 0 at the end of the run
 */
export function decayShareAt(shape: 'linear' | undefined, samples: number, all: number): number {
  return shape === 'linear' ? Math.max(0, 1 - samples / all) : 1;
}

export interface BatchSchedule {
  /** Samples a step once the ramp is over. */
  readonly globalBatch: number;
  /** From `start` up in steps of `increment`, equally many samples on each, over `samples` samples in all. */
  readonly ramp?: { readonly start: number; readonly increment: number; readonly samples: number } | undefined;
}

/** Samples in the step that begins after `samples` samples. */
export function batchAt(schedule: BatchSchedule, samples: number): number {
  const { globalBatch, ramp } = schedule;
  if (ramp === undefined || samples >= ramp.samples) return globalBatch;
  const increments = (globalBatch - ramp.start) / ramp.increment;
  const done = Math.floor((samples * increments) / ramp.samples);
  return Math.min(globalBatch, ramp.start + ramp.increment * done);
}

/** Samples seen after `steps` steps from the start. */
export function samplesAfter(schedule: BatchSchedule, steps: number): number {
  let samples = 0;
  for (let step = 0; step < steps; step++) {
    const batch = batchAt(schedule, samples);
    if (batch === schedule.globalBatch && samples >= (schedule.ramp?.samples ?? 0)) {
      return samples + (steps - step) * batch;
    }
    samples += batch;
  }
  return samples;
}

/** The fewest steps that see at least `samples` samples. */
export function stepsFor(schedule: BatchSchedule, samples: number): number {
  let seen = 0;
  let steps = 0;
  while (seen < samples) {
    const batch = batchAt(schedule, seen);
    if (seen >= (schedule.ramp?.samples ?? 0)) return steps + Math.ceil((samples - seen) / batch);
    seen += batch;
    steps++;
  }
  return steps;
}
