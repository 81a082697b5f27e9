/**
 * Megatron's indexed datasets: the token shards that training reads.
 *
 * @module @tunan/corpus/shards
 */
export type { ElementType, TokenArray } from './element-type.ts';
export { IndexedDataset } from './indexed-dataset.ts';
export { IndexedDatasetWriter, type WrittenDataset } from './indexed-dataset-writer.ts';
