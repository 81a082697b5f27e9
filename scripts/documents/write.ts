/**
 * Writes every generated page of docs/: `npm run docs`. A test fails where a page is behind what it is made of.
 */
import { writeFileSync } from 'node:fs';
import { generatedPages } from './generated-pages.ts';

for (const { file, wanted } of generatedPages()) writeFileSync(file, wanted);
