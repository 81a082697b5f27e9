/** Tables for terminals: columns aligned by what is seen, where a Chinese character takes two places. */

const WIDE = /[\p{Script=Han}\u3000-\u303f\uff00-\uff60]/u;

/** The first column is set to the left, all others to the right. */
export function alignedTable(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => displayWidth(row[column] ?? ''))));
  return all.map((row) =>
    row
      .map((cell, column) => {
        const space = ' '.repeat(widths[column]! - displayWidth(cell));
        return column === 0 ? cell + space : space + cell;
      })
      .join('  ')
      .trimEnd(),
  );
}

function displayWidth(cell: string): number {
  return [...cell].reduce((sum, character) => sum + (WIDE.test(character) ? 2 : 1), 0);
}
