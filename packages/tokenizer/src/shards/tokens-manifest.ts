/**
 * tokens.json of a folder of token shards: what they were made of, and what their files hold. It is written last, so that where it is the
 * shards are whole.
 */
import { z } from 'zod';

const count = z.int().min(0);
const file = z.object({ bytes: count, sha256: z.string() });
const splitTokens = z.object({
  /** Path prefix of `.bin` and `.idx`, beside tokens.json. */
  prefix: z.string(),
  documents: count,
  /** `<eod>` included. */
  tokens: count,
  /** Code points of the texts, `<eod>` not counted. */
  characters: count,
  elementType: z.enum(['uint16', 'int32']),
  bin: file,
  idx: file,
});

/** As `tunan corpus shard` writes it. */
export const tokensManifestSchema = z.object({
  format: z.literal('tunan-tokens'),
  formatVersion: z.literal(1),
  corpus: z.object({ name: z.string(), manifestSha256: z.string() }),
  tokenizer: z.object({ sha256: z.string(), vocabularySize: count, eod: count }),
  splits: z.object({ train: splitTokens, validation: splitTokens, test: splitTokens }),
});

export type TokensManifest = z.infer<typeof tokensManifestSchema>;

const readSplit = splitTokens.pick({ prefix: true, tokens: true, bin: true, idx: true });

/** What a reader of the shards needs of it: shards of other makers may have no more. */
export const readTokensSchema = tokensManifestSchema
  .omit({ corpus: true })
  .extend({ splits: z.object({ train: readSplit, validation: readSplit.optional() }) });
