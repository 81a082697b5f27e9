/**
 * Tells lines that were written for a machine (code, commands, addresses) from lines of language, for measures that ask what language a
 * document is in: a Chinese tutorial is Chinese however much code it shows. Judged are runs of ASCII lines as a whole, since a line of
 * code may be a lone word; and blocks in fences, whatever they say. A foreign sentence is no code, nor is a table of numbers or a blob of
 * encoded data. Nothing is taken out of documents here.
 */

/** Marks that code has and sentences hardly: operators, brackets, calls, dotted names, options. */
const MARK =
  /[{}[\]<>=$\\|&_#@*/+~^`;]|[A-Za-z0-9_](?=\()|[A-Za-z0-9_)](?:[.:](?=[A-Za-z0-9_$])|::(?=[A-Za-z]))|--(?=[a-z])/g;
/** English prose has a mark in 60 characters, code in the pages at hand one in 5 to 13. */
const LEAST_MARKS = 0.075;
const LEAST_LETTERS = 1 / 3;
/** Names in code are shorter; longer runs are keys, hashes, base64. */
const BLOB = /[A-Za-z0-9+/=]{48}/;
const SPACE = /\s+/g;
const LETTER = /[A-Za-z]/g;

/** A block between two lines of ticks or tildes, with both. */
export const FENCED = /^[ \t]*(`{3,}|~{3,})[^`\n]*\n(?:[^\n]*\n)*?[ \t]*\1[`~]*[ \t]*$/gm;

/** The text without its runs of lines for machines; the same string where it has none. */
export function withoutMachineLines(text: string): string {
  const unfenced = text.includes('```') || text.includes('~~~') ? text.replace(FENCED, '') : text;
  const kept: string[] = [];
  let run: string[] = [];
  let changed = false;
  const close = () => {
    if (isForMachines(run.join('\n'))) changed = true;
    else kept.push(...run);
    run = [];
  };
  for (const line of unfenced.split('\n')) {
    if (isAscii(line)) run.push(line);
    else {
      if (run.length > 0) close();
      kept.push(line);
    }
  }
  if (run.length > 0) close();
  return changed ? kept.join('\n') : unfenced;
}

/** Whether lines of ASCII, as a whole, were written for a machine. */
export function isForMachines(run: string): boolean {
  const characters = run.replace(SPACE, '').length;
  const marks = run.match(MARK)?.length ?? 0;
  if (marks === 0 || marks < LEAST_MARKS * characters || BLOB.test(run)) return false;
  return (run.match(LETTER)?.length ?? 0) >= LEAST_LETTERS * characters;
}

function isAscii(line: string): boolean {
  for (let i = 0; i < line.length; i++) if (line.charCodeAt(i) >= 0x80) return false;
  return true;
}
