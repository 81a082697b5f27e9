/**
 * Activation recomputation (Chen et al. 2016): the forward pass keeps the input of each block alone; backward runs the blocks again,
 * one at a time, from the last to the first. Memory of one block's activations instead of all, for a second forward pass.
 *
 * The gradients are those of ordinary backpropagation, bit for bit: the same operations in the same order, dropout masks included.
 * It knows the order of the parts and nothing of what they compute.
 */

import { getRandomState, noGrad, scope, setRandomState, type Tensor } from '@tunan/torch';

export interface RecomputedParts {
  /** → (B, T, C). */
  readonly embed: () => Tensor;
  /** (B, T, C) → (B, T, C) each. */
  readonly blocks: readonly ((x: Tensor) => Tensor)[];
  readonly finalNorm: (x: Tensor) => Tensor;
  /** The parameter that embedding and loss share; undefined where they share none. */
  readonly tied: Tensor | undefined;
  /** Whether parts draw random numbers, of the CPU's generator. */
  readonly random: boolean;
}

/** A part as it ran forward: all that is needed to run it again. */
interface Ran {
  readonly part: (x: Tensor) => Tensor;
  readonly input: Tensor;
  readonly randomState: Uint8Array | undefined;
}

/**
 * Runs the parts forward, then `backward`, then the parts backward.
 * @param backward makes a scalar of the hidden states (B, T, C) and calls its backward()
 * @returns what `backward` returns; the gradients are added to those of the parameters
 */
export function recomputeBackward<T>(parts: RecomputedParts, backward: (hidden: Tensor) => T): T {
  const { tied, random } = parts;
  const currentState = () => (random ? getRandomState() : undefined);
  return scope(() => {
    // Ordinary backpropagation adds the sum of both uses to what earlier micro batches left; addition is not associative.
    const earlier = tied?.grad;
    if (tied !== undefined) tied.grad = undefined;
    const embeddingState = currentState();
    const embedded = parts.embed();
    // Beside frozen embeddings nothing flows back behind the first block.
    const trained = embedded.requiresGrad;
    const x = scope(() => embedded.detach());
    embedded.dispose();
    const ran = runKeepingInputs(parts.blocks, x, random);
    const endState = currentState();
    const last = leafOf(ran.output, true);
    const result = backward(parts.finalNorm(last));
    const gradient = ran.backward(gradientOf(last), trained);
    if (trained) {
      if (embeddingState !== undefined) setRandomState(embeddingState);
      parts.embed().backward(gradient);
    }
    if (endState !== undefined) setRandomState(endState);
    if (tied !== undefined && earlier !== undefined) {
      const added = gradientOf(tied);
      tied.grad = noGrad(() => earlier.add_(added));
    }
    return result;
  });
}

/** Blocks that have run forward and keep their inputs alone. */
export interface KeptInputs {
  /** Behind the last block, without a graph. */
  readonly output: Tensor;
  /**
   * Runs the blocks again, from the last to the first; the generator is then anywhere.
   * @param gradient of the output; freed
   * @param wanted whether the gradient of the first input is
   * @returns that
   */
  backward(gradient: Tensor, wanted: boolean): Tensor | undefined;
}

/** @param input of the first block; freed with the others by the backward pass */
export function runKeepingInputs(blocks: RecomputedParts['blocks'], input: Tensor, random: boolean): KeptInputs {
  let x = input;
  const ran = blocks.map((part): Ran => {
    const own = x;
    const randomState = random ? getRandomState() : undefined;
    x = asInTraining(() => part(own));
    return { part, input: own, randomState };
  });
  return {
    output: x,
    backward: (gradient, wanted) => {
      let flowing: Tensor | undefined = gradient;
      for (const each of ran.toReversed()) flowing = backwardThrough(each, flowing!, wanted || each !== ran[0]);
      return flowing;
    },
  };
}

/** Without noGrad, under which products of few rows have kernels of their own that sum in another order; what backward would need is freed. */
function asInTraining(part: () => Tensor): Tensor {
  return scope(() => part().detach());
}

/** Takes the gradient of a part's output, gives that of its input where it is wanted; both tensors of the part are freed. */
function backwardThrough(
  { part, input, randomState }: Ran,
  outputGradient: Tensor,
  wanted: boolean,
): Tensor | undefined {
  const inputGradient = scope(() => {
    if (randomState !== undefined) setRandomState(randomState);
    const leaf = leafOf(input, wanted);
    part(leaf).backward(outputGradient);
    return wanted ? gradientOf(leaf) : undefined;
  });
  input.dispose();
  outputGradient.dispose();
  return inputGradient;
}

function leafOf(x: Tensor, wanted: boolean): Tensor {
  const leaf = x.detach();
  leaf.requiresGrad = wanted;
  return leaf;
}

function gradientOf(leaf: Tensor): Tensor {
  const { grad } = leaf;
  if (grad === undefined) throw new Error('backward() left no gradient: it must start from the hidden states given');
  return grad;
}
