/** Light, dark, or as the system is. index.html sets it before the first paint, by the same name in the storage. */
import { effect } from '@preact/signals';
import { kept } from './kept.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const isTheme = (value: unknown): value is Theme => THEMES.some((theme) => theme === value);

export const theme = kept<Theme>('theme', 'system', isTheme);

effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === 'system') delete dataset.theme;
  else dataset.theme = theme.value;
});
