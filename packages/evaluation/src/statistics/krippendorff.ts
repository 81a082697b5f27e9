/**
 * Krippendorff's alpha for nominal data (Krippendorff 2011, «Computing Krippendorff's Alpha-Reliability»): 1 where all judges of a unit
 * agree, 0 where they agree as often as chance would have it. Judges may have judged different units.
 */

/**
 * @param units what was said of each unit, by whomever; those that fewer than two judged say nothing
 * @returns undefined where everybody always said the same, or no unit was judged twice
 */
export function nominalAlpha(units: readonly (readonly string[])[]): number | undefined {
  const totals = new Map<string, number>();
  let values = 0;
  /** Sum over units of the pairs that differ, each unit's by the number of its values but one. */
  let disagreeing = 0;
  for (const unit of units) {
    if (unit.length < 2) continue;
    const counts = new Map<string, number>();
    for (const value of unit) counts.set(value, (counts.get(value) ?? 0) + 1);
    let equal = 0;
    for (const [value, count] of counts) {
      totals.set(value, (totals.get(value) ?? 0) + count);
      equal += count * count;
    }
    values += unit.length;
    disagreeing += (unit.length * unit.length - equal) / (unit.length - 1);
  }
  let equal = 0;
  for (const count of totals.values()) equal += count * count;
  const expected = (values * values - equal) / (values - 1);
  return values === 0 || expected === 0 ? undefined : 1 - disagreeing / expected;
}
