/**
 * Grammars as llama.cpp writes them (GBNF), into rules: `name ::= "text" [a-z] (a | b)* other`, comments behind #, the rule `root` first.
 *
 * Taken: texts and character classes with escapes, `.`, groups, alternatives, * + ? and {n}, {n,}, {n,m}. A rule goes on over lines inside
 * of parentheses and behind |. What has no root, names a rule that there is not, or begins with itself is refused (network.ts for the last).
 */
import { type CodePoints, complement, EVERY_CHARACTER, union } from './code-points.ts';
import { constraintError } from './constraint-error.ts';
import { character, choice, EMPTY, type Expression, type Grammar, repeat, rule, sequence, text } from './expression.ts';

const MOST_COPIES = 100_000;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
const NAME = /[A-Za-z0-9-]+/y;

/** @throws InferenceError with the line at fault */
export function readGbnf(source: string): Grammar {
  const rules = new Reader(source).read();
  return { start: rule('root'), rules };
}

class Reader {
  readonly #source: string;
  readonly #rules = new Map<string, Expression>();
  readonly #named = new Map<string, number>();
  #place = 0;

  constructor(source: string) {
    this.#source = source;
  }

  read(): ReadonlyMap<string, Expression> {
    this.#skip(true);
    while (this.#place < this.#source.length) {
      const name = this.#name();
      if (name === undefined) throw this.#error('a rule begins with its name', '规则以名字开头');
      if (this.#rules.has(name)) throw this.#error(`the rule ${name} stands twice`, `规则 ${name} 重复`);
      this.#skip(false);
      if (!this.#take('::=')) throw this.#error(`::= is missing behind ${name}`, `${name} 之后缺少 ::=`);
      this.#skip(true);
      this.#rules.set(name, this.#alternatives(false));
      if (this.#place < this.#source.length && !/[\r\n]/.test(this.#here)) {
        throw this.#error(`'${this.#here}' is not expected`, `此处不应有“${this.#here}”`);
      }
      this.#skip(true);
    }
    if (!this.#rules.has('root')) throw this.#error('there is no rule root', '没有规则 root');
    for (const [name, place] of this.#named) {
      if (this.#rules.has(name)) continue;
      this.#place = place;
      throw this.#error(`there is no rule ${name}`, `没有规则 ${name}`);
    }
    return this.#rules;
  }

  get #here(): string {
    return this.#source[this.#place] ?? '';
  }

  #take(expected: string): boolean {
    if (!this.#source.startsWith(expected, this.#place)) return false;
    this.#place += expected.length;
    return true;
  }

  /** Blanks and comments, and line ends where a rule goes on or none is open. */
  #skip(lines: boolean): void {
    const blank = lines ? /(?:[ \t\r\n]|#[^\r\n]*)*/y : /(?:[ \t]|#[^\r\n]*)*/y;
    blank.lastIndex = this.#place;
    this.#place += blank.exec(this.#source)?.[0].length ?? 0;
  }

  #name(): string | undefined {
    NAME.lastIndex = this.#place;
    const name = NAME.exec(this.#source)?.[0];
    this.#place += name?.length ?? 0;
    return name;
  }

  #error(en: string, zh: string): Error {
    const line = this.#source.slice(0, this.#place).split('\n').length;
    return constraintError({ en: `the grammar, line ${line}: ${en}`, zh: `文法第 ${line} 行：${zh}` });
  }

  #alternatives(nested: boolean): Expression {
    const options = [this.#sequence(nested)];
    while (this.#take('|')) {
      this.#skip(true);
      options.push(this.#sequence(nested));
    }
    return choice(...options);
  }

  #sequence(nested: boolean): Expression {
    const parts: Expression[] = [];
    for (let part = this.#atom(); part !== undefined; part = this.#atom()) {
      parts.push(this.#repeated(part));
      this.#skip(nested);
    }
    return parts.length === 0 ? EMPTY : sequence(...parts);
  }

  #atom(): Expression | undefined {
    if (this.#take('"')) return this.#text();
    if (this.#take('[')) return character(this.#class());
    if (this.#take('.')) return character(EVERY_CHARACTER);
    if (this.#take('(')) {
      this.#skip(true);
      const inner = this.#alternatives(true);
      if (!this.#take(')')) throw this.#error('a parenthesis is not closed', '括号没有闭合');
      return inner;
    }
    const place = this.#place;
    const name = this.#name();
    if (name === undefined) return undefined;
    if (!this.#named.has(name)) this.#named.set(name, place);
    return rule(name);
  }

  #repeated(part: Expression): Expression {
    let whole = part;
    for (;;) {
      if (this.#take('*')) whole = repeat(whole, 0);
      else if (this.#take('+')) whole = repeat(whole, 1);
      else if (this.#take('?')) whole = repeat(whole, 0, 1);
      else if (this.#here === '{') whole = this.#counted(whole);
      else return whole;
    }
  }

  #counted(part: Expression): Expression {
    const counts = /\{\s*(\d*)\s*(,?)\s*(\d*)\s*\}/y;
    counts.lastIndex = this.#place;
    const [all, low = '', comma, high = ''] = counts.exec(this.#source) ?? [];
    if (all === undefined || (low === '' && high === '')) throw this.#error('{ begins no count', '{ 之后不是次数');
    this.#place += all.length;
    const least = Number(low);
    const most = comma === '' ? least : high === '' ? undefined : Number(high);
    if (Math.max(least, most ?? 0) > MOST_COPIES || (most !== undefined && most < least)) {
      throw this.#error(`${all} is no count that can be had`, `${all} 不是可用的次数`);
    }
    return repeat(part, least, most);
  }

  #text(): Expression {
    let value = '';
    while (!this.#take('"')) value += String.fromCodePoint(this.#character());
    return text(value);
  }

  #class(): CodePoints {
    const isNegated = this.#take('^');
    const parts: CodePoints[] = [];
    while (!this.#take(']')) {
      const from = this.#character();
      const isRange = this.#here === '-' && this.#source[this.#place + 1] !== ']';
      if (isRange) this.#place++;
      const to = isRange ? this.#character() : from;
      if (to < from) throw this.#error('that is no range', '这不是范围');
      parts.push([[from, to]]);
    }
    const set = union(...parts);
    return isNegated ? complement(set) : set;
  }

  /** One character of a text or class, which may be escaped. */
  #character(): number {
    const point = this.#source.codePointAt(this.#place);
    if (point === undefined || point === 0x0a)
      throw this.#error('a text or class is not closed', '文本或字符类没有闭合');
    this.#place += String.fromCodePoint(point).length;
    if (point !== 0x5c) return point;
    const letter = this.#here;
    this.#place++;
    const length = { x: 2, u: 4, U: 8 }[letter];
    if (length !== undefined) {
      const digits = this.#source.slice(this.#place, this.#place + length);
      const found = Number.parseInt(digits, 16);
      if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length < length || found > 0x10ffff) {
        throw this.#error(`\\${letter}${digits} is no character`, `\\${letter}${digits} 不是字符`);
      }
      this.#place += length;
      return found;
    }
    const known = ESCAPES[letter];
    if (known !== undefined) return known.codePointAt(0)!;
    if (letter !== '' && '"\\[]^-'.includes(letter)) return letter.codePointAt(0)!;
    throw this.#error(`\\${letter} is not supported`, `不支持 \\${letter}`);
  }
}
