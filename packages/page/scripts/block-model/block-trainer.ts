/** Trains the two forests of the block model on pages with what is to be kept of them. See train.ts. */
import { FEATURE_NAMES } from '../../src/extract/block-features.ts';
import { joinColumns, modelColumns, type StoredBlockModel } from '../../src/extract/block-model.ts';
import { Forest } from '../../src/extract/boosted-trees.ts';
import { CONTEXT_NAMES, contextFeatures } from '../../src/extract/context-features.ts';
import { type BoostingOptions, boost } from './gradient-boosting.ts';
import type { Example } from './training-pages.ts';

const FIRST: BoostingOptions = {
  trees: 120,
  depth: 5,
  rate: 0.08,
  ridge: 5,
  leafWeight: 2,
  columnShare: 0.25,
  groupShare: 0.8,
  seed: 7,
};
const SECOND: BoostingOptions = { ...FIRST, trees: 80, columnShare: 0.4, seed: 11 };

/** The second forest is trained on what first forests say about pages that they have not seen. */
const INNER_FOLDS = 2;
/** Of the many wrong blocks of foreign and made-up pages one in so many is trained on and weighs as much as all. */
const ONE_WRONG_IN = 3;

/** @param foreign foreign and made-up pages, which are many and count little */
export function trainModel(chinese: readonly Example[], foreign: readonly Example[]): StoredBlockModel {
  const many = new Set(foreign);
  const pages = [...chinese, ...foreign];
  const first = trainFirst(pages, many);
  const seen = new Map<Example, Float32Array>();
  for (let fold = 0; fold < INNER_FOLDS; fold++) {
    const forest = new Forest(
      trainFirst(
        pages.filter((_, i) => i % INNER_FOLDS !== fold),
        many,
      ),
    );
    for (const page of withVariants(pages.filter((_, i) => i % INNER_FOLDS === fold))) {
      const context = contextFeatures(
        page.tree,
        page.counts,
        page.kindOf,
        forest.probabilities(page.rows, FEATURE_NAMES.length),
      );
      seen.set(
        page,
        joinColumns(page.rows, FEATURE_NAMES.length, context, CONTEXT_NAMES.length, [...page.targets.keys()]),
      );
    }
  }
  const width = FEATURE_NAMES.length + CONTEXT_NAMES.length;
  const second = boost(
    trainingRows(withVariants(pages), many, (page) => seen.get(page)!, width),
    SECOND,
  );
  return { about: 'Made by packages/page/scripts/block-model/train.ts.', features: modelColumns(), first, second };
}

function trainFirst(pages: Example[], many: ReadonlySet<Example>) {
  return boost(
    trainingRows(withVariants(pages), many, ({ rows }) => rows, FEATURE_NAMES.length),
    FIRST,
  );
}

function withVariants(pages: Example[]): Example[] {
  return pages.flatMap((page) => [page, ...page.variants]);
}

function trainingRows(
  pages: Example[],
  many: ReadonlySet<Example>,
  rowsOf: (page: Example) => Float32Array,
  width: number,
) {
  // Which blocks of each page, so that the rows are laid out once.
  const chosen = pages.map((page) => {
    const blocks = [...page.targets.keys()];
    return many.has(page) ? blocks.filter((i) => page.targets[i]! > 0 || i % ONE_WRONG_IN === 0) : blocks;
  });
  const n = chosen.reduce((sum, blocks) => sum + blocks.length, 0);
  const data = {
    rows: new Float32Array(n * width),
    width,
    targets: new Float64Array(n),
    weights: new Float64Array(n),
    groups: new Int32Array(n),
  };
  let at = 0;
  pages.forEach((page, group) => {
    const rows = rowsOf(page);
    for (const i of chosen[group]!) {
      data.rows.set(rows.subarray(i * width, (i + 1) * width), at * width);
      data.targets[at] = Math.min(1, page.targets[i]!);
      data.weights[at] = page.weights[i]! * (many.has(page) && page.targets[i] === 0 ? ONE_WRONG_IN : 1);
      data.groups[at++] = group;
    }
  });
  return data;
}
