/** F1 over the characters that two texts have in the same order: their longest common subsequence, bit by bit (Hyyrö). */
export function matchScore(gold: string, got: string): number {
  const a = [...gold];
  const b = [...got];
  if (a.length === 0 || b.length === 0) return 0;
  const common = commonLength(a, b);
  return (2 * common) / (a.length + b.length);
}

const BITS = 31;
const FULL = 0x7fffffff;

function commonLength(a: string[], b: string[]): number {
  const words = Math.ceil(a.length / BITS);
  const places = new Map<string, Int32Array>();
  a.forEach((character, i) => {
    let mask = places.get(character);
    if (mask === undefined) {
      mask = new Int32Array(words);
      places.set(character, mask);
    }
    mask[Math.floor(i / BITS)]! |= 1 << (i % BITS);
  });
  const open = new Int32Array(words).fill(FULL);
  for (const character of b) {
    const mask = places.get(character);
    if (mask === undefined) continue;
    let carry = 0;
    for (let w = 0; w < words; w++) {
      const v = open[w]!;
      const u = v & mask[w]!;
      const sum = v + u + carry;
      carry = sum > FULL ? 1 : 0;
      open[w] = (sum % 2_147_483_648) | (v & ~u & FULL);
    }
  }
  let common = 0;
  for (let i = 0; i < a.length; i++) if (((open[Math.floor(i / BITS)]! >>> (i % BITS)) & 1) === 0) common++;
  return common;
}
