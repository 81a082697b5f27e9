import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { writeProblem } from './errors.ts';

/**
 * Makes a folder and those above it. Not mkdir's own `recursive`: below /proc and the like, where nothing can be made, it
 * tries for ever.
 * @throws WriteError that names the folder which cannot be made
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = path.resolve(folder); !existsSync(at) && at !== path.dirname(at); at = path.dirname(at))
    missing.push(at);
  for (const one of missing.reverse()) {
    try {
      mkdirSync(one);
    } catch (error) {
      // Somebody else may have made it meanwhile.
      if (!isFolder(one)) throw writeProblem(one, error);
    }
  }
}

function isFolder(place: string): boolean {
  try {
    return statSync(place).isDirectory();
  } catch {
    return false; // why it is none, making it has said
  }
}
