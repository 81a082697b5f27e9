import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { figuresMarkdown, readFigures } from './figures.ts';

test('what was measured becomes tables, what was not has none', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), '图南 figures-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, content: object) =>
    writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(content));
  const bits = (bitsPerCharacter: number) => ({ bitsPerCharacter, characters: 10, chineseCharacters: 8 });
  const both = { documents: 2, model: bits(3), ngram: bits(4) };
  write('bits', { kinds: [{ kind: 'poems', ...both }], all: both });
  const score = { accuracy: 0.5, interval: { low: 0.4, high: 0.6 }, majority: 0.45, random: 0.5, examples: 100 };
  write('zeroclue', { tasks: { eprstmt: score }, mean: { ...score, tasks: 1 } });
  const rate = { rate: 0.1, of: 50, interval: { low: 0.04, high: 0.2 } };
  write('safety-poems', { copying: { copiedShare: 0.02, texts: rate, longestRun: 31, memorised: rate } });
  const page = figuresMarkdown(readFigures(folder), 'A trial');
  for (const line of [
    '**A trial**',
    '| poems | 2 | 10 | 4.000 | 3.000 | -25.0 % |',
    '| all | 2 | 10 | 4.000 | 3.000 | -25.0 % |',
    '| eprstmt | 50.00 | 40.00 – 60.00 | 45.00 | 50.00 | 100 |',
    '## Copying from the poems',
    '| texts with such a run | 10.00 % of 50 (4.00 – 20.00) |',
    '| test documents continued word for word | — |',
  ])
    assert.ok(page.split('\n').includes(line), `${line}\n${page}`);
  assert.doesNotMatch(page, /## (Loss|fewclue|Copying from the prose)/);
});
