/** Token directories that were made of a corpus before it was changed: they still hold what was taken out, and lack what was added. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readManifest } from './manifest.ts';
import { readTokensManifest } from './shard-corpus.ts';

/**
 * Those of the corpus as it is not any more, however many changes ago.
 * @param tokens directories to look at, besides `tokens` in the corpus directory
 */
export function staleTokens(directory: string, tokens: string[]): string[] {
  const { name } = readManifest(directory);
  const now = createHash('sha256').update(readFileSync(join(directory, 'manifest.json'))).digest('hex'); // biome-ignore format: short
  const own = join(directory, 'tokens');
  const candidates = existsSync(join(own, 'tokens.json')) ? [own, ...tokens] : tokens;
  return candidates.filter((candidate) => {
    const { corpus } = readTokensManifest(candidate);
    return corpus.name === name && corpus.manifestSha256 !== now;
  });
}
