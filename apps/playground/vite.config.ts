/**
 * How the page is built. `npx vite apps/playground` serves the sources instead, with changes shown at once, and hands what is asked of
 * the server on to a `tunan serve` at TUNAN_SERVER (http://127.0.0.1:8080 when absent).
 */
import { defineConfig } from 'vite';

const server = process.env.TUNAN_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
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
  },
  server: { proxy: Object.fromEntries(['/v1', '/accounts', '/admin', '/healthz'].map((path) => [path, server])) },
});
