/**
 * Regular expressions as JavaScript writes them with the flag v or u, into expressions.
 *
 * Taken: characters and escapes, classes, `.`, \d \w \s \p{…} and their opposites, groups, alternatives, quantifiers (a lazy one matches
 * the same texts), ^ and $ at the ends. What is not regular, or looks around (backreferences, (?=…), \b), is refused by name.
 */
import { type CodePoints, charactersOf, complement, EVERY_CHARACTER, union } from './code-points.ts';
import { constraintError } from './constraint-error.ts';
import { character, choice, EMPTY, type Expression, repeat, sequence } from './expression.ts';

const DIGITS = charactersOf('0123456789');
const LETTERS: CodePoints = [
  [0x41, 0x5a],
  [0x61, 0x7a],
];
const WORD = union(DIGITS, LETTERS, charactersOf('_'));
const SPACE = charactersOf(
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff',
);
const NO_LINE_END = complement(charactersOf('\n\r\u2028\u2029'));
const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  w: WORD,
  s: SPACE,
  D: complement(DIGITS),
  W: complement(WORD),
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', 0: '\0' };
/** Characters that stand for themselves only behind a backslash. */
const SYNTAX = '^$\\.*+?()[]{}|/-';
/** More copies than any use needs; the network bounds what they amount to. */
const MOST_COPIES = 100_000;

const ANYTHING = repeat(character(EVERY_CHARACTER), 0);

/** The texts that match from beginning to end. @throws InferenceError */
export function wholeMatch(pattern: string): Expression {
  return choice(...new Parser(pattern).parse().map(({ inner }) => inner));
}

/** The texts in which the pattern is found somewhere, as JSON schemas mean it. @throws InferenceError */
export function containedMatch(pattern: string): Expression {
  const options = new Parser(pattern)
    .parse()
    .map(({ inner, begins, ends }) => sequence(...(begins ? [] : [ANYTHING]), inner, ...(ends ? [] : [ANYTHING])));
  return choice(...options);
}

interface Alternative {
  readonly inner: Expression;
  /** It has ^ in front, $ behind. */
  readonly begins: boolean;
  readonly ends: boolean;
}

const sets = new Map<string, CodePoints>();

class Parser {
  readonly #characters: readonly string[];
  readonly #pattern: string;
  #place = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#characters = [...pattern];
  }

  parse(): Alternative[] {
    const alternatives = [this.#alternative()];
    while (this.#take('|')) alternatives.push(this.#alternative());
    if (this.#place < this.#characters.length)
      throw this.#error(`'${this.#peek}' closes nothing`, `“${this.#peek}”没有对应的开头`);
    return alternatives;
  }

  get #peek(): string | undefined {
    return this.#characters[this.#place];
  }

  #take(expected: string): boolean {
    if (this.#peek !== expected) return false;
    this.#place++;
    return true;
  }

  #next(): string {
    const found = this.#characters[this.#place++];
    if (found === undefined) throw this.#error('it ends too early', '它没有写完');
    return found;
  }

  #error(en: string, zh: string): Error {
    const place = Math.min(this.#place, this.#characters.length);
    return constraintError({
      en: `the regular expression ${this.#pattern}, at character ${place}: ${en}`,
      zh: `正则表达式 ${this.#pattern} 第 ${place} 个字符处：${zh}`,
    });
  }

  #alternative(): Alternative {
    const begins = this.#take('^');
    const parts: Expression[] = [];
    let ends = false;
    while (this.#peek !== undefined && this.#peek !== '|' && this.#peek !== ')') {
      if (this.#take('$')) {
        if (this.#peek !== undefined && this.#peek !== '|')
          throw this.#error('$ stands only at the end', '$ 只能在末尾');
        ends = true;
        break;
      }
      parts.push(this.#quantified());
    }
    return { inner: parts.length === 0 ? EMPTY : sequence(...parts), begins, ends };
  }

  #quantified(): Expression {
    const part = this.#atom();
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    this.#take('?');
    if (this.#peek === '*' || this.#peek === '+' || this.#peek === '?') {
      throw this.#error('two quantifiers, one behind the other', '两个量词相连');
    }
    return repeat(part, ...bounds);
  }

  #bounds(): [least: number, most?: number] | undefined {
    if (this.#take('*')) return [0];
    if (this.#take('+')) return [1];
    if (this.#take('?')) return [0, 1];
    if (this.#peek !== '{') return undefined;
    const found = /^\{(\d+)(,?)(\d*)\}/.exec(this.#characters.slice(this.#place, this.#place + 24).join(''));
    if (found === null)
      throw this.#error('{ begins no count; write \\{ for the character', '{ 之后不是次数；字符本身请写作 \\{');
    this.#place += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === '' ? least : found[3] === '' ? undefined : Number(found[3]);
    if (Math.max(least, most ?? 0) > MOST_COPIES)
      throw this.#error(`at most ${MOST_COPIES} times`, `至多 ${MOST_COPIES} 次`);
    if (most !== undefined && most < least) throw this.#error('the greater count comes first', '次数的先后颠倒');
    return most === undefined ? [least] : [least, most];
  }

  #atom(): Expression {
    const found = this.#next();
    if (found === '(') return this.#group();
    if (found === '[') return character(this.#class());
    if (found === '.') return character(NO_LINE_END);
    if (found === '\\') return character(this.#escape(false));
    if (found === '^') throw this.#error('^ stands only at the beginning', '^ 只能在开头');
    if ('*+?{'.includes(found)) throw this.#error(`'${found}' repeats nothing`, `“${found}”之前没有可重复的内容`);
    if (found === ']' || found === '}')
      throw this.#error(`write \\${found} for the character`, `字符本身请写作 \\${found}`);
    return character(charactersOf(found));
  }

  #group(): Expression {
    if (this.#take('?')) {
      if (this.#take('<')) {
        if (this.#peek === '=' || this.#peek === '!') throw this.#lookaround();
        while (this.#next() !== '>');
      } else if (!this.#take(':')) {
        throw this.#peek === '=' || this.#peek === '!'
          ? this.#lookaround()
          : this.#error(`(?${this.#peek ?? ''} is not supported`, `不支持 (?${this.#peek ?? ''}`);
      }
    }
    const options: Expression[] = [];
    do {
      const { inner, begins, ends } = this.#alternative();
      if (begins || ends) throw this.#error('^ and $ stand only outside of groups', '^ 与 $ 只能在括号之外');
      options.push(inner);
    } while (this.#take('|'));
    if (!this.#take(')')) throw this.#error('a group is not closed', '括号没有闭合');
    return choice(...options);
  }

  #lookaround(): Error {
    return this.#error('looking around, as (?=…) does, is not supported', '不支持 (?=…) 一类的环视');
  }

  #class(): CodePoints {
    const negated = this.#take('^');
    const parts: CodePoints[] = [];
    while (!this.#take(']')) {
      const from = this.#member();
      const isRange = this.#peek === '-' && this.#characters[this.#place + 1] !== ']';
      if (!isRange) {
        parts.push(from);
        continue;
      }
      this.#place++;
      const to = this.#member();
      const [first, last] = [single(from), single(to)];
      if (first === undefined || last === undefined || first > last)
        throw this.#error('that is no range', '这不是范围');
      parts.push([[first, last]]);
    }
    const set = union(...parts);
    return negated ? complement(set) : set;
  }

  #member(): CodePoints {
    const found = this.#next();
    if (found === '[') throw this.#error('write \\[ for the character', '字符本身请写作 \\[');
    return found === '\\' ? this.#escape(true) : charactersOf(found);
  }

  #escape(inClass: boolean): CodePoints {
    const found = this.#next();
    const known = CLASSES[found];
    if (known !== undefined) return known;
    if (CONTROLS[found] !== undefined) return charactersOf(CONTROLS[found]);
    if (found === 'p' || found === 'P') return this.#property(found);
    if (found === 'x') return this.#hexadecimal(2);
    if (found === 'u') return this.#take('{') ? this.#braced() : this.#hexadecimal(4);
    if (inClass && found === 'b') return charactersOf('\b');
    if (SYNTAX.includes(found)) return charactersOf(found);
    // Escaped without need, as in "\"": taken where no letter or digit could mean something.
    if (!/[\p{L}\p{N}]/u.test(found)) return charactersOf(found);
    throw this.#error(`\\${found} is not supported`, `不支持 \\${found}`);
  }

  #hexadecimal(length: number): CodePoints {
    const digits = this.#characters.slice(this.#place, this.#place + length).join('');
    if (digits.length < length || !/^[0-9a-f]+$/i.test(digits))
      throw this.#error('hexadecimal digits are missing', '缺少十六进制数字');
    this.#place += length;
    const unit = Number.parseInt(digits, 16);
    if (unit < 0xd800 || unit > 0xdfff) return [[unit, unit]];
    const low = /^\\u(d[c-f][0-9a-f]{2})$/i.exec(this.#characters.slice(this.#place, this.#place + 6).join(''))?.[1];
    if (unit > 0xdbff || low === undefined)
      throw this.#error('half a surrogate pair is no character', '半个代理对不是字符');
    this.#place += 6;
    const point = 0x10000 + (unit - 0xd800) * 0x400 + (Number.parseInt(low, 16) - 0xdc00);
    return [[point, point]];
  }

  #braced(): CodePoints {
    let digits = '';
    for (let found = this.#next(); found !== '}'; found = this.#next()) digits += found;
    const point = Number.parseInt(digits, 16);
    if (!/^[0-9a-f]{1,6}$/i.test(digits) || point > 0x10ffff)
      throw this.#error(`\\u{${digits}} is no character`, `\\u{${digits}} 不是字符`);
    return [[point, point]];
  }

  /** \p{Script=Han} and the like: what JavaScript takes for it, character by character. */
  #property(letter: string): CodePoints {
    if (!this.#take('{')) throw this.#error(`\\${letter} needs {…}`, `\\${letter} 之后需要 {…}`);
    let name = '';
    for (let found = this.#next(); found !== '}'; found = this.#next()) name += found;
    const known = sets.get(letter + name);
    if (known !== undefined) return known;
    let matcher: RegExp;
    try {
      matcher = new RegExp(`\\${letter}{${name}}`, 'u');
    } catch (cause) {
      throw Object.assign(this.#error(`there is no \\${letter}{${name}}`, `没有 \\${letter}{${name}}`), { cause });
    }
    const ranges: [number, number][] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if ((point >= 0xd800 && point <= 0xdfff) || !matcher.test(String.fromCodePoint(point))) continue;
      const last = ranges.at(-1);
      if (last !== undefined && last[1] === point - 1) last[1] = point;
      else ranges.push([point, point]);
    }
    sets.set(letter + name, ranges);
    return ranges;
  }
}

/** The one character of a set that has one. */
function single(set: CodePoints): number | undefined {
  const [range, more] = set;
  return range !== undefined && more === undefined && range[0] === range[1] ? range[0] : undefined;
}
