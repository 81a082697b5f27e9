/** Poems of a trained model on given themes, and how they are measured. */
import { parseQuatrain } from '@tunan/applications/verse';
import {
  type CutText,
  POEM_THEMES,
  type PoemStudy,
  type RegularShare,
  regularShare,
  SHOWN_THEMES,
  studyPoems,
  ThemeAssociation,
} from '@tunan/evaluation';
import { generate } from '@tunan/inference';
import type { LanguageModel } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';

/** Enough for a regulated verse of eight lines of seven; a longer poem is cut, and then is no quatrain. */
export const MOST_TOKENS = 90;
/** Of the draws: a little below the model's own distribution, as all its probabilities are a little too flat. */
const DRAW = { temperature: 0.8, topP: 0.95 };

export interface ShownPoem {
  readonly theme: string;
  readonly poem: string;
}

export interface PoemReport extends PoemStudy {
  /** Of a few drafts on each shown theme the first that is a quatrain; picked, so no part of the study. */
  readonly shown: readonly ShownPoem[];
  /** The samples of the study, as they came. */
  readonly poems: readonly ShownPoem[];
  /** Of poems that were written from nothing, title included. */
  readonly regular: RegularShare;
}

/** Poems that are written side by side. */
const BATCH = 50;
/** Draws on each theme for the study: of one, a weak hold on the theme would go under in chance. */
const DRAWS = 4;
/** Poems from nothing. */
const FREE = 100;
/** Drafts on each shown theme. */
const DRAFTS = 8;

/**
 * Writes poems on given themes (documents that begin with the theme as their title) and from nothing, and measures form and theme.
 * `free`: those from nothing, title included.
 * @param trainingTexts documents `{title}\n{lines}`, for the association of themes and characters, and the share of regular forms
 */
export async function writePoems(
  model: LanguageModel,
  tokenizer: Tokenizer,
  trainingTexts: readonly string[],
  seed: number,
): Promise<{ report: PoemReport; free: CutText[] }> {
  const write = async (prompts: readonly string[], choices: number, how: { temperature: number; topP: number }) => {
    const request = { prompts, choices, beginDocument: true, maxTokens: MOST_TOKENS, seed, ...how };
    const { sequences } = await generate(model, tokenizer, request, { batchSize: BATCH });
    return sequences.map(({ text, finishReason }) => ({ text: text.trim(), ended: finishReason === 'stop' }));
  };
  const titles = (themes: readonly string[]) => themes.map((theme) => `${theme}\n`);
  const samples = await write(titles(POEM_THEMES), DRAWS, DRAW);
  const drafts = await write(titles(SHOWN_THEMES), DRAFTS, DRAW);
  const free = await write([''], FREE, DRAW);
  const poems = samples.map(({ text: poem }, i) => ({ theme: POEM_THEMES[Math.floor(i / DRAWS)]!, poem }));
  const association = new ThemeAssociation(titled(trainingTexts), POEM_THEMES);
  const report = {
    ...studyPoems(poems, { association, seed }),
    shown: SHOWN_THEMES.map((theme, i) => {
      const own = drafts.slice(i * DRAFTS, (i + 1) * DRAFTS).map(({ text }) => text);
      return { theme, poem: own.find((draft) => parseQuatrain(draft).form !== undefined) ?? own[0]! };
    }),
    poems,
    regular: regularShare(
      free.map(({ text }) => text),
      trainingTexts,
    ),
  };
  return { report, free };
}

function* titled(texts: readonly string[]) {
  for (const text of texts) {
    const end = text.indexOf('\n');
    if (end >= 0) yield { title: text.slice(0, end), body: text.slice(end + 1) };
  }
}
