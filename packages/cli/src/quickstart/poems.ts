/** Poems of a trained model on given themes, and how they are measured. */
import { POEM_THEMES, type PoemStudy, SHOWN_THEMES, studyPoems, ThemeAssociation } from '@tunan/evaluation';
import { generate } from '@tunan/inference';
import type { YuanLM } from '@tunan/model';
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
  readonly shown: readonly ShownPoem[];
  readonly poems: readonly ShownPoem[];
}

/**
 * Writes one poem a theme (a document that begins with the theme as its title) and measures form and theme.
 * @param trainingTexts documents `{title}\n{lines}`, for the association of themes and characters
 */
export async function writePoems(
  model: YuanLM,
  tokenizer: Tokenizer,
  trainingTexts: readonly string[],
  seed: number,
): Promise<PoemReport> {
  const { sequences } = await generate(model, tokenizer, {
    prompts: POEM_THEMES.map((theme) => `${theme}\n`),
    beginDocument: true,
    maxTokens: MOST_TOKENS,
    seed,
    ...DRAW,
  });
  const poems = POEM_THEMES.map((theme, i) => ({ theme, poem: sequences[i]!.text.trim() }));
  const association = new ThemeAssociation(titled(trainingTexts), POEM_THEMES);
  return {
    ...studyPoems(poems, { association, seed }),
    shown: poems.filter(({ theme }) => (SHOWN_THEMES as readonly string[]).includes(theme)),
    poems,
  };
}

function* titled(texts: readonly string[]) {
  for (const text of texts) {
    const end = text.indexOf('\n');
    if (end >= 0) yield { title: text.slice(0, end), body: text.slice(end + 1) };
  }
}
