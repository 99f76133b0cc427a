//! How the pages are built: the watch page and the studio, hashed files below /assets/, nothing inline.
//!
//! In: src. Out: dist/index.html, dist/studio.html and dist/assets/*. Does not know who serves them.

import { type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** A page may load from its own address only; players need blobs for the picture. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self' blob:",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Vite's development server needs inline scripts, so the policy is added when building. */
function policy(): Plugin {
  return {
    name: 'policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

export default defineConfig({
  base: '/',
  plugins: [policy()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
    reportCompressedSize: false,
    rolldownOptions: { input: ['index.html', 'studio.html'] },
  },
  // One file at a time: the pages' tests measure time, each in a browser of its own.
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});
