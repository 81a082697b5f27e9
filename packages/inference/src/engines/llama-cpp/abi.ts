/**
 * The part of llama.cpp's C interface that is called here, by koffi: structures and functions as llama.h, ggml.h and
 * ggml-backend.h declare them. They hold for one release, whose ggml calls itself GGML_VERSION; library.ts refuses any other.
 *
 * Why not through node-llama-cpp's own binding: it hands out no logits but a sorted JavaScript array of all probabilities, draws by
 * one trip to another thread for each token, and cannot copy a sequence (docs/decisions/0030-llama-cpp-by-its-c-interface.md).
 */
import koffi from 'koffi';

export const GGML_VERSION = '0.23.0';

/** A pointer of C; null where C has NULL. */
export type Pointer = bigint;

koffi.struct('llama_model_params', {
  devices: 'void *',
  tensor_buft_overrides: 'void *',
  n_gpu_layers: 'int32',
  split_mode: 'int32',
  load_mode: 'int32',
  lazy_mode: 'int32',
  main_gpu: 'int32',
  tensor_split: 'void *',
  progress_callback: 'void *',
  progress_callback_user_data: 'void *',
  kv_overrides: 'void *',
  vocab_only: 'bool',
  check_tensors: 'bool',
  use_extra_bufts: 'bool',
  no_host: 'bool',
  no_alloc: 'bool',
  load_mtp: 'bool',
});

koffi.struct('llama_context_params', {
  n_ctx: 'uint32',
  n_batch: 'uint32',
  n_ubatch: 'uint32',
  n_seq_max: 'uint32',
  n_rs_seq: 'uint32',
  n_outputs_max: 'uint32',
  n_outputs_max_per_seq: 'uint32',
  n_threads: 'int32',
  n_threads_batch: 'int32',
  ctx_type: 'int32',
  rope_scaling_type: 'int32',
  pooling_type: 'int32',
  attention_type: 'int32',
  flash_attn_type: 'int32',
  rope_freq_base: 'float',
  rope_freq_scale: 'float',
  yarn_ext_factor: 'float',
  yarn_attn_factor: 'float',
  yarn_beta_fast: 'float',
  yarn_beta_slow: 'float',
  yarn_orig_ctx: 'uint32',
  defrag_thold: 'float',
  cb_eval: 'void *',
  cb_eval_user_data: 'void *',
  type_k: 'int32',
  type_v: 'int32',
  abort_callback: 'void *',
  abort_callback_data: 'void *',
  embeddings: 'bool',
  offload_kqv: 'bool',
  no_perf: 'bool',
  op_offload: 'bool',
  swa_full: 'bool',
  kv_unified: 'bool',
  samplers: 'void *',
  n_samplers: 'size_t',
  ctx_other: 'void *',
});

koffi.struct('llama_batch', {
  n_tokens: 'int32',
  token: 'void *',
  embd: 'void *',
  pos: 'void *',
  n_seq_id: 'void *',
  seq_id: 'void *',
  logits: 'void *',
});

koffi.struct('ggml_threadpool_params', {
  cpumask: koffi.array('bool', 512),
  n_threads: 'int32',
  prio: 'int32',
  poll: 'uint32',
  strict_cpu: 'bool',
  paused: 'bool',
});

const logCallback = koffi.pointer(koffi.proto('void tunan_llama_log(int32 level, const char *text, void *data)'));

/** A JavaScript function as a ggml_log_callback; to be given back by koffi.unregister. */
export function registerLog(log: (level: number, text: string) => void): Pointer {
  return koffi.register(log, logCallback) as Pointer;
}

/** Memory of C as an array; it must be there for as long as the array is used. */
export function viewOf<View>(
  kind: { new (buffer: ArrayBuffer): View; readonly BYTES_PER_ELEMENT: number },
  address: Pointer,
  length: number,
): View {
  return new kind(koffi.view(address, length * kind.BYTES_PER_ELEMENT));
}

export type ModelParams = Record<'n_gpu_layers' | 'load_mode', number> &
  Record<'vocab_only' | 'check_tensors', boolean>;

export type ContextParams = Record<
  | 'n_ctx'
  | 'n_batch'
  | 'n_ubatch'
  | 'n_seq_max'
  | 'n_outputs_max'
  | 'n_outputs_max_per_seq'
  | 'n_threads'
  | 'n_threads_batch'
  | 'type_k'
  | 'type_v'
  | 'flash_attn_type'
  | 'pooling_type',
  number
> &
  Record<'no_perf' | 'kv_unified' | 'embeddings', boolean>;

export interface Batch {
  n_tokens: number;
  readonly token: Pointer;
  readonly pos: Pointer;
  readonly n_seq_id: Pointer;
  readonly seq_id: Pointer;
  readonly logits: Pointer;
}

/** A function that runs in another thread and answers by a promise. */
type Apart<Parameters extends unknown[], Result> = (...parameters: Parameters) => Promise<Result>;

export interface Functions {
  readonly ggml_version: () => string;
  readonly ggml_backend_load_all_from_path: (folder: string) => void;
  readonly ggml_backend_dev_by_type: (type: number) => Pointer | null;
  readonly ggml_backend_dev_backend_reg: (device: Pointer) => Pointer;
  readonly ggml_backend_dev_name: (device: Pointer) => string;
  readonly ggml_backend_reg_get_proc_address: (registry: Pointer, name: string) => Pointer | null;

  readonly llama_backend_init: () => void;
  readonly llama_log_set: (callback: Pointer, data: null) => void;
  readonly llama_print_system_info: () => string;
  readonly llama_model_default_params: () => ModelParams;
  readonly llama_context_default_params: () => ContextParams;
  readonly llama_model_load_from_file: Apart<[file: string, params: ModelParams], Pointer | null>;
  readonly llama_model_free: (model: Pointer) => void;
  readonly llama_init_from_model: Apart<[model: Pointer, params: ContextParams], Pointer | null>;
  readonly llama_free: (context: Pointer) => void;
  readonly llama_n_ctx_seq: (context: Pointer) => number;
  readonly llama_get_memory: (context: Pointer) => Pointer | null;
  readonly llama_attach_threadpool: (context: Pointer, pool: Pointer, batchPool: null) => void;
  readonly llama_detach_threadpool: (context: Pointer) => void;
  readonly llama_model_get_vocab: (model: Pointer) => Pointer;
  readonly llama_model_n_ctx_train: (model: Pointer) => number;
  readonly llama_model_n_embd: (model: Pointer) => number;
  readonly llama_model_n_layer: (model: Pointer) => number;
  readonly llama_model_n_head: (model: Pointer) => number;
  readonly llama_model_n_head_kv: (model: Pointer) => number;
  readonly llama_model_has_decoder: (model: Pointer) => boolean;
  readonly llama_model_has_encoder: (model: Pointer) => boolean;
  readonly llama_model_meta_val_str: (model: Pointer, key: string, buffer: Buffer, size: number) => number;
  readonly llama_model_chat_template: (model: Pointer, name: null) => string | null;
  readonly llama_vocab_n_tokens: (vocabulary: Pointer) => number;
  readonly llama_vocab_get_text: (vocabulary: Pointer, token: number) => string;
  readonly llama_vocab_get_attr: (vocabulary: Pointer, token: number) => number;
  readonly llama_vocab_is_eog: (vocabulary: Pointer, token: number) => boolean;
  readonly llama_vocab_bos: (vocabulary: Pointer) => number;
  readonly llama_vocab_eos: (vocabulary: Pointer) => number;
  readonly llama_vocab_get_add_bos: (vocabulary: Pointer) => boolean;
  readonly llama_tokenize: (
    vocabulary: Pointer,
    text: Buffer,
    bytes: number,
    ids: Int32Array,
    room: number,
    addSpecial: boolean,
    parseSpecial: boolean,
  ) => number;
  readonly llama_token_to_piece: (
    vocabulary: Pointer,
    token: number,
    buffer: Uint8Array,
    bytes: number,
    strip: number,
    special: boolean,
  ) => number;
  readonly llama_batch_init: (tokens: number, width: number, sequences: number) => Batch;
  readonly llama_batch_free: (batch: Batch) => void;
  readonly llama_decode: Apart<[context: Pointer, batch: Batch], number>;
  /** llama_decode in the calling thread. */
  readonly llama_decode_here: (context: Pointer, batch: Batch) => number;
  readonly llama_get_logits: (context: Pointer) => Pointer;
  readonly llama_adapter_lora_init: Apart<[model: Pointer, file: string], Pointer | null>;
  readonly llama_set_adapters_lora: (
    context: Pointer,
    adapters: BigUint64Array | null,
    count: number,
    scales: Float32Array | null,
  ) => number;
  readonly llama_get_embeddings: (context: Pointer) => Pointer;
  readonly llama_memory_seq_rm: (memory: Pointer, sequence: number, from: number, to: number) => boolean;
  readonly llama_memory_seq_cp: (memory: Pointer, from: number, to: number, begin: number, end: number) => void;
  readonly llama_memory_seq_pos_min: (memory: Pointer, sequence: number) => number;
}

/** In which library each is, its declaration, and whether it runs in another thread. */
export const declarations: Readonly<
  Record<keyof Functions, readonly [library: 'base' | 'ggml' | 'llama', prototype: string, apart?: 'apart']>
> = {
  ggml_version: ['base', 'const char *ggml_version()'],
  ggml_backend_load_all_from_path: ['ggml', 'void ggml_backend_load_all_from_path(const char *folder)'],
  ggml_backend_dev_by_type: ['ggml', 'void *ggml_backend_dev_by_type(int32 type)'],
  ggml_backend_dev_backend_reg: ['base', 'void *ggml_backend_dev_backend_reg(void *device)'],
  ggml_backend_dev_name: ['base', 'const char *ggml_backend_dev_name(void *device)'],
  ggml_backend_reg_get_proc_address: [
    'base',
    'void *ggml_backend_reg_get_proc_address(void *registry, const char *name)',
  ],
  llama_backend_init: ['llama', 'void llama_backend_init()'],
  llama_log_set: ['llama', 'void llama_log_set(void *callback, void *data)'],
  llama_print_system_info: ['llama', 'const char *llama_print_system_info()'],
  llama_model_default_params: ['llama', 'llama_model_params llama_model_default_params()'],
  llama_context_default_params: ['llama', 'llama_context_params llama_context_default_params()'],
  llama_model_load_from_file: [
    'llama',
    'void *llama_model_load_from_file(const char *file, llama_model_params params)',
    'apart',
  ],
  llama_model_free: ['llama', 'void llama_model_free(void *model)'],
  llama_init_from_model: ['llama', 'void *llama_init_from_model(void *model, llama_context_params params)', 'apart'],
  llama_free: ['llama', 'void llama_free(void *context)'],
  llama_n_ctx_seq: ['llama', 'uint32 llama_n_ctx_seq(void *context)'],
  llama_get_memory: ['llama', 'void *llama_get_memory(void *context)'],
  llama_attach_threadpool: ['llama', 'void llama_attach_threadpool(void *context, void *pool, void *batchPool)'],
  llama_detach_threadpool: ['llama', 'void llama_detach_threadpool(void *context)'],
  llama_model_get_vocab: ['llama', 'void *llama_model_get_vocab(void *model)'],
  llama_model_n_ctx_train: ['llama', 'int32 llama_model_n_ctx_train(void *model)'],
  llama_model_n_embd: ['llama', 'int32 llama_model_n_embd(void *model)'],
  llama_model_n_layer: ['llama', 'int32 llama_model_n_layer(void *model)'],
  llama_model_n_head: ['llama', 'int32 llama_model_n_head(void *model)'],
  llama_model_n_head_kv: ['llama', 'int32 llama_model_n_head_kv(void *model)'],
  llama_model_has_decoder: ['llama', 'bool llama_model_has_decoder(void *model)'],
  llama_model_has_encoder: ['llama', 'bool llama_model_has_encoder(void *model)'],
  llama_model_meta_val_str: [
    'llama',
    'int32 llama_model_meta_val_str(void *model, const char *key, void *buffer, size_t size)',
  ],
  llama_model_chat_template: ['llama', 'const char *llama_model_chat_template(void *model, const char *name)'],
  llama_vocab_n_tokens: ['llama', 'int32 llama_vocab_n_tokens(void *vocabulary)'],
  llama_vocab_get_text: ['llama', 'const char *llama_vocab_get_text(void *vocabulary, int32 token)'],
  llama_vocab_get_attr: ['llama', 'int32 llama_vocab_get_attr(void *vocabulary, int32 token)'],
  llama_vocab_is_eog: ['llama', 'bool llama_vocab_is_eog(void *vocabulary, int32 token)'],
  llama_vocab_bos: ['llama', 'int32 llama_vocab_bos(void *vocabulary)'],
  llama_vocab_eos: ['llama', 'int32 llama_vocab_eos(void *vocabulary)'],
  llama_vocab_get_add_bos: ['llama', 'bool llama_vocab_get_add_bos(void *vocabulary)'],
  llama_tokenize: [
    'llama',
    'int32 llama_tokenize(void *vocabulary, void *text, int32 bytes, void *ids, int32 room, bool addSpecial, bool parseSpecial)',
  ],
  llama_token_to_piece: [
    'llama',
    'int32 llama_token_to_piece(void *vocabulary, int32 token, void *buffer, int32 bytes, int32 strip, bool special)',
  ],
  llama_batch_init: ['llama', 'llama_batch llama_batch_init(int32 tokens, int32 width, int32 sequences)'],
  llama_batch_free: ['llama', 'void llama_batch_free(llama_batch batch)'],
  llama_decode: ['llama', 'int32 llama_decode(void *context, llama_batch batch)', 'apart'],
  llama_decode_here: ['llama', 'int32 llama_decode(void *context, llama_batch batch)'],
  llama_get_logits: ['llama', 'void *llama_get_logits(void *context)'],
  llama_adapter_lora_init: ['llama', 'void *llama_adapter_lora_init(void *model, const char *file)', 'apart'],
  llama_set_adapters_lora: [
    'llama',
    'int32 llama_set_adapters_lora(void *context, void *adapters, size_t count, void *scales)',
  ],
  llama_get_embeddings: ['llama', 'void *llama_get_embeddings(void *context)'],
  llama_memory_seq_rm: ['llama', 'bool llama_memory_seq_rm(void *memory, int32 sequence, int32 from, int32 to)'],
  llama_memory_seq_cp: [
    'llama',
    'void llama_memory_seq_cp(void *memory, int32 from, int32 to, int32 begin, int32 end)',
  ],
  llama_memory_seq_pos_min: ['llama', 'int32 llama_memory_seq_pos_min(void *memory, int32 sequence)'],
};
