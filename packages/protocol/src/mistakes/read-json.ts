/**
 * The one reader of JSON files that people write: byte order marks of any Unicode are taken, and a mistake is told with its line and
 * column, in words, and with the fix where it is one that people make.
 */
import { readFileSync } from 'node:fs';
import { type Said, systemProblem } from '@tunan/files';

/** The value of the file, or what is wrong with it; the sentence names the file. */
export function readJsonFile(
  path: string,
): { readonly value: unknown } | { readonly problem: Said; readonly cause: unknown } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const why = systemProblem(cause) ?? { en: (cause as Error).message, zh: (cause as Error).message };
    return { problem: { en: `cannot read ${path}: ${why.en}`, zh: `无法读取 ${path}：${why.zh}` }, cause };
  }
  let text: string;
  try {
    text = decode(bytes);
  } catch (cause) {
    const en = `${path} is not in UTF-8: save it as UTF-8`;
    return { problem: { en, zh: `${path} 不是 UTF-8 编码：请另存为 UTF-8` }, cause };
  }
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (cause) {
    const { line, column, en, zh } = jsonMistake(text);
    return {
      problem: {
        en: `${path} is not valid JSON: line ${line}, column ${column}: ${en}`,
        zh: `${path} 不是有效的 JSON：第 ${line} 行第 ${column} 列：${zh}`,
      },
      cause,
    };
  }
}

/** UTF-8, or UTF-16 where a mark says so, as Notepad's «Unicode» does. @throws TypeError for bytes that are no text */
function decode(bytes: Buffer): string {
  const mark = bytes.length >= 2 ? bytes.readUInt16BE() : 0;
  const charset = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(charset, { fatal: true }).decode(bytes);
}

const SPACE = /[ \t\n\r]*/y;
const TOKEN =
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)))/uy;

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'end';

/** Where a text stops being JSON, and what was expected there. */
function jsonMistake(text: string): { line: number; column: number } & Said {
  const open: string[] = [];
  let wanted: Wanted = 'value';
  let at = 0;
  let comma = -1;
  const after = (): Wanted => (open.length === 0 ? 'end' : open.at(-1) === '[' ? ', or ]' : ', or }');
  for (;;) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    SPACE.lastIndex = at;
    const start = at + SPACE.exec(text)![0].length;
    if (found === null) return { ...placeOf(text, start), ...sayUnreadable(text, start, wanted) };
    const [, mark, value] = found;
    if (value !== undefined && (wanted === 'value' || wanted === 'value or ]')) wanted = after();
    else if (value?.startsWith('"') && (wanted === 'key' || wanted === 'key or }')) wanted = ':';
    else if (mark === ':' && wanted === ':') wanted = 'value';
    else if (mark === ',' && (wanted === ', or ]' || wanted === ', or }')) {
      wanted = wanted === ', or ]' ? 'value' : 'key';
      comma = start;
    } else if ((mark === '{' || mark === '[') && (wanted === 'value' || wanted === 'value or ]')) {
      open.push(mark);
      wanted = mark === '{' ? 'key or }' : 'value or ]';
    } else if (mark === '}' && (wanted === 'key or }' || wanted === ', or }')) {
      open.pop();
      wanted = after();
    } else if (mark === ']' && (wanted === 'value or ]' || wanted === ', or ]')) {
      open.pop();
      wanted = after();
    } else if ((mark === '}' || mark === ']') && comma >= 0 && text.slice(comma + 1, start).trim() === '') {
      const said = { en: `a comma before "${mark}": remove it`, zh: `“${mark}”之前多了一个逗号：请删去` };
      return { ...placeOf(text, comma), ...said };
    } else return { ...placeOf(text, start), ...sayUnexpected(text, start, wanted) };
    at = TOKEN.lastIndex;
  }
}

const WANTED: Record<Wanted, Said> = {
  value: { en: 'a value', zh: '一个值' },
  'value or ]': { en: 'a value or ]', zh: '一个值或 ]' },
  key: { en: 'a field name in double quotes', zh: '双引号中的字段名' },
  'key or }': { en: 'a field name in double quotes, or }', zh: '双引号中的字段名或 }' },
  ':': { en: 'a colon', zh: '冒号' },
  ', or ]': { en: 'a comma or ]', zh: '逗号或 ]' },
  ', or }': { en: 'a comma or }', zh: '逗号或 }' },
  end: { en: 'the end of the file', zh: '文件结尾' },
};

function sayUnexpected(text: string, at: number, wanted: Wanted): Said {
  const { en, zh } = WANTED[wanted];
  if (at >= text.length) return { en: `the file ends here, and ${en} is missing`, zh: `文件到此结束，缺少${zh}` };
  const seen = [...text.slice(at, at + 40)].slice(0, 12).join('').split('\n')[0]!;
  return { en: `${en} is expected, not ${seen}`, zh: `此处应为${zh}，而不是 ${seen}` };
}

/** What is no token at all: mistakes that have a name. */
function sayUnreadable(text: string, at: number, wanted: Wanted): Said {
  const first = text[at] ?? '';
  if ('“”‘’，：｛｝［］【】'.includes(first) && first !== '') {
    const en = `${first} is a full-width mark: JSON needs the plain one (" , : { } [ ])`;
    return { en, zh: `${first} 是全角标点：JSON 只用半角标点（" , : { } [ ]）` };
  }
  if (/\s/.test(first)) {
    const en = 'a full-width or non-breaking space: JSON takes plain spaces only';
    return { en, zh: '这里是全角空格或不换行空格：JSON 只用普通空格' };
  }
  if (first === "'")
    return { en: 'texts stand in double quotes, not single ones', zh: '文本应放在双引号中，而不是单引号' };
  if (first === '"') {
    const en = 'the text in quotes is not closed, or holds a bare line break or a lone backslash (write \\n, \\\\)';
    return { en, zh: '引号中的文本没有结束，或含有换行、单个反斜杠（应写作 \\n、\\\\）' };
  }
  if (/^(\/\/|\/\*|#)/.test(text.slice(at, at + 2))) {
    return { en: 'JSON has no comments: remove this one', zh: 'JSON 不能有注释：请删去' };
  }
  return sayUnexpected(text, at, wanted);
}

function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: [...before.at(-1)!].length + 1 };
}
