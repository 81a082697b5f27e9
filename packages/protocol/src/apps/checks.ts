/**
 * What an application checks in an answer: one entry of `checks` each, told apart by `use`. An answer that fails is made again, as often
 * as `retries` says. What can be written as a constraint over tokens is imposed on the model too, where the engine takes constraints, so
 * that few answers fail; `impose: false` leaves it at checking.
 */
import { z } from 'zod';
import { inBoth } from '../mistakes/said.ts';

export const VERSE_FORMS = ['five-quatrain', 'seven-quatrain', 'five-regulated', 'seven-regulated'] as const;
/** 五绝 七绝 五律 七律 */
export type VerseForm = (typeof VERSE_FORMS)[number];

export const RHYME_BOOKS = ['pingshui', 'ci', 'new'] as const;
/** 平水韵, of 1252; 词韵, the wider rhymes of ci; 中华新韵, of 2005, by the readings of today. */
export type RhymeBook = (typeof RHYME_BOOKS)[number];

const impose = z
  .boolean()
  .default(true)
  .describe(
    inBoth(
      'Whether the model is held to it while it writes, as far as a constraint can say it.',
      '写作时是否就约束模型（在约束能表达的范围内）。',
    ),
  );

const inputName = z.string().min(1);

const bookOf = (usual: RhymeBook) =>
  z
    .enum(RHYME_BOOKS)
    .default(usual)
    .describe(
      inBoth(
        'Whose tones and rhymes: pingshui (the rhyme book of 1252), ci (its rhymes put together as ci does), or new (readings of today).',
        '平仄与韵部的依据：pingshui（平水韵）、ci（词韵，按词林正韵合并平水韵）或 new（中华新韵，按今音）。',
      ),
    );
const book = bookOf('pingshui');

const count = z.int().min(1).max(4096);

const lines = z
  .strictObject({
    use: z.literal('lines'),
    least: count.default(1).describe(inBoth('Fewest lines.', '最少行数。')),
    most: count.optional().describe(inBoth('Most lines.', '最多行数。')),
    characters: z
      .strictObject({ least: count.default(1), most: count.optional() })
      .optional()
      .describe(inBoth('Characters of every line, punctuation not counted.', '每行的字数，不计标点。')),
  })
  .describe(inBoth('The number and length of lines.', '行数与每行字数。'));

const length = z
  .strictObject({
    use: z.literal('length'),
    least: z.int().min(0).max(65_536).default(1).describe(inBoth('Fewest characters.', '最少字数。')),
    most: z.int().min(1).max(65_536).optional().describe(inBoth('Most characters.', '最多字数。')),
  })
  .describe(inBoth('The length of the answer, in characters.', '回答的字数。'));

const pattern = z
  .strictObject({
    use: z.literal('pattern'),
    pattern: z
      .string()
      .min(1)
      .max(2000)
      .describe(
        inBoth(
          'A regular expression that the whole answer matches, in the words of `constraint.regex`.',
          '整个回答须匹配的正则表达式，写法同 `constraint.regex`。',
        ),
      ),
    impose,
  })
  .describe(inBoth('The form of the answer, as a regular expression.', '以正则表达式给出的回答形式。'));

const oneOf = z
  .strictObject({
    use: z.literal('choice'),
    texts: z.array(z.string().min(1)).min(1).max(200).describe(inBoth('The answers that are allowed.', '允许的回答。')),
    impose,
  })
  .describe(inBoth('The answer is one of some texts.', '回答是若干文本之一。'));

const fromInput = z
  .strictObject({
    use: z.literal('from-input'),
    of: inputName.describe(inBoth('Name of the input.', '输入的名字。')),
    separators: z
      .string()
      .max(20)
      .default('、，,；;\n')
      .describe(inBoth('Characters that part the pieces of an answer.', '分隔回答各项的字符。')),
    allowed: z
      .array(z.string())
      .max(20)
      .default([])
      .describe(inBoth('Pieces that need not stand there, such as «none».', '可以不在其中的项，例如“无”。')),
  })
  .describe(inBoth('Every piece of the answer stands in an input.', '回答的每一项都出自某个输入。'));

const fresh = z
  .strictObject({ use: z.literal('new') })
  .describe(
    inBoth('The answer is neither that of an example nor an input again.', '回答不是照抄某个示例，也不是重复输入。'),
  );

const verse = z
  .strictObject({
    use: z.literal('verse'),
    form: z
      .union([z.enum(VERSE_FORMS), z.strictObject({ input: inputName })])
      .describe(
        inBoth(
          'five-quatrain 五绝, seven-quatrain 七绝, five-regulated 五律, seven-regulated 七律; or { "input": NAME }: the input says which.',
          '五绝 five-quatrain、七绝 seven-quatrain、五律 five-regulated、七律 seven-regulated；或 { "input": 名字 }，由该输入决定。',
        ),
      ),
    tones: z.boolean().default(true).describe(inBoth('Whether tones are checked.', '是否检查平仄。')),
    rhyme: z.boolean().default(true).describe(inBoth('Whether rhymes are checked.', '是否检查押韵。')),
    book,
    head: inputName
      .optional()
      .describe(
        inBoth(
          'Name of an input whose characters begin the lines: an acrostic.',
          '某个输入的名字，各句以其各字开头（藏头）。',
        ),
      ),
    impose,
  })
  .describe(inBoth('A poem in a regulated form: lines, tones, rhyme.', '格律诗：句数、字数、平仄、押韵。'));

/** Places, marks and rhymes: the whole measure of a poem, as the books of tunes write it. */
const METER = /^(?:[平仄中](?:韵\d?)?[，。、；！？\n]*)+$/;

const meterText = z
  .string()
  .trim()
  .max(1_000)
  .regex(
    METER,
    inBoth(
      'expected 平, 仄 and 中 for the places, 韵 behind those that rhyme, and a mark behind each line, such as 平平仄，中仄仄平平韵。',
      '应以平、仄、中写各字，韵脚后加韵，句末有标点，例如 平平仄，中仄仄平平韵。',
    ),
  );

const meter = z
  .strictObject({
    use: z.literal('meter'),
    form: z
      .union([meterText, z.strictObject({ input: inputName, forms: z.record(z.string().min(1), meterText) })])
      .describe(
        inBoth(
          'The measure: 平, 仄, 中 (either) for each character, 韵 behind those that rhyme (韵2 for a second rhyme), marks behind lines; or { "input": NAME, "forms": { TUNE: MEASURE } }: the input says which.',
          '谱：每字写平、仄或中（可平可仄），韵脚后加韵（换韵写韵2），句末写标点；或 { "input": 名字, "forms": { 词牌: 谱 } }，由该输入决定。',
        ),
      ),
    tones: z.boolean().default(true).describe(inBoth('Whether tones are checked.', '是否检查平仄。')),
    rhyme: z.boolean().default(true).describe(inBoth('Whether rhymes are checked.', '是否检查押韵。')),
    book: bookOf('ci'),
    impose,
  })
  .describe(
    inBoth(
      'A poem to a given measure, such as the tune of a ci: lines, length, tones, rhyme.',
      '按谱写作，例如词牌：句数、字数、平仄、押韵。',
    ),
  );

const acrostic = z
  .strictObject({
    use: z.literal('acrostic'),
    of: inputName.describe(
      inBoth('Name of the input whose characters begin the lines.', '输入的名字，各句以其各字开头。'),
    ),
    characters: z
      .int()
      .min(2)
      .max(20)
      .optional()
      .describe(inBoth('Characters of every line; any number when absent.', '每句字数；省略时不限。')),
    impose,
  })
  .describe(inBoth('Lines that begin with the characters of an input.', '各句以某个输入的各字开头。'));

const couplet = z
  .strictObject({
    use: z.literal('couplet'),
    of: inputName.describe(inBoth('Name of the input that is the upper line.', '作为上联的输入的名字。')),
    tones: z
      .enum(['last', 'even', 'off'])
      .default('even')
      .describe(
        inBoth(
          'last: the lines end in opposite tones, the lower one level. even: also at the places that carry the rhythm. off: not checked.',
          'last：上下联末字平仄相对，下联收平；even：节奏点也须相对；off：不检查。',
        ),
      ),
    book,
    impose,
  })
  .describe(
    inBoth(
      'The lower line of a couplet: as long, no character of the upper one, repetitions at the same places, tones opposed.',
      '对联的下联：字数相同、不与上联重字、叠字位置对应、平仄相对。',
    ),
  );

const parallel = z
  .strictObject({
    use: z.literal('parallel'),
    of: inputName
      .optional()
      .describe(
        inBoth(
          'Name of the input that is the upper line; when absent, the middle couplets of an answer of eight lines.',
          '作为上联的输入的名字；省略时检查八句之诗的中间两联。',
        ),
      ),
    departures: z
      .int()
      .min(0)
      .max(20)
      .default(1)
      .describe(inBoth('Places of a couplet that may depart in word class.', '一联之中词类可以不合的字数。')),
    impose,
  })
  .describe(
    inBoth(
      'Parallelism as far as a program can tell: no character twice, repetitions at the same places, numbers, colours, directions and function words against their like. Other words, and the sense, are for a reader.',
      '对仗，限于程序可判断者：不重字、叠字位置对应、数目对数目、颜色对颜色、方位对方位、虚词对虚词。其余词性与意思须由人判断。',
    ),
  );

export const appCheckSchema = z.discriminatedUnion('use', [
  verse,
  meter,
  couplet,
  parallel,
  acrostic,
  lines,
  length,
  pattern,
  oneOf,
  fromInput,
  fresh,
]);

/** A check with every default filled in. */
export type AppCheck = z.output<typeof appCheckSchema>;
