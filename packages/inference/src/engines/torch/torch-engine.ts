/** A model computed by libtorch in this process: a LocalEngine over a TorchDecoder. */
import { type KeyValueCache, LanguageModel, type ModelOptions } from '@tunan/model';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import { type BatchOptions, LocalEngine } from '../local/local-engine.ts';
import { TorchDecoder, type TorchDecoderOptions } from './torch-decoder.ts';

export interface TorchEngineOptions extends BatchOptions, TorchDecoderOptions {}

/** What comes with a model directory. */
interface Loaded {
  readonly template: ChatTemplate | undefined;
  /** close() disposes the model. */
  readonly ownsModel: boolean;
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
    { template, ownsModel }: Loaded = { template: undefined, ownsModel: false },
  ) {
    super({ decoder: new TorchDecoder(model, options, ownsModel), tokenizer, template }, options);
  }

  /** Loads a model directory; close() frees it. @throws ModelError, TokenizerError naming the file at fault */
  static load(directory: string, options: TorchEngineOptions & ModelOptions = {}): TorchEngine {
    const { device, dtype, weights } = options;
    const place = {
      ...(device !== undefined && { device }),
      ...(dtype !== undefined && { dtype }),
      ...(weights !== undefined && { weights }),
    };
    const model = LanguageModel.load(directory, place);
    try {
      const tokenizer = Tokenizer.load(`${directory}/tokenizer.json`);
      const template = ChatTemplate.load(directory, tokenizer);
      return new TorchEngine(model, tokenizer, options, { template, ownsModel: true });
    } catch (error) {
      model.dispose();
      throw error;
    }
  }
}
