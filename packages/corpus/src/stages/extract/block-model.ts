/**
 * How likely each block of a page is main text: two forests of decision trees, the second of which knows what the first
 * said about the surroundings. The trees come from scripts/block-model/train.ts and stand in block-model.json.
 */
import { readFileSync } from 'node:fs';
import { blockFeatures, FEATURE_NAMES } from './block-features.ts';
import { Forest, type StoredForest } from './boosted-trees.ts';
import { CONTEXT_NAMES, contextFeatures } from './context-features.ts';
import type { PageStatistics } from './element-statistics.ts';
import type { PageTree } from './page-tree.ts';

export type StoredBlockModel = {
  about: string;
  /** Names of the features, in the order of the columns that the trees speak of. */
  features: string;
  first: StoredForest;
  second: StoredForest;
};

export class BlockModel {
  readonly #first: Forest;
  readonly #second: Forest;

  /** @throws Error where the trees were made for other features than this code computes. */
  constructor(stored: StoredBlockModel) {
    if (stored.features !== modelColumns()) {
      throw new Error(
        'block-model.json was trained with other features: run packages/corpus/scripts/block-model/train.ts',
      );
    }
    this.#first = new Forest(stored.first);
    this.#second = new Forest(stored.second);
  }

  judge(tree: PageTree): { probabilities: Float64Array; statistics: PageStatistics } {
    const { rows, width, statistics } = blockFeatures(tree);
    const first = this.#first.probabilities(rows, width);
    const context = contextFeatures(tree, statistics.blocks, first);
    const joined = joinColumns(rows, width, context, CONTEXT_NAMES.length);
    return { probabilities: this.#second.probabilities(joined, width + CONTEXT_NAMES.length), statistics };
  }
}

/** The columns of the second forest; the first uses those before the bar. */
export function modelColumns(): string {
  return `${FEATURE_NAMES.join(' ')} | ${CONTEXT_NAMES.join(' ')}`;
}

/** Two tables side by side. */
export function joinColumns(
  left: Float32Array,
  leftWidth: number,
  right: Float32Array,
  rightWidth: number,
): Float32Array {
  const n = left.length / leftWidth;
  const width = leftWidth + rightWidth;
  const joined = new Float32Array(n * width);
  for (let i = 0; i < n; i++) {
    joined.set(left.subarray(i * leftWidth, (i + 1) * leftWidth), i * width);
    joined.set(right.subarray(i * rightWidth, (i + 1) * rightWidth), i * width + leftWidth);
  }
  return joined;
}

let model: BlockModel | undefined;

/** The model that ships with the package, read once. */
export function blockModel(): BlockModel {
  model ??= new BlockModel(
    JSON.parse(readFileSync(new URL('./block-model.json', import.meta.url), 'utf8')) as StoredBlockModel,
  );
  return model;
}
