/** Common themes of classical poetry, for generated samples. Fixed, so that runs can be compared. */

/** Twenty themes to measure form and theme over. */
export const POEM_THEMES = [
  '春雨',
  '秋月',
  '江雪',
  '登高',
  '送别',
  '思乡',
  '梅花',
  '边塞',
  '山寺',
  '渔父',
  '落花',
  '夜泊',
  '归雁',
  '松风',
  '采莲',
  '中秋',
  '早行',
  '饮酒',
  '牧童',
  '古城',
] as const;

/** The three of them that are shown. */
export const SHOWN_THEMES = ['春雨', '秋月', '登高'] as const satisfies readonly (typeof POEM_THEMES)[number][];
