/**
 * Runs tests of the engine under AddressSanitizer: builds the addon a second time with it (another folder of the cache), preloads the
 * compiler's library, and lets every tensor be a block of the system's allocator, so that each access outside of one is seen.
 *
 *   npm run -s test:sanitize [-- FILE…]        the operation, kernel and optimizer tests of packages/torch unless files are named
 *
 * Linux with GCC. Leaks are not looked for: Node keeps what it has until it exits.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : globSync(
        'packages/torch/src/{adamw,affine,attention,cross-entropy,degenerate-shapes,gradients,muon,operation-*,row-kernels,scope,tensor}.test.ts',
        {
          cwd: root,
        },
      );
const environment: NodeJS.ProcessEnv = { ...process.env, TUNAN_SANITIZE: 'address' };

function run(args: readonly string[], env: NodeJS.ProcessEnv): void {
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** The sanitizer must be loaded before everything else, and libstdc++ with it, or it cannot see C++ exceptions. */
function libraryOf(name: string): string {
  return execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

run(['packages/torch/src/build/main.ts'], environment);
run(['--test', '--test-concurrency=1', ...files], {
  ...environment,
  LD_PRELOAD: `${libraryOf('libasan.so')} ${libraryOf('libstdc++.so')}`,
  ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
});
