/**
 * Where the built page is. An installed package has it in dist/; a checkout builds it when it is asked for, once for each state of the
 * sources: the folder is named by a hash of all that goes into it, so that a stale page is never served and nothing built is committed.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));
const built = path.join(here, 'dist');
/** The lock names the versions of what is built in, and of what builds. */
const SOURCES = [
  'apps/playground/{src,scripts}/**/*.*',
  'apps/playground/{index.html,vite.config.ts}',
  'packages/protocol/src/**/*.ts',
  'package-lock.json',
];
const KEPT_MILLISECONDS = 24 * 3_600_000;

class PageError extends Error {
  /** What a person can mend: it is told in one line. */
  userMistake = true;

  /** @param {unknown} cause */
  constructor(cause) {
    const { stderr = '', message } = /** @type {Error & { stderr?: string }} */ (cause);
    const why = /^\S*Error\b.*$/m.exec(stderr)?.[0] ?? message.split('\n')[0];
    super(`the page of the server cannot be built (${why}): install what builds it, npm ci`, { cause });
    this.chinese = `无法构建服务器的网页（${why}）：请安装构建所需的包，npm ci`;
  }
}

/** @returns {Promise<string>} the folder of index.html and of what it loads */
export async function pageFolder() {
  if (existsSync(path.join(built, 'index.html'))) return built;
  const folder = path.join(built, sourcesHash());
  if (existsSync(folder)) return folder;
  const aside = `${folder}.${process.pid}`;
  try {
    // In a process of its own, so that nothing of the builder stays in the memory of a server.
    await run(process.execPath, [path.join(here, 'scripts', 'build-page.ts'), aside]);
    moveInto(aside, folder);
  } catch (cause) {
    throw new PageError(cause);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  removeOld(folder);
  return folder;
}

function sourcesHash() {
  const root = path.resolve(here, '../..');
  const hash = createHash('sha256');
  for (const file of globSync(SOURCES, { cwd: root }).sort()) {
    if (!statSync(path.join(root, file)).isFile()) continue;
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(path.join(root, file)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** Another process may have built the same meanwhile, which is as good. @param {string} from @param {string} to */
function moveInto(from, to) {
  mkdirSync(built, { recursive: true });
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

/** Servers read the page when they start, so that older ones are nobody's. @param {string} current */
function removeOld(current) {
  for (const name of readdirSync(built)) {
    const folder = path.join(built, name);
    if (folder === current) continue;
    const { mtimeMs } = statSync(folder, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > KEPT_MILLISECONDS) rmSync(folder, { recursive: true, force: true });
  }
}
