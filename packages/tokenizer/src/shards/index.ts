/**
 * Megatron's indexed datasets, the token shards that training reads, and tokens.json that says what they were made of.
 *
 * @module @tunan/tokenizer/shards
 */
export type { ElementType, TokenArray } from './element-type.ts';
export { IndexedDataset } from './indexed-dataset.ts';
export { IndexedDatasetWriter, type WrittenDataset } from './indexed-dataset-writer.ts';
export { readTokensSchema, type TokensManifest, tokensManifestSchema } from './tokens-manifest.ts';
