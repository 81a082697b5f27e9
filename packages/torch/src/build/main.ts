/**
 * The build as a program: `node packages/torch/src/build/main.ts`, called by the set-up script. Prints what it does, exits 0 when
 * the addon is ready.
 */
import { TorchError } from '../errors.ts';
import { buildAddon } from './build-addon.ts';

try {
  const began = performance.now();
  const { path, libtorch, built } = await buildAddon((found) =>
    console.log(
      `compiling the addon against libtorch ${found.version} (${found.source}, ${found.libraries}); one to five minutes …`,
    ),
  );
  if (built) console.log(`addon compiled in ${((performance.now() - began) / 1000).toFixed(0)} s: ${path}`);
  else if (process.argv.includes('--verbose')) console.log(`addon ready for libtorch ${libtorch.version}: ${path}`);
} catch (error) {
  if (!(error instanceof TorchError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
