/** Poems of a trained model on given themes, and how they are measured. */
import {
  POEM_THEMES,
  type PoemStudy,
  parseQuatrain,
  SHOWN_THEMES,
  studyPoems,
  ThemeAssociation,
} from '@tunan/evaluation';
import { generate } from '@tunan/inference';
import type { LanguageModel } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';

/** Enough for a regulated verse of eight lines of seven; a longer poem is cut, and then is no quatrain. */
const MOST_TOKENS = 90;
/** Of the draws: a little below the model's own distribution, as all its probabilities are a little too flat. */
const DRAW = { temperature: 0.8, topP: 0.95 };

export interface ShownPoem {
  readonly theme: string;
  readonly poem: string;
}

export interface PoemReport extends PoemStudy {
  /** Of a few drafts on each shown theme the first that is a quatrain; picked, so no part of the study. */
  readonly shown: readonly ShownPoem[];
  /** The samples of the study: the first draw on each theme, as it came. */
  readonly poems: readonly ShownPoem[];
}

/** Poems that are written side by side. */
const BATCH = 24;
/** Drafts on each shown theme. */
const DRAFTS = 8;

/**
 * Writes one poem a theme (a document that begins with the theme as its title) and measures form and theme.
 * @param trainingTexts documents `{title}\n{lines}`, for the association of themes and characters
 */
export async function writePoems(
  model: LanguageModel,
  tokenizer: Tokenizer,
  trainingTexts: readonly string[],
  seed: number,
): Promise<PoemReport> {
  const draw = async (themes: readonly string[], choices: number) => {
    const prompts = themes.map((theme) => `${theme}\n`);
    const request = { prompts, choices, beginDocument: true, maxTokens: MOST_TOKENS, seed, ...DRAW };
    const { sequences } = await generate(model, tokenizer, request, { batchSize: BATCH });
    return sequences.map(({ text }) => text.trim());
  };
  const samples = await draw(POEM_THEMES, 1);
  const drafts = await draw(SHOWN_THEMES, DRAFTS);
  const poems = POEM_THEMES.map((theme, i) => ({ theme, poem: samples[i]! }));
  const association = new ThemeAssociation(titled(trainingTexts), POEM_THEMES);
  return {
    ...studyPoems(poems, { association, seed }),
    shown: SHOWN_THEMES.map((theme, i) => {
      const own = drafts.slice(i * DRAFTS, (i + 1) * DRAFTS);
      return { theme, poem: own.find((draft) => parseQuatrain(draft).form !== undefined) ?? own[0]! };
    }),
    poems,
  };
}

function* titled(texts: readonly string[]) {
  for (const text of texts) {
    const end = text.indexOf('\n');
    if (end >= 0) yield { title: text.slice(0, end), body: text.slice(end + 1) };
  }
}
