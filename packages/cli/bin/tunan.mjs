#!/usr/bin/env node
/** Starts the command line: TypeScript sources in a checkout, the built JavaScript when installed from npm. */
import { existsSync } from 'node:fs';
import { exit, stderr, versions } from 'node:process';

if (Number.parseInt(versions.node, 10) < 24) {
  stderr.write(
    `error: tunan needs Node 24 or newer, this is ${versions.node}; 'npm install node@24' puts it beside tunan\n`,
  );
  exit(1);
}
const built = new URL('../dist/main.js', import.meta.url);
await import(existsSync(built) ? built.href : new URL('../src/main.ts', import.meta.url).href);
