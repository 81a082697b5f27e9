/** `tunan model export --merge`: a model with an adapter in its weights, for the time of an export. */
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Report } from '../command.ts';
import type { Wishes } from './wishes.ts';

/** @param run exports the directory of the wishes that it is given */
export async function exportMerged(
  wishes: Wishes,
  adapter: string,
  anyBase: boolean,
  run: (wishes: Wishes) => Promise<Report>,
): Promise<Report> {
  const { mergeAdapter } = await import('@tunan/model');
  const model = path.resolve(wishes.dir);
  const name = `${path.basename(model)}-${path.basename(path.resolve(adapter))}`;
  // Beside the model: it takes as much room, which a folder for temporary files may not have.
  const aside = mkdtempSync(path.join(path.dirname(model), '.tunan-merge-'));
  try {
    const merged = path.join(aside, name);
    mergeAdapter(wishes.dir, adapter, merged, { anyBase });
    return await run({ ...wishes, dir: merged, place: path.join(path.dirname(model), name) });
  } finally {
    rmSync(aside, { recursive: true });
  }
}
