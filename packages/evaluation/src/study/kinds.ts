/** The kinds of texts that a study asks about: how a model is asked for one, and where it ends. */
import type { Said } from '@tunan/protocol/mistakes';
import type { StudyKind } from '@tunan/protocol/studies';

export interface KindRule {
  readonly name: Said;
  /** What a model goes on from; {prompt} is the prompt of the human text. */
  readonly template: string;
  readonly stop: readonly string[];
  /** Prose is cut at the end of a sentence, on both sides alike, to at most so many characters; of verse and couplets all is shown. */
  readonly longest: number | undefined;
}

export const KIND_RULES: Readonly<Record<StudyKind, KindRule>> = {
  news: { name: { en: 'news', zh: '新闻' }, template: '{prompt}\n', stop: [], longest: 300 },
  poem: { name: { en: 'poems', zh: '诗歌' }, template: '{prompt}\n', stop: ['\n\n'], longest: undefined },
  couplet: {
    ...{ name: { en: 'couplets', zh: '对联' }, template: '上联：{prompt}\n下联：' },
    ...{ stop: ['\n'], longest: undefined },
  },
  dialogue: { name: { en: 'dialogue', zh: '对话' }, template: '问：{prompt}\n答：', stop: ['\n'], longest: 200 },
  novel: { name: { en: 'novel continuation', zh: '小说续写' }, template: '{prompt}', stop: [], longest: 300 },
};
