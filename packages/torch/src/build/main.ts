/**
 * The build as a program, called by the set-up script: `node packages/torch/src/build/main.ts`. Prints what happens as one JSON
 * object a line (the set-up puts it into words), and exits 0 when the addon is ready.
 */
import { TorchError } from '../errors.ts';
import { buildAddon } from './build-addon.ts';

type BuildEvent =
  | { readonly event: 'compiling'; readonly version: string; readonly source: string; readonly libraries: string }
  | { readonly event: 'ready'; readonly path: string; readonly version: string }
  | { readonly event: 'failed'; readonly message: string; readonly chinese: string };

function print(event: BuildEvent): void {
  console.log(JSON.stringify(event));
}

try {
  const { path, libtorch } = await buildAddon(({ version, source, libraries }) =>
    print({ event: 'compiling', version, source, libraries }),
  );
  print({ event: 'ready', path, version: libtorch.version });
} catch (error) {
  if (!(error instanceof TorchError)) throw error;
  print({ event: 'failed', message: error.message, chinese: error.chinese ?? error.message });
  process.exitCode = 1;
}
