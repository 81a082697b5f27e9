/**
 * Every page: its place in the address, its names, when it is shown in the navigation, and the file that is loaded for it. The first one is
 * part of the file that every visit begins with: a file of its own would be another answer to wait for before anything can be drawn.
 */
import type { ComponentType } from 'preact';
import type { Said } from '../language.ts';
import type { IconName } from '../parts/icon.tsx';
import type { PageProps } from './page-props.ts';
import WritePage from './write/page.tsx';

export interface PageEntry {
  /** In the address, `#/name`. */
  readonly name: string;
  readonly title: Said;
  readonly icon: IconName;
  readonly group: 'use' | 'make' | 'people';
  /** Shown in the navigation to these alone; the page itself says what is missing to whoever comes by a link. Absent: to everyone. */
  readonly shownTo?: 'accounts' | 'reviewer' | 'workspace';
  readonly load: () => Promise<{ readonly default: ComponentType<PageProps> }>;
}

/** The pages that are here already. */
const loaded = new Map<PageEntry, ComponentType<PageProps>>();

export const loadedPage = (entry: PageEntry | undefined): ComponentType<PageProps> | undefined =>
  entry && loaded.get(entry);

export async function loadPage(entry: PageEntry): Promise<void> {
  if (!loaded.has(entry)) loaded.set(entry, (await entry.load()).default);
}

/** @param name empty: the first */
export const pageNamed = (name: string): PageEntry | undefined =>
  name === '' ? PAGES[0] : PAGES.find((page) => page.name === name);

export const PAGES: readonly PageEntry[] = [
  {
    name: 'write',
    title: { zh: '试写', en: 'Write' },
    icon: 'brush',
    group: 'use',
    load: async () => ({ default: WritePage }),
  },
  {
    name: 'apps',
    title: { zh: '应用', en: 'Applications' },
    icon: 'grid',
    group: 'use',
    load: () => import('./apps/page.tsx'),
  },
  {
    name: 'study',
    title: { zh: '人机辨别', en: 'Human or machine' },
    icon: 'scales',
    group: 'use',
    load: () => import('./study/page.tsx'),
  },
  {
    name: 'data',
    title: { zh: '数据', en: 'Data' },
    icon: 'layers',
    group: 'make',
    shownTo: 'workspace',
    load: () => import('./data/page.tsx'),
  },
  {
    name: 'runs',
    title: { zh: '训练', en: 'Training' },
    icon: 'curve',
    group: 'make',
    shownTo: 'workspace',
    load: () => import('./training/page.tsx'),
  },
  {
    name: 'scores',
    title: { zh: '评测', en: 'Scores' },
    icon: 'bars',
    group: 'make',
    shownTo: 'workspace',
    load: () => import('./scores/page.tsx'),
  },
  {
    name: 'account',
    title: { zh: '账号', en: 'Account' },
    icon: 'person',
    group: 'people',
    shownTo: 'accounts',
    load: () => import('./account/page.tsx'),
  },
  {
    name: 'admin',
    title: { zh: '管理', en: 'Administration' },
    icon: 'shield',
    group: 'people',
    shownTo: 'reviewer',
    load: () => import('./admin/page.tsx'),
  },
];
