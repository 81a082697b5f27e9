/**
 * The description of a form of verse, and what holds a model to it: lines, their marks, and for each place of a line what may stand there (a
 * character that is given, a tone, a rhyme). Everything that is imposed on a model is described so, and made a grammar (GBNF) in one place.
 *
 * Only characters go into the grammar whose reading is certain, so that what is written passes the check by any reading. The grammar ends where
 * the form does, and the answer with it.
 */
import { type Rhyme, type RhymeBook, rhymeBook, type Tone } from './rhyme-book.ts';

/** What a place takes; any character where it says nothing. */
export interface Place {
  readonly tone?: Tone | undefined;
  /** This character and no other. */
  readonly exactly?: string | undefined;
  /** What else is asked of its character; not heeded where nothing would be left. */
  readonly fits?: ((character: string) => boolean) | undefined;
  /** Which of the form's rhymes stands here; places that name the same one rhyme, with different characters. */
  readonly rhyme?: string | undefined;
}

export interface FormLine {
  readonly places: readonly Place[];
  /** So many more characters behind the places. */
  readonly more?: { readonly least: number; readonly most: number } | undefined;
  /** What stands behind the line. */
  readonly mark: string;
}

export interface FormOptions {
  readonly book: RhymeBook;
  /** Characters that stand nowhere in it, but where `exactly` says so. */
  readonly without?: ReadonlySet<string> | undefined;
  /** Uniform in [0, 1): which rhymes. */
  readonly draw: () => number;
}

/** Rhymes with fewer characters leave a poem too little to say. */
const FEWEST_RHYMES = 50;
/** Nor does a place: characters of a rhyme are dealt out among its places, so that none comes twice. */
const FEWEST_DEALT = 5;

/** @param forms of which the model chooses one; at least one */
export function formGrammar(forms: readonly (readonly FormLine[])[], { book, without, draw }: FormOptions): string {
  const rules = new Map<string, string>();
  const known = new Map<readonly string[], string>();
  /** One rule for each set, however many places have it. */
  const ruleOf = (characters: readonly string[]): string => {
    const found = known.get(characters);
    if (found !== undefined) return found;
    const body = `[${characters.join('')}]`;
    const name = rules.get(body) ?? `set-${rules.size + 1}`;
    rules.set(body, name);
    known.set(characters, name);
    return name;
  };
  const kept = (characters: readonly string[]) =>
    common(characters)
      .filter((one) => without?.has(one) !== true)
      .sort();
  const any = kept(book.characters);
  const toned = { level: kept(book.always('level')), oblique: kept(book.always('oblique')) };
  /** By set and by what is asked of it: many places ask the same of the same set. */
  const fitted = new Map<readonly string[], Map<Place['fits'], readonly string[]>>();
  const fitting = (characters: readonly string[], fits: Place['fits']): readonly string[] => {
    if (fits === undefined) return characters;
    const asked = fitted.get(characters) ?? new Map<Place['fits'], readonly string[]>();
    fitted.set(characters, asked);
    const found = asked.get(fits) ?? characters.filter(fits);
    asked.set(fits, found);
    return found.length > 0 ? found : characters;
  };
  const spelt = forms.map((lines) => {
    const shares = dealtRhymes(
      lines.flatMap(({ places }) => places),
      { book, without, draw },
    );
    return lines
      .flatMap(({ places, more, mark }) => [
        ...places.map((place) => {
          if (place.exactly !== undefined) return quoted(place.exactly);
          const free = place.tone === undefined ? any : toned[place.tone];
          return ruleOf(fitting(shares.get(place) ?? free, place.fits));
        }),
        ...(more === undefined ? [] : [`${ruleOf(any)}{${more.least},${more.most}}`]),
        ...(mark === '' ? [] : [quoted(mark)]),
      ])
      .join(' ');
  });
  return [
    `root ::= ${[...new Set(spelt)].join(' | ')}`,
    ...[...rules].map(([body, name]) => `${name} ::= ${body}`),
  ].join('\n');
}

/** For each place that rhymes, characters of its rhyme that no other place of the same rhyme has. */
function dealtRhymes(
  places: readonly Place[],
  { book, without, draw }: FormOptions,
): ReadonlyMap<Place, readonly string[]> {
  const shares = new Map<Place, readonly string[]>();
  for (const name of new Set(places.flatMap(({ rhyme }) => rhyme ?? []))) {
    const rhyming = places.filter(({ rhyme, exactly }) => rhyme === name && exactly === undefined);
    const tone = rhyming.find((place) => place.tone !== undefined)?.tone ?? 'level';
    const sets = book
      .rhymes(tone)
      .map((rhyme) => certain(rhyme, tone, book).filter((one) => without?.has(one) !== true));
    const needed = Math.max(FEWEST_RHYMES, FEWEST_DEALT * rhyming.length);
    const most = sets.reduce((largest, one) => (one.length > largest.length ? one : largest));
    const large = sets.filter(({ length }) => length >= needed);
    const drawn = shuffled(large[Math.floor(draw() * large.length)] ?? most, draw);
    rhyming.forEach((place, at) => {
      shares.set(place, drawn.filter((_, i) => i % rhyming.length === at).sort());
    });
  }
  return shares;
}

/** Characters that are always read so, and rhyme in nothing else of that tone. */
function certain(rhyme: Rhyme, tone: Tone, book: RhymeBook): string[] {
  return common([...rhyme.characters]).filter(
    (one) => book.toneOf(one) === tone && book.rhymesOf(one, tone).length === 1,
  );
}

/** Those that today's book has too: Simplified, and none that nobody reads. */
export function common(characters: readonly string[]): string[] {
  const today = rhymeBook('new');
  return characters.filter((character) => character >= '\u4e00' && character <= '\u9fff' && today.knows(character));
}

function shuffled<T>(list: readonly T[], draw: () => number): T[] {
  const left = [...list];
  for (let i = left.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [left[i], left[j]] = [left[j]!, left[i]!];
  }
  return left;
}

const quoted = (text: string): string => JSON.stringify(text);
