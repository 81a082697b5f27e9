/** Characters that two texts have in common in order: the longest common subsequence, exact for every pair of stretches between common anchors. */

const ANCHOR = 12;
/** Cells of the table for one stretch; a longer one is cut in proportion. */
const LARGEST = 4e7;

export function matched(a: string, b: string): number {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return start + end + between(a.slice(start, a.length - end), b.slice(start, b.length - end));
}

/** Stretches that stand once in both texts part them into small pieces. */
function between(a: string, b: string): number {
  if (a === '' || b === '') return 0;
  if (a.length * b.length <= 250_000) return table(a, b);
  const middle = a.length >> 1;
  for (let offset = 0; offset < middle - ANCHOR; offset = offset > 0 ? -offset : 1 - offset) {
    if (Math.abs(offset) > 400) break;
    const anchor = a.substr(middle + offset, ANCHOR);
    const at = b.indexOf(anchor);
    if (at < 0 || b.indexOf(anchor, at + 1) >= 0 || a.indexOf(anchor) !== a.lastIndexOf(anchor)) continue;
    return (
      matched(a.slice(0, middle + offset), b.slice(0, at)) +
      ANCHOR +
      matched(a.slice(middle + offset + ANCHOR), b.slice(at + ANCHOR))
    );
  }
  if (a.length * b.length <= LARGEST) return table(a, b);
  return between(a.slice(0, middle), b.slice(0, b.length >> 1)) + between(a.slice(middle), b.slice(b.length >> 1));
}

function table(a: string, b: string): number {
  let above = new Uint32Array(b.length + 1);
  let row = new Uint32Array(b.length + 1);
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      row[j + 1] = a.charCodeAt(i) === b.charCodeAt(j) ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!);
    }
    [above, row] = [row, above];
  }
  return above[b.length]!;
}
