/** Chinese and English. Every room has its words in both, in a file `words.ts` of its own, loaded with it. */
import { effect } from '@preact/signals';
import { kept } from './kept.ts';

export type Language = 'zh' | 'en';
/** One text in both languages. */
export interface Said {
  readonly zh: string;
  readonly en: string;
}

const isLanguage = (value: unknown): value is Language => value === 'zh' || value === 'en';

export const language = kept<Language>(
  'language',
  navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en',
  isLanguage,
);

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
});

/** The table of the language that is shown; reading it in a component draws that anew when the language changes. */
export function words<T>(zh: T, en: NoInfer<T>): () => T {
  return () => (language.value === 'zh' ? zh : en);
}

export const said = (text: Said): string => text[language.value];

const locale = (): string => (language.value === 'zh' ? 'zh-CN' : 'en-GB');

/** 12,345. */
export const number = (value: number, digits = 0): string =>
  value.toLocaleString(locale(), { maximumFractionDigits: digits });

/** 3.2 %. */
export const percent = (share: number): string => {
  const digits = share < 0.1 ? 2 : 1;
  return `${(share * 100).toLocaleString(locale(), { maximumFractionDigits: digits })} %`;
};

/** @param seconds Unix time */
export const moment = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });
