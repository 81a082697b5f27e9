/** Each source out of training alone: how well do the others teach it? */
import { trainClassifier } from '@tunan/classifier';
import type { LabelledDocument } from './labelled-document.ts';

export async function measureSources(
  documents: readonly LabelledDocument[],
  seed: number,
  named: readonly string[] = [...new Set(documents.map((one) => one.source))].sort(),
) {
  const rows = [];
  const labels = [...new Set(documents.map(({ label }) => label))].sort();
  console.log('source taken out of training    recall of its documents by label');
  for (const source of named) {
    const rest = documents.filter((one) => one.source !== source);
    const own = documents.filter((one) => one.source === source);
    const classifier = await trainClassifier(rest, { labels, seed });
    const predicted = classifier.classify(own.map(({ text }) => text));
    const recall = Object.fromEntries(
      Array.from(
        Map.groupBy(own.keys(), (i) => own[i]!.label),
        ([label, at]) => {
          const right = at.filter((i) => predicted[i]!.label === label).length;
          return [label, { documents: at.length, recall: right / at.length }];
        },
      ),
    );
    const shown = Object.entries(recall).map(([label, one]) => `${label} ${one.recall.toFixed(3)} of ${one.documents}`);
    console.log(`${source.padEnd(30)}  ${shown.join('  ')}`);
    rows.push({ source, recall });
  }
  return rows;
}
