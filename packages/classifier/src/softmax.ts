/** @param logits divided by `temperature` before */
export function softmax(logits: ArrayLike<number>, temperature: number): Float64Array {
  const scaled = Float64Array.from(logits, (logit) => logit / temperature);
  const largest = Math.max(...scaled);
  let sum = 0;
  for (let i = 0; i < scaled.length; i++) {
    scaled[i] = Math.exp(scaled[i]! - largest);
    sum += scaled[i]!;
  }
  return scaled.map((value) => value / sum);
}
