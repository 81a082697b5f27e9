/** What a model writes to the prompts of human texts: several tries each, of which those are kept that are as long as the human text. */
import { collect, type Engine } from '@tunan/inference';
import type { StudyKind } from '@tunan/protocol/studies';
import type { HumanText } from './human-texts.ts';
import { KIND_RULES } from './kinds.ts';
import { charactersOf, cutAtSentence, tidyText } from './study-text.ts';

export interface WritingOptions {
  readonly engine: Engine;
  /** Tries for each prompt. */
  readonly tries: number;
  /** A machine's text may be longer or shorter than the human one by this share of it. */
  readonly band: number;
  /** In place of those of the kinds. */
  readonly templates: Readonly<Partial<Record<StudyKind, string>>>;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** Requests that are asked at the same time. */
const AT_ONCE = 8;

/** For each human text what fits beside it, in the order of the tries. @throws InferenceError */
export async function writeCandidates(humans: readonly HumanText[], options: WritingOptions): Promise<string[][]> {
  const candidates: string[][] = humans.map(() => []);
  let [next, done] = [0, 0];
  const work = async () => {
    while (next < humans.length) {
      const index = next++;
      candidates[index] = await candidatesOf(humans[index]!, index, options);
      options.onProgress?.(++done, humans.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return candidates;
}

async function candidatesOf(human: HumanText, index: number, options: WritingOptions): Promise<string[]> {
  const { engine, tries, temperature, topP, seed, templates } = options;
  const rule = KIND_RULES[human.kind];
  const most = charactersOf(human.text) * (1 + options.band);
  const request = {
    prompts: [(templates[human.kind] ?? rule.template).replaceAll('{prompt}', () => human.prompt)],
    // A character is seldom more than a token and a half; line ends and what is cut off behind the last sentence come on top.
    ...{
      choices: tries,
      maxTokens: Math.ceil(1.5 * most) + 24,
      stop: rule.stop,
      temperature,
      topP,
      seed: seed + index,
    },
    // Other servers decide themselves how a document begins.
    ...(engine.kind !== 'remote' && { beginDocument: true }),
  };
  const { sequences } = await collect(engine.submit(request, options.signal));
  return sequences.flatMap(({ text, finishReason }) => fitting(human, text, finishReason === 'stop', options.band));
}

function fitting({ kind, text: human }: HumanText, written: string, hasEnded: boolean, band: number): string[] {
  const wanted = charactersOf(human);
  const tidy = tidyText(written);
  const isCut = KIND_RULES[kind].longest !== undefined;
  if (!isCut && !hasEnded) return [];
  const text = isCut ? cutAtSentence(tidy, wanted * (1 + band)) : tidy;
  const length = charactersOf(text);
  return length > 0 && Math.abs(length - wanted) <= wanted * band ? [text] : [];
}
