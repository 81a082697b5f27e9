/** Builds the page into a folder, which is emptied: `node apps/playground/scripts/build-page.ts OUT`. */
import path from 'node:path';
import { build } from 'vite';

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error('usage: node apps/playground/scripts/build-page.ts OUT');
  process.exitCode = 2;
} else {
  const root = path.resolve(import.meta.dirname, '..');
  const configFile = path.join(root, 'vite.config.ts');
  await build({ root, configFile, logLevel: 'error', build: { outDir: path.resolve(out) } });
}
