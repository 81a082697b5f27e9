/**
 * Who judges what, in which order: items under names that say nothing, and booklets, one for each judge. In a booklet no prompt comes twice,
 * of single texts half are a model's in every kind, texts are shared out evenly over the booklets, and checks of attention stand among them.
 */
import { randomBytes } from 'node:crypto';
import {
  MOST_CONFIDENT,
  STUDY_ANSWERS,
  type StudyAnswer,
  type StudyDesign,
  type StudyItem,
  type StudyKind,
} from '@tunan/protocol/studies';
import { shuffledIndices } from '../random.ts';
import type { ItemAnswer } from './study-key.ts';

/** A human text and what the model wrote to the same prompt. */
export interface Matched {
  readonly kind: StudyKind;
  readonly prompt: string;
  readonly human: string;
  readonly machine: string;
  readonly source: string;
}

export interface DesignOptions {
  readonly design: StudyDesign;
  readonly judges: number;
  /** Texts in a booklet, checks apart; no more than there are prompts. */
  readonly each: number;
  /** Checks in a booklet. */
  readonly checks: number;
  /** Human texts that are shown in no other way, for checks to begin with. */
  readonly carriers: readonly Omit<Matched, 'machine'>[];
  readonly random: () => number;
}

export interface DesignedStudy {
  /** In random order. */
  readonly items: readonly StudyItem[];
  readonly answers: Readonly<Record<string, ItemAnswer>>;
  readonly booklets: readonly (readonly string[])[];
}

/** @returns texts, or pairs, that come of so many prompts */
export const itemsOf = (design: StudyDesign, prompts: number): number => (design === 'single' ? 2 * prompts : prompts);

export function designStudy(matched: readonly Matched[], options: DesignOptions): DesignedStudy {
  const book = new ItemBook();
  const groups = matched.map((one) => ({ kind: one.kind, items: addItems(book, one, options), uses: [0, 0] }));
  const checks = addChecks(book, options);
  const booklets = Array.from({ length: options.judges }, (_, judge) =>
    withChecks(sharedOut(groups, options), checks, judge, options),
  );
  const order = shuffledIndices(book.items.length, options.random);
  return { items: order.map((i) => book.items[i]!), answers: Object.fromEntries(book.answers), booklets };
}

class ItemBook {
  readonly items: StudyItem[] = [];
  readonly answers = new Map<string, ItemAnswer>();

  add(item: Omit<StudyItem, 'id'>, answer: Pick<ItemAnswer, 'answer' | 'source' | 'check'>): string {
    const id = randomBytes(8).toString('hex');
    this.items.push({ id, ...item });
    this.answers.set(id, { kind: item.kind, characters: item.texts.map((text) => Array.from(text).length), ...answer });
    return id;
  }
}

/** The items of one prompt: the human and the machine text, or the pair. */
function addItems(book: ItemBook, matched: Matched, { design, random }: DesignOptions): string[] {
  const { kind, prompt, human, machine, source } = matched;
  if (design === 'single') {
    return [
      book.add({ kind, prompt, texts: [human] }, { answer: 'human', source }),
      book.add({ kind, prompt, texts: [machine] }, { answer: 'machine', source }),
    ];
  }
  const humanFirst = random() < 0.5;
  const texts = humanFirst ? [human, machine] : [machine, human];
  return [book.add({ kind, prompt, texts }, { answer: humanFirst ? 'first' : 'second', source })];
}

interface Group {
  readonly kind: StudyKind;
  readonly items: readonly string[];
  /** How many booklets have each of the items. */
  readonly uses: number[];
}

/** The prompts that the fewest booklets have, each with one of its items, and of every kind as many of the one sort as of the other. */
function sharedOut(groups: readonly Group[], { each, random }: DesignOptions): string[] {
  const usesOf = ({ uses }: Group) => uses[0]! + uses[1]!;
  const taken = shuffledIndices(groups.length, random)
    .map((i) => groups[i]!)
    .sort((a, b) => usesOf(a) - usesOf(b))
    .slice(0, each);
  const chosen = [...Map.groupBy(taken, ({ kind }) => kind).values()].flatMap((ofKind) => {
    // Those whose first item has been used more often now give the second; of an odd number chance decides.
    const sorted = ofKind.toSorted((a, b) => a.uses[0]! - a.uses[1]! - (b.uses[0]! - b.uses[1]!));
    const half = Math.floor(sorted.length / 2) + (sorted.length % 2 === 1 && random() < 0.5 ? 1 : 0);
    return sorted.map((group, i) => {
      const side = group.items.length === 1 || i < half ? 0 : 1;
      group.uses[side]!++;
      return group.items[side]!;
    });
  });
  return shuffledIndices(chosen.length, random).map((i) => chosen[i]!);
}

const NAMES: Readonly<Record<StudyAnswer, string>> = {
  ...{ human: '人写的', machine: '机器写的' },
  ...{ first: '第一篇', second: '第二篇' },
};

/** Items that say which answer they want, below a text where there is one to spare: who does not read to the end is found out. */
function addChecks(book: ItemBook, { design, checks, carriers, random }: DesignOptions): string[] {
  const shuffled = shuffledIndices(carriers.length, random).map((i) => carriers[i]!);
  const first = Math.floor(random() * 2);
  return Array.from({ length: checks === 0 ? 0 : 2 * checks }, (_, i) => {
    const answer = STUDY_ANSWERS[design][(first + i) % 2]!;
    const confidence = 1 + Math.floor(random() * MOST_CONFIDENT);
    const asked = `（这一题只用来确认您在阅读，不计入结果：请选“${NAMES[answer]}”，把握选 ${confidence}。）`;
    const carrier = shuffled[i % Math.max(1, shuffled.length)];
    const { kind, prompt } = carrier ?? { kind: 'news' as const, prompt: '阅读确认' };
    const text = [carrier?.human, asked].filter((part) => part !== undefined).join('\n');
    const texts = design === 'single' ? [text] : [text, text];
    return book.add({ kind, prompt, texts }, { answer, source: '', check: { confidence } });
  });
}

/** Spread over the booklet, the first not before its second text. */
function withChecks(
  texts: readonly string[],
  checks: readonly string[],
  judge: number,
  { checks: count, random }: DesignOptions,
): string[] {
  const booklet = [...texts];
  for (let i = count - 1; i >= 0; i--) {
    const [from, to] = [(i * texts.length) / count, ((i + 1) * texts.length) / count];
    const place = Math.max(1, Math.floor(from + random() * (to - from)));
    booklet.splice(place, 0, checks[(judge * count + i) % checks.length]!);
  }
  return booklet;
}
