/**
 * Where llama.cpp's shared libraries are: in the folder that TUNAN_LLAMA_CPP names (a build for another device, of the same release), in
 * the user's cache where they were compiled for this processor (compile.ts), or in node-llama-cpp's package for this platform.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { notInstalled } from './not-installed.ts';

/** Of node-llama-cpp, whose packages and source are used. */
export const RELEASE = '3.21.1';

const packages: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-arm64',
};

/** @throws InferenceError INFERENCE_NO_LLAMA_CPP */
export function librariesFolder(): string {
  const compiled = compiledFolder();
  const own = compiled !== undefined && existsSync(compiled) ? compiled : undefined;
  return process.env.TUNAN_LLAMA_CPP ?? own ?? packagedFolder();
}

/** Where it is, or would be, for this processor; undefined where none is made for this system. */
export function compiledFolder(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const cache =
    process.env.TUNAN_CACHE ?? path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'tunan');
  const instructions = /^(flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
  const processor = JSON.stringify([process.arch, cpus()[0]?.model, instructions]);
  const key = createHash('sha256').update(processor).digest('hex').slice(0, 16);
  return path.join(cache, `llama-cpp-${RELEASE}-${key}`);
}

/** Of npm's libraries. @throws InferenceError INFERENCE_NO_LLAMA_CPP */
export function packagedFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  const name = packages[platform];
  if (name === undefined) throw notInstalled(`no build for ${platform}`);
  try {
    const entry = fileURLToPath(import.meta.resolve(`@node-llama-cpp/${name}`));
    return path.join(path.dirname(entry), '..', 'bins', name);
  } catch (cause) {
    throw notInstalled(`no package @node-llama-cpp/${name}`, cause);
  }
}
