/**
 * Byte-level BPE for Chinese. `trainBpe` makes a vocabulary from texts, `Tokenizer` turns text into
 * ids and back, `EncodePool` does so in threads. Files and ids are those of Hugging Face tokenizers.
 *
 * @module @tunan/tokenizer
 */
export { type ChatMessage, ChatTemplate, type Conversation, type TemplateCoder } from './chat-template.ts';
export { DecodeStream } from './decode-stream.ts';
export { EncodePool, type EncodePoolOptions } from './encode-pool.ts';
/** @public */
export { TokenizerError, type TokenizerErrorCode } from './errors.ts';
export { type ExtendOptions, extendTokenizer } from './extend.ts';
export type { ListedVocabulary } from './listed-vocabulary.ts';
export { type PreTokenizerName, preTokenizerNames } from './pre-tokenizers.ts';
export { type DecodeOptions, type EncodeOptions, Tokenizer } from './tokenizer.ts';
export type { TokenizerFile } from './tokenizer-file.ts';
export {
  type TrainingOptions,
  type TrainingProgress,
  trainBpe,
} from './train.ts';
export { vocabularyPieces } from './vocabulary-pieces.ts';
