/**
 * Errors of the tokenizer that a user can fix. One class, told apart by `code`; the message is one line that says
 * what is wrong and what to do. Broken invariants are plain `Error`s and never of this class.
 */
import { UserMistake } from '@tunan/files';

export type TokenizerErrorCode =
  /** An option has a value outside its range. */
  | 'TOKENIZER_BAD_OPTION'
  /** No text reached the trainer, or none of it fits into the sample. */
  | 'TOKENIZER_EMPTY_CORPUS'
  /** The texts hold too few repeated pairs for the asked vocabulary. */
  | 'TOKENIZER_VOCABULARY_TOO_LARGE'
  /** The file is missing or unreadable. */
  | 'TOKENIZER_FILE'
  /** The file is not JSON or contradicts itself. */
  | 'TOKENIZER_MALFORMED_FILE'
  /** A sound tokenizer.json, but of a kind that is not byte-level BPE with a split known here. */
  | 'TOKENIZER_UNSUPPORTED_FILE'
  /** A chat template that is none, or that does not take the messages. */
  | 'TOKENIZER_CHAT_TEMPLATE'
  /** An id outside the vocabulary was decoded, or a name that it lacks was asked for. */
  | 'TOKENIZER_UNKNOWN_TOKEN'
  /** A file of token shards is missing. */
  | 'TOKENIZER_SHARD_MISSING'
  /** Token shards that are no indexed dataset, or contradict themselves. */
  | 'TOKENIZER_INDEXED_DATASET'
  /** The pool was closed, or one of its threads died. */
  | 'TOKENIZER_POOL';

/** What the package throws. */
export class TokenizerError extends UserMistake<TokenizerErrorCode> {}
