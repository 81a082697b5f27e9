/** What the steps of long work are called in progress lines and summaries. */
import { text } from './language.ts';

export const BUILD_STAGES = {
  fetch: text('fetching', '下载'),
  read: text('reading', '读取'),
  duplicates: text('finding duplicates', '查重'),
  write: text('writing', '写出'),
} as const;

export const TOKENIZER_STAGES = {
  sampling: text('reading', '读取'),
  counting: text('counting', '统计'),
  merging: text('merging', '合并'),
} as const;

export const QUICKSTART_STAGES = {
  corpus: text('corpus', '语料'),
  tokenizer: text('tokenizer', '分词器'),
  tokens: text('token shards', '词元分片'),
  choose: text('model size', '模型规模'),
  training: text('training', '训练'),
  evaluation: text('evaluation', '评测'),
  poems: text('poems', '作诗'),
} as const;

export type QuickstartStage = keyof typeof QUICKSTART_STAGES;
