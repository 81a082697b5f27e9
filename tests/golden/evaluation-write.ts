/**
 * First half of the golden log-likelihoods: writes the model and the requests for evaluation.py. The requests hold texts of
 * the data and stay out of the repository; what comes back are numbers and hashes.
 *
 *     node tests/golden/evaluation-write.ts build/golden ../shared/data/fewclue && .peers/bin/python tests/golden/evaluation.py build/golden
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { goldenModel, goldenRequests, tokenizerFile } from './evaluation-requests.ts';

const [directory, shared] = process.argv.slice(2);
if (directory === undefined || shared === undefined) throw new Error('usage: node evaluation-write.ts DIR FEWCLUE');
using model = goldenModel();
model.save(path.join(directory, 'model'), { tokenizerFile });
const fixture = path.resolve(import.meta.dirname, '../fixtures/fewclue');
for (const [set, data] of Object.entries({ fixture, shared })) {
  const lines = goldenRequests(data, model).map((request) => `${JSON.stringify(request)}\n`);
  writeFileSync(path.join(directory, `${set}.jsonl`), lines.join(''));
}
