/** Rounding as the K-quants do it. */

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** From here on float32 holds no fractions: adding it rounds, to the even of two that are as near. */
const NO_FRACTIONS = 12_582_912; // 2^23 + 2^22

/** The nearest whole number of a float32 below 2^22, halves to the even one. */
export function nearest(value: number): number {
  return Math.fround(value + NO_FRACTIONS) - NO_FRACTIONS;
}
