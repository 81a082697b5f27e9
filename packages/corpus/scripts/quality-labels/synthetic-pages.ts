/** Pages put together from the sentences of recipes/quality/synthetic-pages.txt, whose head explains its notation. */
import { pick, shuffle } from './random.ts';

interface Kind {
  readonly name: string;
  readonly titles: string[];
  readonly sentences: string[];
}

export class SyntheticPages {
  readonly #lists = new Map<string, string[]>();
  readonly #kinds = new Map<string, Kind[]>();
  readonly #random: () => number;

  constructor(notation: string, random: () => number) {
    this.#random = random;
    let kind: Kind | undefined;
    for (const line of notation.split('\n')) {
      if (line === '' || line.startsWith('# ') || line === '#') continue;
      const list = /^\{(\w+)\} = (.*)$/.exec(line);
      const heading = /^== (\w+) \/ (.+)$/.exec(line);
      if (list !== null) this.#lists.set(list[1]!, list[2]!.split('|'));
      else if (heading !== null) {
        kind = { name: heading[2]!, titles: [], sentences: [] };
        this.#kinds.set(heading[1]!, [...(this.#kinds.get(heading[1]!) ?? []), kind]);
      } else if (line.startsWith('^')) kind!.titles.push(line.slice(1));
      else kind!.sentences.push(line);
    }
  }

  /** One page of the label: a title as often as not, some of the sentences of one kind, in lines or as one paragraph. */
  page(label: string): { text: string; kind: string } {
    const random = this.#random;
    const { name, titles, sentences } = pick(this.#kinds.get(label)!, random);
    const count = 1 + Math.floor(random() ** 2 * 2 * sentences.length);
    const chosen: string[] = [];
    while (chosen.length < count) chosen.push(...shuffle(sentences, random).slice(0, count - chosen.length));
    const glue = random() < 0.6 ? '\n' : '';
    const body = chosen.map((sentence) => this.#fill(sentence)).join(glue);
    const titled = titles.length > 0 && random() < 0.5;
    return { text: titled ? `${this.#fill(pick(titles, random))}\n${body}` : body, kind: name };
  }

  /** A page that is nothing but search words, as spammers put them under a page. */
  keywords(words: readonly string[]): string {
    const glue = pick([' ', ',', '，', '|', '_', '\n', '-'], this.#random);
    return Array.from({ length: 8 + Math.floor(this.#random() * 60) }, () => pick(words, this.#random)).join(glue);
  }

  /** An advert for things that word lists name: who sells them is no honest trader, whatever the phrases. */
  offer(words: readonly string[]): string {
    return this.page('advert')
      .text.split(/(?<=[，。！\n])/)
      .map((phrase) => (this.#random() < 0.35 ? `${pick(words, this.#random)}${phrase}` : phrase))
      .join('');
  }

  #fill(template: string): string {
    let text = template;
    // Innermost choices first, so that they may nest.
    for (let before = ''; before !== text; ) {
      before = text;
      text = text
        .replace(/\[([^[\]]*)\]/g, (_, choices: string) => pick(choices.split('|'), this.#random))
        .replace(/\{(\w+)\}/g, (_, name: string) => pick(this.#lists.get(name)!, this.#random));
    }
    return text.replaceAll('\\n', '\n').replace(/#/g, () => String(Math.floor(this.#random() * 10)));
  }
}
