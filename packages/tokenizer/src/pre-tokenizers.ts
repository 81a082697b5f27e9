/**
 * Pre-tokenization: where text is cut into words before byte pairs are merged inside each word. Every split here is one
 * that llama.cpp knows by name (its `tokenizer.ggml.pre`), written as the regular expressions that tokenizer.json
 * carries, applied one after the other to all pieces, each match standing alone (Hugging Face's `Isolated`).
 *
 * Contract: the words are the same here, in Hugging Face tokenizers and in llama.cpp, for any well-formed string.
 * Therefore classes come from the frozen table of unicode-classes.ts, and only that part of the regular-expression
 * language is let in which Oniguruma (Hugging Face's engine) and JavaScript read alike.
 */
import { splitDeepseek } from './deepseek-split.ts';
import { TokenizerError } from './errors.ts';
import { characterClasses, LETTER, MARK, NUMBER, PUNCTUATION, SPACE, SYMBOL } from './unicode-classes.ts';
import type { WordVisitor } from './word-visitor.ts';

/** Names as llama.cpp spells them. */
export type PreTokenizerName = 'deepseek-v3' | 'gpt-2' | 'llama-bpe' | 'qwen2';

/** Chosen by measurement: docs/decisions/0004-tokenizer-pre-tokenization.md. */
export const DEFAULT_PRE_TOKENIZER: PreTokenizerName = 'deepseek-v3';

const contractions = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";

/** As Qwen and Llama 3 write them; in any case, an s may also be long. */
const contractionsInAnyCase = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const contractionsSpelled = contractions.replace('[sS]', '[sS\u017f]');

const patternsByName: Record<PreTokenizerName, readonly string[]> = {
  'deepseek-v3': [
    '\\p{N}{1,3}',
    '[一-龥぀-ゟ゠-ヿ]+',
    '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  ],
  'gpt-2': ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
  'llama-bpe': [
    `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  ],
  qwen2: [
    `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  ],
};

export const preTokenizerNames = Object.keys(patternsByName) as PreTokenizerName[];

export interface PreTokenizer {
  /** llama.cpp's name, undefined for patterns that it does not know. */
  readonly name: PreTokenizerName | undefined;
  /** Regular expressions as tokenizer.json carries them. */
  readonly patterns: readonly string[];
  /** Visits the words of a well-formed string in order; they cover it without gaps. */
  split(text: string, visit: WordVisitor): void;
}

/** The pre-tokenizer of a name, or of patterns of one's own (those must stay in the shared part of both languages). */
export function createPreTokenizer(choice: PreTokenizerName | { patterns: readonly string[] }): PreTokenizer {
  const named = typeof choice === 'string';
  const patterns = named ? patternsByName[choice] : choice.patterns;
  if (!patterns || patterns.length === 0) {
    throw new TokenizerError('TOKENIZER_BAD_OPTION', {
      en: `unknown pre-tokenizer ${JSON.stringify(choice)}: use one of ${preTokenizerNames.join(', ')}`,
      zh: `未知的预分词器 ${JSON.stringify(choice)}：可用的有 ${preTokenizerNames.join('、')}`,
    });
  }
  const name = named ? choice : nameOfPatterns(patterns);
  if (name === 'deepseek-v3') return { name, patterns, split: splitDeepseek };
  const expressions = patterns.map((pattern) => new RegExp(translatePattern(pattern), 'gu'));
  return { name, patterns, split: (text, visit) => splitByExpressions(text, expressions, visit) };
}

function nameOfPatterns(patterns: readonly string[]): PreTokenizerName | undefined {
  // Qwen and Llama 3 write the contractions with (?i:…), DeepSeek the line ends as they are.
  const spelled = patterns.map((pattern) =>
    pattern.replaceAll('\r', '\\r').replaceAll('\n', '\\n').replace(contractionsInAnyCase, contractions),
  );
  const wanted = JSON.stringify(spelled);
  return preTokenizerNames.find((name) => JSON.stringify(patternsByName[name]) === wanted);
}

function splitByExpressions(text: string, expressions: readonly RegExp[], visit: WordVisitor): void {
  const [first, ...rest] = expressions;
  splitPiece(text, 0, first!, rest, visit);
}

function splitPiece(piece: string, offset: number, expression: RegExp, rest: RegExp[], visit: WordVisitor): void {
  const emit = (start: number, end: number): void => {
    if (start === end) return;
    const [next, ...others] = rest;
    if (next) splitPiece(piece.slice(start, end), offset + start, next, others, visit);
    else visit(offset + start, offset + end);
  };
  let done = 0;
  // The expression is shared by nested calls of other pieces only at deeper levels, so the position is kept here.
  for (;;) {
    expression.lastIndex = done;
    const match = expression.exec(piece);
    if (!match) break;
    emit(done, match.index);
    emit(match.index, match.index + match[0].length);
    done = match.index + match[0].length;
    if (match[0].length === 0)
      throw new Error(`the pre-tokenizer pattern ${expression.source} matched an empty string`);
  }
  emit(done, piece.length);
}

const classOfProperty: Record<string, number> = {
  L: LETTER,
  M: MARK,
  N: NUMBER,
  P: PUNCTUATION,
  S: SYMBOL,
};

const rangesOfClass = new Map<number, string>();

/** The code points of one class as the inside of a bracket expression. */
function bracketRanges(wanted: number): string {
  const known = rangesOfClass.get(wanted);
  if (known !== undefined) return known;
  const classes = characterClasses();
  let ranges = '';
  for (let start = 0; start < classes.length; ) {
    let end = start + 1;
    while (end < classes.length && classes[end] === classes[start]) end++;
    if (classes[start] === wanted) ranges += `\\u{${start.toString(16)}}-\\u{${(end - 1).toString(16)}}`;
    start = end;
  }
  rangesOfClass.set(wanted, ranges);
  return ranges;
}

const unsupported = (pattern: string, what: string, zh: string = what): TokenizerError =>
  new TokenizerError('TOKENIZER_UNSUPPORTED_FILE', {
    en: `the pre-tokenizer pattern ${JSON.stringify(pattern)} uses ${what}, which is not read alike by all engines; use a tokenizer with one of the splits ${preTokenizerNames.join(', ')}`,
    zh: `预分词器的模式 ${JSON.stringify(pattern)} 用了各引擎读法不一的写法（${zh}）；请用切分为 ${preTokenizerNames.join('、')} 之一的分词器`,
  });

/**
 * JavaScript source (flag u) with the meaning that Oniguruma gives the pattern. Lets in literals, brackets, groups,
 * look-ahead, English contractions in any case, greedy repetition, \p{L|M|N|P|S}, \s, \S outside brackets, and escaped punctuation.
 */
function translatePattern(given: string): string {
  const pattern = given.replaceAll(contractionsInAnyCase, contractionsSpelled);
  let source = '';
  let inBracket = false;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!;
    if (character === '\\') {
      const [translated, length] = translateEscape(pattern, i, inBracket);
      source += translated;
      i += length - 1;
      continue;
    }
    if (inBracket) {
      if (character === '[' || pattern.startsWith('&&', i)) throw unsupported(pattern, 'a nested set', '嵌套集合');
      if (character === ']') inBracket = false;
    } else {
      if (character === '[') inBracket = true;
      if ('.^$'.includes(character)) throw unsupported(pattern, `"${character}"`);
      if (character === '(' && pattern[i + 1] === '?' && !/^\(\?[:=!]/.test(pattern.slice(i))) {
        throw unsupported(pattern, 'a special group', '特殊分组');
      }
      if ('+*?}'.includes(character) && '+?'.includes(pattern[i + 1] ?? ' ')) {
        throw unsupported(pattern, 'lazy or possessive repetition', '懒惰或占有重复');
      }
    }
    source += character;
    if (inBracket && character === '[' && pattern[i + 1] === '^') source += pattern[++i];
  }
  return source;
}

function translateEscape(pattern: string, at: number, inBracket: boolean): [source: string, length: number] {
  const property = /^\\p\{(\w+)\}/.exec(pattern.slice(at));
  const wrap = (ranges: string): string => (inBracket ? ranges : `[${ranges}]`);
  if (property) {
    const wanted = classOfProperty[property[1]!];
    if (wanted === undefined) throw unsupported(pattern, property[0]);
    return [wrap(bracketRanges(wanted)), property[0].length];
  }
  const sequence = pattern.slice(at, at + 2);
  if (sequence === '\\s') return [wrap(bracketRanges(SPACE)), 2];
  if (sequence === '\\S' && !inBracket) return [`[^${bracketRanges(SPACE)}]`, 2];
  if (/^\\[rnt\\[\]^$.|?*+(){}/-]$/.test(sequence)) return [sequence === '\\-' && !inBracket ? '-' : sequence, 2];
  throw unsupported(pattern, sequence);
}
