/** A model computed by libtorch in this process, with the adapters beside it: a LocalEngine over a TorchDecoder. */
import {
  AdapterBank,
  type BankedAdapter,
  type KeyValueCache,
  LanguageModel,
  loadAdapter,
  type ModelOptions,
  readModelConfig,
} from '@tunan/model';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import { type AdapterOptions, checkAdapters, directoryBase, templateBeside } from '../adapters.ts';
import { type BatchOptions, LocalEngine } from '../local/local-engine.ts';
import { TorchDecoder, type TorchDecoderOptions } from './torch-decoder.ts';

export interface TorchEngineOptions extends BatchOptions, TorchDecoderOptions {}

/** What comes with a model directory. */
interface Loaded {
  readonly template: ChatTemplate | undefined;
  /** close() disposes the model. */
  readonly ownsModel: boolean;
  /** Of the model's bank, by name. */
  readonly adapters?: ReadonlyMap<string, LoadedAdapter>;
}

interface LoadedAdapter {
  readonly adapter: BankedAdapter;
  readonly template: ChatTemplate | undefined;
}

export class TorchEngine extends LocalEngine<KeyValueCache> {
  /**
   * @param model stays the caller's unless `ownsModel` is set
   * @throws InferenceError INFERENCE_TOKENIZER_MISMATCH
   */
  constructor(
    model: LanguageModel,
    tokenizer: Tokenizer,
    options: TorchEngineOptions = {},
    { template, ownsModel, adapters = new Map() }: Loaded = { template: undefined, ownsModel: false },
  ) {
    const banked = new Map([...adapters].map(([name, { adapter }]) => [name, adapter]));
    const templates = new Map([...adapters].map(([name, one]) => [name, one.template]));
    const decoder = new TorchDecoder(model, options, ownsModel, banked);
    super({ decoder, tokenizer, template, adapters: templates }, options);
  }

  /** Loads a model directory, and adapters beside it; close() frees them. @throws ModelError, TokenizerError naming the file at fault */
  static load(directory: string, options: TorchEngineOptions & ModelOptions & AdapterOptions = {}): TorchEngine {
    const { device, dtype, weights, adapters: wanted = [] } = options;
    const place = {
      ...(device !== undefined && { device }),
      ...(dtype !== undefined && { dtype }),
      ...(weights !== undefined && { weights }),
    };
    if (wanted.length > 0) checkAdapters(directoryBase(directory, readModelConfig(directory)), options);
    const bank = wanted.length === 0 ? undefined : new AdapterBank(place);
    let model: LanguageModel | undefined;
    try {
      model = LanguageModel.load(directory, { ...place, ...(bank !== undefined && { adapterBank: bank }) });
      const tokenizer = Tokenizer.load(`${directory}/tokenizer.json`);
      const template = ChatTemplate.load(directory, tokenizer);
      const adapters = new Map<string, LoadedAdapter>();
      for (const { name, directory: from } of wanted) {
        using layers = loadAdapter(from, model.config, device);
        const own = ChatTemplate.load(directory, tokenizer, templateBeside(from));
        adapters.set(name, { adapter: bank!.add(layers), template: own });
      }
      return new TorchEngine(model, tokenizer, options, { template, ownsModel: true, adapters });
    } catch (error) {
      bank?.[Symbol.dispose]();
      model?.dispose();
      throw error;
    }
  }
}
