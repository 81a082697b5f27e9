/**
 * The applications of a server: the gallery, a store for copies, and what was measured of each model. Copies are kept in the database of accounts;
 * without accounts in the folder of `--data`; without both until the server ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Accounts, AppsOptions } from '@tunan/api';
import type { MeasuredApp } from '@tunan/applications';
import { isAddress, type ModelSource } from '../open-models.ts';
import { galleryApps } from './find-app.ts';

interface ServedApps extends AsyncDisposable {
  readonly apps: AppsOptions;
}

/** @throws AppError for a file of the gallery or of a measure; StorageError */
export async function openApps(
  accounts: Accounts | undefined,
  data: string | undefined,
  sources: readonly ModelSource[],
): Promise<ServedApps> {
  const { AppStore, openMigrated } = await import('@tunan/api');
  const gallery = await galleryApps();
  const quality = await readQualities(sources);
  if (accounts !== undefined) {
    const apps = { gallery, quality, store: new AppStore(accounts.database) };
    return { apps, [Symbol.asyncDispose]: async () => undefined };
  }
  const folder = data ?? mkdtempSync(path.join(tmpdir(), 'tunan-apps-'));
  const database = await openMigrated(path.join(folder, 'apps.sqlite'), {}, undefined);
  return {
    apps: { gallery, quality, store: new AppStore(database) },
    [Symbol.asyncDispose]: async () => {
      await database.close();
      if (data === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function readQualities(sources: readonly ModelSource[]): Promise<ReadonlyMap<string, readonly MeasuredApp[]>> {
  const { qualityPlace, readQuality } = await import('@tunan/applications');
  const { ggufOf, nameOf } = await import('@tunan/inference');
  const found = new Map<string, readonly MeasuredApp[]>();
  for (const { name, source } of sources) {
    if (isAddress(source)) continue;
    const place = ggufOf(source) ?? source;
    found.set(name ?? nameOf(place), readQuality(qualityPlace(place)));
  }
  return found;
}
