/** Speed of stage `quality` on one core, on whole pages. */
import { trainClassifier } from '@tunan/classifier';
import { goldPages } from './gold-pages.ts';
import type { LabelledDocument } from './labelled-document.ts';
import { qualityFilter } from './stage.ts';

const ROUNDS = 5;

export async function measureSpeed(documents: readonly LabelledDocument[], data: string) {
  const classifier = (await trainClassifier(documents, { steps: 20 })).withThresholds({
    advert: 0.9,
    low: 0.9,
    unsafe: 0.9,
  });
  const quality = await qualityFilter(classifier);
  const pages = goldPages(data).map(({ text }) => text);
  const bytes = pages.reduce((sum, page) => sum + Buffer.byteLength(page), 0);
  const seconds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let pass = 0; pass < 20; pass++) for (const page of pages) quality(page);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 20e6;
  });
  const median = seconds.sort((a, b) => a - b)[ROUNDS >> 1]!;
  const figures = { documentsPerSecond: pages.length / median, megabytesPerSecond: bytes / 1e6 / median };
  console.log(
    `${figures.documentsPerSecond.toFixed(0)} documents/s, ${figures.megabytesPerSecond.toFixed(1)} MB/s of UTF-8 text a core (${pages.length} pages, mean ${(bytes / pages.length / 1000).toFixed(1)} kB)`,
  );
  return figures;
}
