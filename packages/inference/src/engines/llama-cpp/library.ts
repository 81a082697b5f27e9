/**
 * llama.cpp's shared libraries, loaded once in a process; folders.ts says from where.
 *
 * Says where they are missing or of another release. What llama.cpp logs is kept from the terminal; its errors are collected while
 * something is being loaded.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import koffi, { type LibraryHandle } from 'koffi';
import { InferenceError } from '../../errors.ts';
import { declarations, type Functions, GGML_VERSION, type Pointer, registerLog } from './abi.ts';
import { librariesFolder } from './folders.ts';
import { notInstalled } from './not-installed.ts';

const DEVICE_TYPE_CPU = 0;
const LEVEL_ERROR = 4;

/** Threads that wait for the next step; freed with `free`, after the context has let go of them. */
export interface Threads {
  readonly pool: Pointer;
  free(): void;
}

export class LlamaLibrary {
  readonly functions: Functions;
  readonly #silence: Pointer;
  readonly #newThreads: ((params: object) => Pointer | null) | undefined;
  readonly #freeThreads: ((pool: Pointer) => void) | undefined;
  #loading: Promise<unknown> = Promise.resolve();

  private constructor(folder: string) {
    const load = (name: string) => koffi.load(path.join(folder, libraryFile(folder, name)));
    // In this order each finds what it needs among those that are loaded already.
    const libraries = { base: load('ggml-base'), ggml: load('ggml'), llama: load('llama') };
    const version = libraries.base.func(declarations.ggml_version[1])() as string;
    if (version !== GGML_VERSION) throw otherRelease(folder, version);
    this.functions = declared(libraries);
    // llama.cpp calls whatever it is given; this one takes no argument, does nothing, and is at hand.
    this.#silence = libraries.base.symbol('ggml_version') as Pointer;
    this.functions.llama_log_set(this.#silence, null);
    this.functions.ggml_backend_load_all_from_path(folder);
    this.functions.llama_backend_init();
    const processor = this.functions.ggml_backend_dev_by_type(DEVICE_TYPE_CPU);
    if (processor === null) throw notInstalled(`${folder}: no library of ggml for this processor`);
    const registry = this.functions.ggml_backend_dev_backend_reg(processor);
    const named = (name: string) => this.functions.ggml_backend_reg_get_proc_address(registry, name);
    const newPool = named('ggml_threadpool_new');
    const freePool = named('ggml_threadpool_free');
    if (newPool === null || freePool === null) return;
    const create = koffi.proto('void *tunan_threadpool_new(ggml_threadpool_params *params)');
    const free = koffi.proto('void tunan_threadpool_free(void *pool)');
    this.#newThreads = (params) => koffi.call(newPool, create, params) as Pointer | null;
    this.#freeThreads = (pool) => void koffi.call(freePool, free, pool);
  }

  static #loaded: LlamaLibrary | undefined;

  /** @throws InferenceError INFERENCE_NO_LLAMA_CPP where it is not installed, or is of another release */
  static load(): LlamaLibrary {
    LlamaLibrary.#loaded ??= new LlamaLibrary(librariesFolder());
    return LlamaLibrary.#loaded;
  }

  /**
   * Runs what loads something, one after another, and collects what llama.cpp calls errors meanwhile.
   * @returns the result, and the last error, without its function's name
   */
  async collectingErrors<Result>(load: () => Promise<Result>): Promise<{ result: Result; error: string | undefined }> {
    const before = this.#loading;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#loading = promise;
    await before;
    const errors: string[] = [];
    const log = registerLog((level, text) => {
      if (level === LEVEL_ERROR) errors.push(text);
    });
    this.functions.llama_log_set(log, null);
    try {
      const result = await load();
      return { result, error: firstReason(errors) };
    } finally {
      this.functions.llama_log_set(this.#silence, null);
      koffi.unregister(log);
      resolve();
    }
  }

  /** Undefined where the processor's library has no such pools; llama.cpp then starts threads at every step. */
  startThreads(count: number): Threads | undefined {
    const pool = this.#newThreads?.({
      cpumask: new Array(512).fill(false),
      n_threads: count,
      prio: 0,
      poll: 50,
      strict_cpu: false,
      paused: false,
    });
    if (pool === undefined || pool === null) return undefined;
    return { pool, free: () => this.#freeThreads?.(pool) };
  }
}

function declared(libraries: Readonly<Record<'base' | 'ggml' | 'llama', LibraryHandle>>): Functions {
  const entries = Object.entries(declarations).map(([name, [library, prototype, apart]]) => {
    const call = libraries[library].func(prototype);
    return [name, apart === undefined ? call : promisify(call.async)];
  });
  return Object.fromEntries(entries) as Functions;
}

/** `libllama.v0.4.0.so`, `libllama.metal.v0.4.0.dylib`, `llama.dll` …; versions differ between builds. */
function libraryFile(folder: string, name: string): string {
  const pattern = new RegExp(`^(lib)?${name}(\\.[\\w.]+)?\\.(so|dylib|dll)$`);
  const files = readFolder(folder).filter((file) => pattern.test(file));
  const [shortest] = files.toSorted((one, other) => one.length - other.length);
  if (shortest === undefined) throw notInstalled(`${folder}: no library ${name} in there`);
  return shortest;
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw notInstalled(folder, cause);
  }
}

function otherRelease(folder: string, version: string): InferenceError {
  return new InferenceError('INFERENCE_NO_LLAMA_CPP', {
    en: `${folder}: this llama.cpp has ggml ${version}, and ${GGML_VERSION} is needed: take the build of node-llama-cpp 3.21.1`,
    zh: `${folder}：此 llama.cpp 的 ggml 为 ${version}，需要 ${GGML_VERSION}：请使用 node-llama-cpp 3.21.1 的构建`,
  });
}

/** The first error is the reason, those behind it its consequences. */
function firstReason(errors: readonly string[]): string | undefined {
  return errors[0]?.trim().replace(/^\w+: /, '');
}
