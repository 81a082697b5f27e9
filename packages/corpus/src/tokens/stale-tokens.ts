/** Token directories that were made of a corpus before it was changed: they still hold what was taken out, and lack what was added. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import { readManifest } from '../directory/manifest.ts';
import { readTokensManifest } from './shard-corpus.ts';

/**
 * Those of the corpus as it is not any more, however many changes ago.
 * @param tokens directories to look at, besides `tokens` in the corpus directory
 */
export function staleTokens(directory: string, tokens: string[]): string[] {
  const { name } = readManifest(directory);
  const now = fileSha256Sync(join(directory, 'manifest.json'));
  const own = join(directory, 'tokens');
  const candidates = existsSync(join(own, 'tokens.json')) ? [own, ...tokens] : tokens;
  return candidates.filter((candidate) => {
    const { corpus } = readTokensManifest(candidate);
    return corpus.name === name && corpus.manifestSha256 !== now;
  });
}
