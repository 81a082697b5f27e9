/** Layers that round what they multiply to 8 bits, as DynamicQuantizeLinear does: to measure what that costs. */
import { denseHead, denseLinear, type LayerMakers } from '@tunan/model';
import { scope, type Tensor } from '@tunan/torch';

export const roundedInputs: LayerMakers = {
  makeLinear: (_role, parts) => {
    const { apply, gelu, addTo } = denseLinear(parts);
    return {
      apply: (input) => scope(() => apply(rounded(input))),
      gelu: (input) => scope(() => gelu(rounded(input))),
      addTo: (residual, input) => scope(() => addTo(residual, rounded(input))),
    };
  },
  makeHead: (weight) => {
    const { logits, loss, tokenLosses, wordLogits } = denseHead(weight);
    return {
      logits: (hidden) => scope(() => logits(rounded(hidden))),
      loss: (hidden, targets) => scope(() => loss(rounded(hidden), targets)),
      tokenLosses: (hidden, targets) => scope(() => tokenLosses(rounded(hidden), targets)),
      wordLogits: (hidden, words) => scope(() => wordLogits(rounded(hidden), words)),
    };
  },
};

/** 256 steps from the least number to the largest, of which one is 0. */
function rounded(x: Tensor): Tensor {
  const all = x.reshape(-1);
  const least = Math.min(0, all.min(0).values.item());
  const largest = Math.max(0, all.max(0).values.item());
  const step = (largest - least) / 255 || 1;
  const zero = Math.round(-least / step);
  const codes = x
    .div(step)
    .add(zero + 0.5)
    .to('int32'); // which cuts off
  return codes.to('float32').sub(zero).mul(step);
}
