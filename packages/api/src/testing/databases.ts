/**
 * Real databases for tests: SQLite files, and a PostgreSQL server of its own, where its programs are installed, in a folder that is
 * removed at the end. Only local sockets, no durability.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface TestFolder extends Disposable {
  readonly folder: string;
}

export function testFolder(): TestFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-accounts-'));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }) };
}

export interface PostgresServer {
  /** The URL of a new, empty database. */
  newDatabase(): Promise<string>;
  /** Ends the server at once, as when its machine goes down. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/** @returns undefined where the programs are not installed */
export async function postgresServer(): Promise<PostgresServer | undefined> {
  const programs = programFolder();
  if (programs === undefined) return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-pg-'));
  const user = serverUser();
  const owner = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = path.join(folder, 'data');
  const args = ['-D', data, '-U', 'tunan', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'];
  execFileSync(path.join(programs, 'initdb'), args, { ...owner, cwd: folder, stdio: 'pipe' });
  const address = (database: string) => `postgresql://tunan@localhost/${database}?host=${encodeURIComponent(folder)}`;
  let server: ReturnType<typeof spawn> | undefined;
  const start = async () => {
    const settings = ['-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'shared_buffers=16MB'];
    server = spawn(path.join(programs, 'postgres'), ['-D', data, ...settings], {
      ...owner,
      cwd: folder,
      stdio: 'ignore',
    });
    for (;;) {
      const client = new pg.Client(address('postgres'));
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.end();
        return;
      } catch (error) {
        if (server.exitCode !== null) throw error;
        await sleep(50);
      }
    }
  };
  const stop = async () => {
    if (server === undefined || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server?.once('exit', resolve));
    server.kill('SIGQUIT'); // immediate shutdown
    await ended;
  };
  let databases = 0;
  await start();
  return {
    start,
    stop,
    newDatabase: async () => {
      const client = new pg.Client(address('postgres'));
      await client.connect();
      const name = `test_${++databases}`;
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return address(name);
    },
    close: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function programFolder(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => path.join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(':'),
  ];
  return folders.find((folder) => existsSync(path.join(folder, 'initdb')) && existsSync(path.join(folder, 'postgres')));
}

/** The server refuses to run as root. */
function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
