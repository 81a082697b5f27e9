/**
 * Which fields of somebody's records hold the text, the title, the id and the address: told by their names where these are usual, by
 * what stands in them where not. A guess, which is shown and stands in the recipe that is made.
 */

export interface GuessedFields {
  text: string | string[];
  title?: string;
  id?: string;
  url?: string;
}

const TEXT = [
  'text',
  'content',
  'body',
  'article',
  'document',
  'passage',
  'paragraph',
  'story',
  'raw_content',
  'maintext',
];
const CHINESE_TEXT = ['正文', '内容', '文本', '全文', '文章', '原文'];
/** What asks and what answers, in that order; all but `input` must be there. */
const PAIRS = [
  ['instruction', 'input', 'output'],
  ['prompt', 'completion'],
  ['prompt', 'response'],
  ['question', 'answer'],
  ['query', 'response'],
  ['input', 'output'],
  ['问题', '答案'],
  ['问', '答'],
];
const DIALOGUES = ['messages', 'conversations', 'conversation', 'dialogue', 'dialog', 'turns'];
const WORDS = ['content', 'value', 'text', 'message', 'utterance'];
const TITLES = ['title', 'headline', 'subject', '标题', '题目', '题名', '书名'];
const IDS = ['id', '_id', 'doc_id', 'docid', 'document_id', 'uid', 'uuid', '编号', '序号'];
const ADDRESSES = ['url', 'link', 'href', 'source_url', '网址', '链接'];

/** A text that is nearly always there, and not much shorter than the longest field, is taken by its name. */
const USUAL_SHARE = 0.5;
const NOT_MUCH_SHORTER = 0.3;

/** undefined where no field holds text. */
export function guessFields(records: readonly unknown[]): GuessedFields | undefined {
  const fields = surveyOf(records);
  const text = textOf(fields);
  if (text === undefined) return undefined;
  const isText = (name: string) => (typeof text === 'string' ? [text] : text).includes(name);
  const find = (names: readonly string[], fits: (field: Field) => boolean) =>
    [...fields.values()].find(
      ({ name }) => !isText(name) && names.includes(name.toLowerCase()) && fits(fields.get(name)!),
    )?.name;
  const title = find(TITLES, ({ meanLength }) => meanLength <= 100);
  // A bare number would name documents of several files.
  const id = find(IDS, ({ share, distinct, first }) => share === 1 && distinct && !/^\d+$/.test(first));
  const url = find(ADDRESSES, ({ first }) => /^https?:/i.test(first));
  return {
    text,
    ...(title === undefined ? {} : { title }),
    ...(id === undefined ? {} : { id }),
    ...(url === undefined ? {} : { url }),
  };
}

interface Field {
  name: string;
  /** Share of the records that have something there, their mean length, whether no two are equal, and the first. */
  share: number;
  meanLength: number;
  distinct: boolean;
  first: string;
  /** Whether it holds texts; numbers can be ids alone. */
  isText: boolean;
}

function textOf(fields: ReadonlyMap<string, Field>): string | string[] | undefined {
  const texts = [...fields.values()].filter(
    ({ isText, share, first }) => isText && share >= USUAL_SHARE && !/^https?:/i.test(first),
  );
  const longest = Math.max(0, ...texts.map(({ meanLength }) => meanLength));
  const isLong = ({ meanLength }: Field) => meanLength >= NOT_MUCH_SHORTER * longest;
  for (const name of [...TEXT, ...CHINESE_TEXT]) {
    const found = texts.find(
      (field) => (field.name.toLowerCase() === name || field.name.toLowerCase().endsWith(`.${name}`)) && isLong(field),
    );
    if (found !== undefined && !isTurn(found.name)) return found.name;
  }
  const dialogue = texts.find((field) => isTurn(field.name));
  if (dialogue !== undefined && isLong(dialogue)) return dialogue.name;
  for (const pair of PAIRS) {
    const present = pair.filter((name) => texts.some((field) => field.name === name));
    if (present.length === pair.length || (pair.length === 3 && present.length === 2 && !present.includes('input'))) {
      return pair.filter((name) => fields.has(name));
    }
  }
  const names = [...TITLES, ...IDS, ...ADDRESSES];
  const best = texts
    .filter(({ name }) => !names.includes(name.toLowerCase()))
    .sort((a, b) => b.meanLength - a.meanLength)[0];
  return best?.name ?? texts[0]?.name;
}

function isTurn(name: string): boolean {
  const [list = '', words = '', ...more] = name.toLowerCase().split('.');
  return more.length === 0 && DIALOGUES.includes(list) && WORDS.includes(words);
}

/** Every field of the records, those inside others by `a.b`; of a list the fields of its entries. */
function surveyOf(records: readonly unknown[]): Map<string, Field> {
  const found = new Map<string, { values: string[]; isText: boolean }>();
  for (const record of records) {
    const own = new Map<string, string[]>();
    collect(record, '', own, 0);
    for (const [name, values] of own) {
      const field = found.get(name) ?? { values: [], isText: false };
      field.values.push(values.join('\n'));
      field.isText ||= values.some((value) => Number.isNaN(Number(value)));
      found.set(name, field);
    }
  }
  const survey = [...found].map(([name, { values, isText }]): [string, Field] => {
    const meanLength = values.reduce((sum, value) => sum + value.length, 0) / values.length;
    const distinct = new Set(values).size === values.length;
    return [name, { name, share: values.length / records.length, meanLength, distinct, first: values[0]!, isText }];
  });
  return new Map(survey);
}

const DEEPEST = 3;

function collect(value: unknown, name: string, found: Map<string, string[]>, depth: number): void {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    if (String(value).trim() !== '') found.set(name, [...(found.get(name) ?? []), String(value)]);
  } else if (Array.isArray(value)) {
    for (const one of value) collect(one, name, found, depth + 1);
  } else if (value !== null && typeof value === 'object' && depth <= DEEPEST && !(value instanceof Date)) {
    for (const [key, inner] of Object.entries(value))
      collect(inner, name === '' ? key : `${name}.${key}`, found, depth + 1);
  }
}
