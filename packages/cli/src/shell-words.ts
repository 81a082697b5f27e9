/** A command line as a person can paste it: words with spaces or signs of the shell are quoted. */
export function shellLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

/** Letters of any script pass as they are. PowerShell and POSIX shells read single quotes alike, but for the quote itself. */
function quoted(word: string): string {
  if (/^[\p{L}\p{N}_@%+=:,./~-]+$/u.test(word) && !word.startsWith('~')) return word;
  return process.platform === 'win32'
    ? `'${word.replaceAll("'", "''")}'`
    : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
