/**
 * Finds long beginnings that many requests share, such as the solved examples of a few-shot prompt, so that they are
 * computed once. A trunk never reaches into what is scored, and leaves every request a token of its own.
 */

import { type BranchPlan, commonLength } from './branch-plan.ts';

export interface TrunkGroup {
  /** Empty where the requests share nothing worth it. */
  readonly trunk: readonly number[];
  /** Indices of the requests. */
  readonly members: readonly number[];
}

/** Below this a trunk costs more in bookkeeping than it saves. */
const LEAST_TRUNK = 48;
const LEAST_MEMBERS = 3;
/** A request that would shorten the trunk to less than this share of it begins another group. */
const KEPT_SHARE = 0.8;

export function groupByTrunk(plans: readonly BranchPlan[]): TrunkGroup[] {
  const order = plans.map((_, i) => i).sort((a, b) => compare(plans[a]!.prefix, plans[b]!.prefix) || a - b);
  const groups: TrunkGroup[] = [];
  const loose: number[] = [];
  for (let i = 0; i < order.length; ) {
    const group = groupFrom(plans, order, i);
    if (group.members.length >= LEAST_MEMBERS && group.trunk.length >= LEAST_TRUNK) {
      groups.push(group);
      i += group.members.length;
    } else {
      loose.push(order[i++]!);
    }
  }
  if (loose.length > 0) groups.push({ trunk: [], members: loose });
  return groups;
}

function groupFrom(plans: readonly BranchPlan[], order: readonly number[], first: number): TrunkGroup {
  const { prefix } = plans[order[first]!]!;
  let length = roomFor(plans[order[first]!]!);
  const members = [order[first]!];
  for (let i = first + 1; i < order.length && length >= LEAST_TRUNK; i++) {
    const next = plans[order[i]!]!;
    const shared = Math.min(commonLength(prefix, next.prefix), roomFor(next));
    // The first pair says what is shared at all; after it the trunk should not melt away.
    const least = members.length === 1 ? LEAST_TRUNK : KEPT_SHARE * length;
    if (shared < least) break;
    length = Math.min(length, shared);
    members.push(order[i]!);
  }
  return { trunk: prefix.slice(0, length), members };
}

/** The longest trunk that a plan allows. */
function roomFor({ prefix, targets }: BranchPlan): number {
  return Math.min(prefix.length - 1, targets[0]!.row);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = commonLength(a, b);
  return (a[i] ?? -1) - (b[i] ?? -1);
}
