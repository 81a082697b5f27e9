/** A GGUF computed by llama.cpp on this machine: a LocalEngine over a LlamaDecoder. */
import { readFileSync } from 'node:fs';
import { ChatTemplate } from '@tunan/tokenizer';
import { InferenceError } from '../../errors.ts';
import { ExportError } from '../../export/errors.ts';
import { GgufFile } from '../../export/gguf/gguf-file.ts';
import type { Metadata } from '../../export/gguf/metadata.ts';
import { bytesOfFiles } from '../../export/gguf/split-files.ts';
import { type AdapterOptions, checkAdapters, templateBeside } from '../adapters.ts';
import { type BatchOptions, LocalEngine } from '../local/local-engine.ts';
import type { Functions, Pointer } from './abi.ts';
import { badGguf } from './bad-gguf.ts';
import { LlamaLibrary } from './library.ts';
import { ggufBase, loadAdapters } from './llama-adapters.ts';
import { LlamaDecoder } from './llama-decoder.ts';
import { LlamaEmbedder, type Pooling } from './llama-embedder.ts';
import { physicalCores } from './physical-cores.ts';
import type { Slot } from './sequence-slots.ts';
import { type GgufTextCoder, textCoderOf } from './text-coder.ts';

export interface LlamaCppOptions extends BatchOptions {
  /** Most positions of a sequence; what the model was trained with when absent. */
  readonly contextLength?: number | undefined;
  /** Bytes that all caches may take together, 2 GiB when absent; they are taken at once. */
  readonly cacheBytes?: number | undefined;
  /** Of keys and values, and with them the precision of attention; f16 when absent. */
  readonly cacheType?: CacheType | undefined;
  /** The physical cores when absent. */
  readonly threads?: number | undefined;
}

/** enum ggml_type */
const cacheTypes = { f32: 0, f16: 1 } as const;
const bytesOf = { f32: 4, f16: 2 } as const;
/** enum llama_flash_attn_type. The processor's flash attention rounds to 16 bits, whatever the cache holds: off, or as llama.cpp likes. */
const flashAttention = { f32: 0, f16: -1 } as const;
/** enum llama_pooling_type, of models that were trained for vectors. */
const poolings: Readonly<Record<string, Pooling>> = { 2: 'first', 3: 'last' };
export type CacheType = keyof typeof cacheTypes;

const DEVICE_TYPE_GPU = 1;
/** Rows of logits that one batch gives at most; a prompt whose probabilities are wanted is fed in such pieces. */
const BATCH_ROWS = 64;

/**
 * llama.cpp computes sequences of different lengths one after the other, so that tokens of answers beside pieces of prompts are a pass of
 * their own over the weights: prompts are read in fewer and larger pieces than elsewhere, of the length that llama.cpp itself takes.
 */
const STEP_TOKENS = 512;

interface ModelFile {
  readonly file: string;
  readonly fileBytes: number;
  /** Empty where only llama.cpp reads the file. */
  readonly metadata: Metadata;
  readonly adapters: ReadonlyMap<string, Pointer>;
}

/** What of a model's shape the memory depends on. */
interface Shape {
  /** C */
  readonly width: number;
  readonly pooling: Pooling;
  readonly trainedLength: number;
  /** Numbers of keys and values for one position. */
  readonly cacheWidth: number;
}

export class LlamaCppEngine extends LocalEngine<Slot> {
  /**
   * Loads a GGUF, and adapters beside it; close() frees them.
   * @throws InferenceError INFERENCE_NO_LLAMA_CPP, INFERENCE_BAD_GGUF, INFERENCE_NO_MEMORY, INFERENCE_BAD_OPTION,
   * INFERENCE_TOKENIZER_MISMATCH; ModelError of the adapter at fault
   */
  static async load(file: string, options: LlamaCppOptions & AdapterOptions = {}): Promise<LlamaCppEngine> {
    const library = LlamaLibrary.load();
    const { adapters: places = [] } = options;
    const base = places.length === 0 ? undefined : ggufBase(file);
    const fileBytes = checkFile(file) + (base === undefined ? 0 : checkAdapters(base, options));
    // Of some files this reader knows less than llama.cpp, of damaged ones more.
    const gguf = readGguf(file);
    const model = await loadModel(library, file, gguf instanceof ExportError ? gguf : undefined);
    try {
      const metadata = gguf instanceof ExportError ? new Map() : gguf;
      const adapters = base === undefined ? new Map() : await loadAdapters(library, model, base, places);
      return await engineOf(library, model, { file, fileBytes, metadata, adapters }, options);
    } catch (error) {
      library.functions.llama_model_free(model);
      throw error;
    }
  }
}

async function engineOf(
  library: LlamaLibrary,
  model: Pointer,
  { file, fileBytes, metadata, adapters }: ModelFile,
  options: LlamaCppOptions & AdapterOptions,
): Promise<LlamaCppEngine> {
  const { functions } = library;
  const { batchSize = 16, stepTokens = STEP_TOKENS, cacheBytes = 2 * 2 ** 30, cacheType = 'f16' } = options;
  const shape = shapeOf(functions, model);
  const vocabulary = functions.llama_model_get_vocab(model);
  const tokenizer = textCoderOf(functions, vocabulary, metadata, file);
  const templates = new TemplateReader(functions, vocabulary, tokenizer);
  const template = templates.ofModel(model, file);
  const places = options.adapters ?? [];
  const adapterTemplates = new Map(
    places.map(({ name, directory }) => [name, templates.beside(directory) ?? template]),
  );
  const contextLength = checkLength(options.contextLength ?? shape.trainedLength, shape.trainedLength);
  const positionBytes = shape.cacheWidth * bytesOf[cacheType];
  // Whole contexts first, as many sequences as then fit; where not even one fits, one that is shorter.
  const sequences = Math.max(1, Math.min(batchSize, Math.floor(cacheBytes / (contextLength * positionBytes))));
  const length = Math.max(1, Math.min(contextLength, Math.floor(cacheBytes / (sequences * positionBytes))));
  checkMemory(file, fileBytes, sequences * length * positionBytes);
  const batchTokens = Math.max(stepTokens, batchSize);
  const batchRows = Math.max(BATCH_ROWS, sequences);
  const threads = options.threads ?? physicalCores();
  const params = {
    ...functions.llama_context_default_params(),
    n_ctx: sequences * length,
    n_seq_max: sequences,
    n_batch: batchTokens,
    n_ubatch: batchTokens,
    n_outputs_max: Math.min(batchRows, batchTokens),
    n_outputs_max_per_seq: Math.min(batchRows, batchTokens),
    n_threads: threads,
    n_threads_batch: threads,
    type_k: cacheTypes[cacheType],
    type_v: cacheTypes[cacheType],
    flash_attn_type: flashAttention[cacheType],
    no_perf: true,
    kv_unified: false,
  };
  const { result: context, error } = await library.collectingErrors(() =>
    functions.llama_init_from_model(model, params),
  );
  if (context === null) {
    const reason = error ?? 'no memory';
    throw new InferenceError('INFERENCE_NO_MEMORY', {
      en: `${file}: llama.cpp makes no cache for ${sequences} sequences of ${length} tokens: ${reason}`,
      zh: `${file}：llama.cpp 无法为 ${sequences} 条 ${length} 词元的序列建立缓存：${reason}`,
    });
  }
  const processor = functions.ggml_backend_dev_by_type(DEVICE_TYPE_GPU);
  const decoder = new LlamaDecoder({
    library,
    model,
    context,
    device: processor === null ? 'cpu' : functions.ggml_backend_dev_name(processor).toLowerCase(),
    contextLength: Math.min(length, functions.llama_n_ctx_seq(context)),
    trainedLength: contextLength,
    positionBytes,
    vocabularySize: functions.llama_vocab_n_tokens(vocabulary),
    sequences,
    threads,
    batchTokens,
    batchRows: params.n_outputs_max,
    adapters,
    embedder: new LlamaEmbedder({ library, model, params, width: shape.width, pooling: shape.pooling }),
  });
  return new LlamaCppEngine({ decoder, tokenizer, template, adapters: adapterTemplates }, { ...options, stepTokens });
}

function readGguf(file: string): Metadata | ExportError {
  try {
    using gguf = new GgufFile(file);
    return gguf.metadata;
  } catch (error) {
    if (error instanceof ExportError) return error;
    throw error;
  }
}

/** What can be said before anything is read. @returns its size in bytes */
function checkFile(file: string): number {
  const size = sizeOf(file);
  checkMemory(file, size, 0);
  return size;
}

function sizeOf(file: string): number {
  try {
    return bytesOfFiles(file);
  } catch (error) {
    throw error instanceof ExportError ? badGgufAs(error) : error;
  }
}

function checkMemory(file: string, fileBytes: number, cacheBytes: number): void {
  const free = process.availableMemory();
  if (fileBytes + cacheBytes <= free) return;
  const cacheAlone = cacheBytes > 0 ? ` + ${megabytes(cacheBytes)}` : '';
  throw new InferenceError('INFERENCE_NO_MEMORY', {
    en: `${file}: model${cacheAlone ? ' and cache need' : ' needs'} ${megabytes(fileBytes)}${cacheAlone}, and ${megabytes(free)} of memory are free: take a smaller type (--type q8_0, q4_k_m)${cacheAlone && ' or less cache'}`,
    zh: `${file}：模型${cacheAlone && '与缓存'}需要 ${megabytes(fileBytes)}${cacheAlone}，而可用内存为 ${megabytes(free)}：请换更小的类型（--type q8_0、q4_k_m）${cacheAlone && '或减小缓存'}`,
  });
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

/** @param damage what the file's own reader found wrong with it */
async function loadModel(library: LlamaLibrary, file: string, damage: ExportError | undefined): Promise<Pointer> {
  const { functions } = library;
  const params = functions.llama_model_default_params();
  const { result: model, error } = await library.collectingErrors(() =>
    functions.llama_model_load_from_file(file, params),
  );
  if (model !== null) {
    if (functions.llama_model_has_decoder(model) && !functions.llama_model_has_encoder(model)) return model;
    functions.llama_model_free(model);
    throw badGguf(file, { en: 'this model does not write text', zh: '此模型不生成文本' });
  }
  if (damage !== undefined) throw badGgufAs(damage);
  const reason = error ?? 'unknown error';
  throw badGguf(file, { en: `llama.cpp does not load it: ${reason}`, zh: `llama.cpp 无法加载：${reason}` });
}

function badGgufAs(damage: ExportError): InferenceError {
  const said = { en: damage.message, zh: damage.chinese ?? damage.message };
  return new InferenceError('INFERENCE_BAD_GGUF', said, { cause: damage });
}

function shapeOf(functions: Functions, model: Pointer): Shape {
  const text = (key: string): string | undefined => {
    const buffer = Buffer.alloc(256);
    const length = functions.llama_model_meta_val_str(model, key, buffer, buffer.length);
    return length < 0 ? undefined : buffer.toString('utf8', 0, Math.min(length, buffer.length - 1));
  };
  const architecture = text('general.architecture');
  const heads = functions.llama_model_n_head(model);
  const width = heads > 0 ? functions.llama_model_n_embd(model) / heads : functions.llama_model_n_embd(model);
  const keys = Number(text(`${architecture}.attention.key_length`) ?? width);
  const values = Number(text(`${architecture}.attention.value_length`) ?? width);
  return {
    width: functions.llama_model_n_embd(model),
    pooling: poolings[text(`${architecture}.pooling_type`) ?? ''] ?? 'mean',
    trainedLength: functions.llama_model_n_ctx_train(model),
    cacheWidth:
      functions.llama_model_n_layer(model) * Math.max(1, functions.llama_model_n_head_kv(model)) * (keys + values),
  };
}

function checkLength(asked: number, trained: number): number {
  if (Number.isSafeInteger(asked) && asked >= 1 && asked <= trained) return asked;
  const message = {
    en: `the context is to be ${asked} tokens; this model was trained with ${trained}: ask for that at most`,
    zh: `要求的上下文为 ${asked} 个词元，而此模型训练时为 ${trained}：请不要超过它`,
  };
  throw new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'contextLength' });
}

/** Chat templates, of a file or beside an adapter, in which the special tokens are those of the model. */
class TemplateReader {
  readonly #functions: Functions;
  readonly #tokenizer: GgufTextCoder;
  readonly #tokens: Readonly<Record<string, string>>;

  constructor(functions: Functions, vocabulary: Pointer, tokenizer: GgufTextCoder) {
    this.#functions = functions;
    this.#tokenizer = tokenizer;
    const named = {
      bos_token: functions.llama_vocab_bos(vocabulary),
      eos_token: functions.llama_vocab_eos(vocabulary),
    };
    const tokens = Object.entries(named).flatMap(([name, id]) =>
      id < 0 ? [] : [[name, functions.llama_vocab_get_text(vocabulary, id)]],
    );
    this.#tokens = Object.fromEntries(tokens);
  }

  ofModel(model: Pointer, file: string): ChatTemplate | undefined {
    const source = this.#functions.llama_model_chat_template(model, null);
    if (source === null || source === '') return undefined;
    return ChatTemplate.of(source, `${file}, tokenizer.chat_template`, this.#tokens, this.#tokenizer);
  }

  beside(adapter: string): ChatTemplate | undefined {
    const file = templateBeside(adapter);
    if (file === undefined) return undefined;
    return ChatTemplate.of(readFileSync(file, 'utf8'), file, this.#tokens, this.#tokenizer);
  }
}
