/**
 * How the page is built. `npx vite apps/playground` serves the sources instead, with changes shown at once, and hands what is asked of
 * the server on to a `tunan serve` at TUNAN_SERVER (http://127.0.0.1:8000 when absent).
 */
import { defineConfig, type Plugin } from 'vite';

const server = process.env.TUNAN_SERVER ?? 'http://127.0.0.1:8000';

/** What all pages share, with the first page. */
const SHARED = 'shared';

/**
 * The file that every visit begins with is compiled whole beside the main thread while it arrives, and not function by function as each is
 * called first: https://v8.dev/blog/explicit-compile-hints. The comment counts in the first line alone.
 */
const compiledAhead: Plugin = {
  name: 'compiled-ahead',
  generateBundle: {
    order: 'post',
    handler: (_, bundle) => {
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk' && file.name === SHARED) file.code = `//# allFunctionsCalledOnLoad\n${file.code}`;
      }
    },
  },
};

export default defineConfig({
  plugins: [compiledAhead],
  // Relative, so that a proxy may put the server below any path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: ['chrome111', 'firefox115', 'safari16.4'],
    assetsDir: 'page',
    emptyOutDir: true,
    // A data: address would be another thing for the content policy to allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // One file, not one for each set of pages that share a part.
        codeSplitting: {
          groups: [
            {
              name: SHARED,
              test: /playground\/src\/(parts|shell|pages\/(write\/|[^/]+$)|server\/(?!open-api|no-eval)|[^/]+$)|preact|idb/,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(['/v1', '/accounts', '/admin', '/studies', '/healthz'].map((path) => [path, server])),
  },
});
