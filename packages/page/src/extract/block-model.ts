/**
 * How likely each block of a page is main text: two forests of decision trees, the second of which knows what the first
 * said about the surroundings. The trees come from scripts/block-model/train.ts and stand in block-model.json.
 */
import { readFileSync } from 'node:fs';
import { blockFeatures, FEATURE_NAMES } from './block-features.ts';
import { Forest, type StoredForest } from './boosted-trees.ts';
import { CONTEXT_NAMES, contextFeatures } from './context-features.ts';
import { isNamedPost, type PageContext } from './page-context.ts';
import type { PageElement, PageTree } from './page-tree.ts';

export interface StoredBlockModel {
  about: string;
  /** Names of the features, in the order of the columns that the trees speak of. */
  features: string;
  first: StoredForest;
  second: StoredForest;
}

/** First probabilities below this are final. */
const SURELY_NOT = 0.005;

export class BlockModel {
  readonly #first: Forest;
  readonly #second: Forest;

  /** @throws Error where the trees were made for other features than this code computes. */
  constructor(stored: StoredBlockModel) {
    if (stored.features !== modelColumns()) {
      throw new Error(
        'block-model.json was trained with other features: run packages/page/scripts/block-model/train.ts',
      );
    }
    this.#first = new Forest(stored.first);
    this.#second = new Forest(stored.second);
  }

  judge(tree: PageTree): { probabilities: Float64Array; page: PageContext } {
    const { rows, width, page } = blockFeatures(tree);
    const first = this.#first.probabilities(rows, width);
    const context = contextFeatures(tree, page.counts, page.kindOf, first);
    // Most blocks are surely none of the text; the second forest need not look at them.
    const open = [...first.keys()].filter((i) => first[i]! >= SURELY_NOT);
    const joined = joinColumns(rows, width, context, CONTEXT_NAMES.length, open);
    const second = this.#second.probabilities(joined, width + CONTEXT_NAMES.length);
    const probabilities = first.slice();
    open.forEach((block, k) => {
      probabilities[block] = second[k]!;
    });
    return { probabilities: alikeInPosts(page, probabilities), page };
  }
}

/** Posts from which a place is told. */
const LEAST_POSTS = 3;

/** What the blocks in the same place of all posts promise, and those of the opening post alone. */
interface Place {
  posts: Set<PageElement>;
  mass: number;
  size: number;
  openingMass: number;
  openingSize: number;
}

/**
 * What stands in the same place of every post is text in all of them or in none, so that «同问» stays and a motto goes:
 * where posts are named so, such a block is judged by all in its place, else half by itself. Where the first prose of the
 * page is one of the posts, it opens a thread: what stands in a reply where that is written is as likely text.
 */
function alikeInPosts(page: PageContext, probabilities: Float64Array): Float64Array {
  const posts = page.blocks.map(({ element }) => page.postOf(element));
  if (new Set(posts.filter((post) => post !== undefined)).size < LEAST_POSTS) return probabilities;
  const places = new Map<string, Place>();
  const placeOf = posts.map((post, i) => {
    if (post === undefined) return undefined;
    const name = page.placeIn(post, page.blocks[i]!.element);
    let place = places.get(name);
    if (place === undefined) {
      place = { posts: new Set(), mass: 0, size: 0, openingMass: 0, openingSize: 0 };
      places.set(name, place);
    }
    const size = page.counts[i]!.characters + 1;
    place.posts.add(post);
    place.mass += size * probabilities[i]!;
    place.size += size;
    if (page.isOpening(post)) {
      place.openingMass += size * probabilities[i]!;
      place.openingSize += size;
    }
    return place;
  });
  return probabilities.map((own, i) => {
    const place = placeOf[i];
    if (place === undefined || place.posts.size < LEAST_POSTS) return own;
    const mean = place.mass / place.size;
    const alike = isNamedPost(posts[i]!) ? mean : (own + mean) / 2;
    return place.openingSize === 0 ? alike : Math.max(alike, place.openingMass / place.openingSize);
  });
}

/** The columns of the second forest; the first uses those before the bar. */
export function modelColumns(): string {
  return `${FEATURE_NAMES.join(' ')} | ${CONTEXT_NAMES.join(' ')}`;
}

/** Two tables side by side, of the chosen rows. */
export function joinColumns(
  left: Float32Array,
  leftWidth: number,
  right: Float32Array,
  rightWidth: number,
  chosen: number[],
): Float32Array {
  const width = leftWidth + rightWidth;
  const joined = new Float32Array(chosen.length * width);
  chosen.forEach((i, k) => {
    joined.set(left.subarray(i * leftWidth, (i + 1) * leftWidth), k * width);
    joined.set(right.subarray(i * rightWidth, (i + 1) * rightWidth), k * width + leftWidth);
  });
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
