/**
 * How the page is built. `npx vite apps/playground` serves the sources instead, with changes shown at once, and hands what is asked of
 * the server on to a `tunan serve` at TUNAN_SERVER (http://127.0.0.1:8000 when absent).
 */
import { defineConfig, type Plugin } from 'vite';

const server = process.env.TUNAN_SERVER ?? 'http://127.0.0.1:8000';

/** What the beginning of the address shows, which would otherwise be asked for only when the shell has run. */
const FIRST_PAGE = 'src/pages/write/page.tsx';

const preloadFirstPage: Plugin = {
  name: 'preload-first-page',
  transformIndexHtml: {
    order: 'post',
    handler: (html, { bundle = {} }) => {
      const chunks = Object.values(bundle).filter((one) => one.type === 'chunk');
      const page = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(FIRST_PAGE));
      if (page === undefined) return [];
      const styles = page.viteMetadata?.importedCss ?? [];
      return [
        ...[page.fileName, ...page.imports.filter((name) => !html.includes(name))].map((name) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `./${name}` },
        })),
        ...[...styles].map((href) => ({
          tag: 'link',
          // Behind the style of all pages, as it would come by itself.
          injectTo: 'head' as const,
          attrs: { rel: 'stylesheet', crossorigin: true, href: `./${href}` },
        })),
      ];
    },
  },
};

export default defineConfig({
  plugins: [preloadFirstPage],
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
        // What all pages share is one file, not one for each set of pages that share a part.
        codeSplitting: {
          groups: [{ name: 'shared', test: /playground\/src\/(parts|server\/(?!open-api|no-eval)|[^/]+$)|preact/ }],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(['/v1', '/accounts', '/admin', '/studies', '/healthz'].map((path) => [path, server])),
  },
});
