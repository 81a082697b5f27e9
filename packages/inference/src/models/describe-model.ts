/**
 * What a model on disk will be when it is loaded, read from its small files: size in memory, context, whether it has conversations; and
 * whether the adapters beside it are its own.
 */
import { KeyValueCache, StoredWeights, sizesOf } from '@tunan/model';
import { isEndpointUrl } from '@tunan/protocol/client';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import { checkAdapters, directoryBase, templateBeside } from '../engines/adapters.ts';
import { ggufBase } from '../engines/llama-cpp/llama-adapters.ts';
import { addressesOf, ggufOf, nameOf, type OpenOptions } from '../engines/open-engine.ts';
import { ExportError } from '../export/errors.ts';
import { GgufFile } from '../export/gguf/gguf-file.ts';
import { MetadataReader } from '../export/gguf/metadata-reader.ts';
import { bytesOfFiles } from '../export/gguf/split-files.ts';
import type { ModelDescription } from './model-pool.ts';

/** What an engine has where its options do not say. */
const BATCH_SIZE = 16;
const CACHE_BYTES = 2 * 2 ** 30;

export interface DescribedModel {
  /** Its folder, or its file without the ending. */
  readonly name: string;
  readonly description: ModelDescription;
  /** Of each adapter of the options, whether it takes conversations, as the description says it of the model. */
  readonly adaptersChat: ReadonlyMap<string, boolean | undefined>;
}

/**
 * Its files are looked at, so that what cannot be loaded is told here and not to the first request.
 * @param source as openEngine takes it
 * @returns undefined for addresses, whose servers have the model
 * @throws ModelError, TokenizerError, ExportError, InferenceError naming the file at fault
 */
export function describeModel(source: string, options: OpenOptions = {}): DescribedModel | undefined {
  if (addressesOf(source).every(isEndpointUrl)) return undefined;
  const file = ggufOf(source, options.engine);
  const description = file === undefined ? describeDirectory(source, options) : describeGguf(file, options);
  const { adapters = [] } = options;
  const adaptersChat = new Map(
    adapters.map((one) => [one.name, templateBeside(one.directory) === undefined ? description.chats : true]),
  );
  return { name: nameOf(file ?? source), description, adaptersChat };
}

/** llama.cpp takes the caches of whole sequences at once, as many as fit and no more than the batch has. */
function describeGguf(file: string, { llamaCpp: options = {}, ...others }: OpenOptions): ModelDescription {
  const { batchSize = BATCH_SIZE, cacheBytes = CACHE_BYTES, cacheType = 'f16' } = options;
  const adapterBytes = hasAdapters(others) ? checkAdapters(ggufBase(file), others) : 0;
  const known = readGguf(file);
  const contextLength = options.contextLength ?? known?.contextLength;
  const positions = batchSize * (contextLength ?? Number.POSITIVE_INFINITY);
  const caches = known === undefined ? cacheBytes : positions * known.cacheWidth * (cacheType === 'f32' ? 4 : 2);
  return {
    ...{ kind: 'llama.cpp', device: undefined, contextLength, chats: known?.chats },
    weightBytes: bytesOfFiles(file) + adapterBytes,
    cacheBytes: Math.min(caches, cacheBytes),
  };
}

/** Undefined where llama.cpp alone knows the file. */
function readGguf(file: string) {
  try {
    using gguf = new GgufFile(file);
    const metadata = new MetadataReader(gguf.metadata, file);
    const own = (key: string) => metadata.numberIfThere(`${metadata.string('general.architecture')}.${key}`);
    const [layers, heads, width] = [own('block_count'), own('attention.head_count'), own('embedding_length')];
    if (layers === undefined || heads === undefined || width === undefined) return undefined;
    const keys = own('attention.key_length') ?? width / heads;
    const values = own('attention.value_length') ?? width / heads;
    return {
      contextLength: own('context_length'),
      cacheWidth: layers * (own('attention.head_count_kv') ?? heads) * (keys + values),
      chats: metadata.has('tokenizer.chat_template'),
    };
  } catch (error) {
    if (error instanceof ExportError) return undefined;
    throw error;
  }
}

const hasAdapters = ({ adapters = [] }: OpenOptions): boolean => adapters.length > 0;

function describeDirectory(directory: string, { torch: options = {}, ...others }: OpenOptions): ModelDescription {
  const { batchSize = BATCH_SIZE, cacheBytes = CACHE_BYTES, dtype = 'float32', device = 'cpu' } = options;
  // Rounded to eight bits beside the file's, which stay mapped.
  const rounded = options.weights === 'int8' ? 1 : 0;
  using weights = StoredWeights.open(directory);
  const tokenizer = Tokenizer.load(`${directory}/tokenizer.json`);
  const sizes = sizesOf(weights.config);
  // Those in use stand side by side once more (AdapterBank).
  const adapterBytes = hasAdapters(others) ? 2 * checkAdapters(directoryBase(directory, weights.config), others) : 0;
  const caches = batchSize * KeyValueCache.bytes({ sizes, dtype }, sizes.contextLength);
  return {
    ...{ kind: 'torch', device, contextLength: sizes.contextLength },
    weightBytes:
      sizes.parameters.total * (dtype === 'bfloat16' ? 2 : 4) + rounded * sizes.parameters.multiplied + adapterBytes,
    cacheBytes: Math.min(caches, cacheBytes),
    chats: ChatTemplate.load(directory, tokenizer) !== undefined,
  };
}
