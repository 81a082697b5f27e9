/**
 * A reporter for node --test that adds one line to the summary: how many tests were skipped because ../shared/data, the
 * real corpora that do not travel with the repository, is absent. Such tests skip with a reason that names it.
 */
import type { TestEvent } from 'node:test/reporters';

/** @public Node's test runner loads it by path. */
export default async function* countMissingData(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let skipped = 0;
  for await (const event of events) {
    if (event.type !== 'test:pass') continue;
    if (typeof event.data.skip === 'string' && event.data.skip.includes('shared/data')) skipped += 1;
  }
  yield `ℹ skipped because ../shared/data is absent ${skipped}\n`;
}
