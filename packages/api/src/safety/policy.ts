/**
 * The policy of a deployment: a JSON file that says what is looked for in prompts and answers, and what is done about it. Paths in it
 * are relative to the file. Ships no list of words: ours (@tunan/page/spam-terms) judge pages by density, and would refuse good sentences here.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Said, systemProblem } from '@tunan/files';
import { PERSONAL_DATA, type PersonalDataKind } from '@tunan/page/personal-data';
import { findMistakes, inBoth, listMistakes, readJsonFile } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { SafetyError } from './errors.ts';
import type { Action, Direction, DirectionRules, ListedWord } from './rules.ts';
import { WordTrie } from './word-trie.ts';

const action = z.enum(['block', 'mask', 'log']);
const actions = {
  input: action
    .optional()
    .describe(inBoth('What is done in prompts; absent: nothing.', '对提示的处理；省略则不检查。')),
  output: action.optional().describe(inBoth('… and in answers.', '对回答的处理；省略则不检查。')),
};

export const policySchema = z.strictObject({
  lists: z
    .array(
      z.strictObject({
        category: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
        path: z.string().min(1).describe(inBoth('One word a line; # begins a comment.', '每行一词；# 开头为注释。')),
        ...actions,
        mask: z
          .string()
          .optional()
          .describe(inBoth('What is shown instead; absent: * for each character.', '替代文字；省略时每字一个 *。')),
      }),
    )
    .default([]),
  personalData: z
    .strictObject({
      kinds: z
        .array(z.enum(PERSONAL_DATA))
        .min(1)
        .default([...PERSONAL_DATA]),
      ...actions,
    })
    .optional(),
  classifier: z
    .strictObject({
      path: z.string().min(1).describe(inBoth('A directory of tunan corpus train-quality.', '分类器目录。')),
      label: z.string().min(1).describe(inBoth('The label that is looked for.', '要识别的标签。')),
      threshold: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(inBoth("Least probability; absent: the classifier's own.", '概率下限；省略时取分类器自带阈值。')),
      input: action.exclude(['mask']).optional(),
      output: action.exclude(['mask']).optional(),
    })
    .optional(),
  audit: z
    .strictObject({
      directory: z
        .string()
        .min(1)
        .describe(inBoth('Where the log is kept, a file a day.', '审计日志目录，每天一个文件。')),
      texts: z.boolean().default(false).describe(inBoth('Whether texts stand in it.', '是否记录文本。')),
      days: z.int().min(1).max(3650).default(180).describe(inBoth('How long files are kept.', '保留天数。')),
    })
    .optional(),
  exceptions: z
    .array(
      z
        .strictObject({
          keys: z.array(z.string().min(1)).default([]).describe(inBoth('Ids of keys.', '密钥编号。')),
          organisations: z.array(z.string().min(1)).default([]).describe(inBoth('Ids of organisations.', '机构编号。')),
          policy: z.string().min(1).describe(inBoth('The policy that they have instead.', '其改用的策略文件。')),
        })
        .refine(({ keys, organisations }) => keys.length + organisations.length > 0, {
          message: 'name keys or organisations',
        }),
    )
    .default([]),
});

export type PolicyFile = z.output<typeof policySchema>;

export interface Policy {
  readonly input: DirectionRules;
  readonly output: DirectionRules;
}

/** What masks personal data: as the stage of corpora does. */
const MASKS: Readonly<Record<PersonalDataKind, string>> = {
  mobile: '〈手机号〉',
  landline: '〈电话号码〉',
  'identity-card': '〈身份证号〉',
  'bank-card': '〈银行卡号〉',
  email: '〈电子邮箱〉',
  account: '〈账号〉',
  address: '〈地址〉',
  passport: '〈护照号〉',
  plate: '〈车牌〉',
};

/** @throws SafetyError */
export function readPolicyFile(file: string): PolicyFile {
  const read = readJsonFile(file);
  if (!('value' in read)) throw new SafetyError('SAFETY_BAD_POLICY', read.problem, { cause: read.cause });
  const found = findMistakes(policySchema, read.value);
  if ('mistakes' in found) throw new SafetyError('SAFETY_BAD_POLICY', listMistakes(file, found.mistakes));
  return found.value;
}

/** @param folder in which its paths begin @throws SafetyError, ClassifierError */
export async function openPolicy(given: PolicyFile, folder: string): Promise<Policy> {
  const lists = given.lists.map((list) => ({ ...list, words: readWords(path.resolve(folder, list.path)) }));
  const classifier = given.classifier && (await openClassifier(given.classifier, folder));
  const rulesOf = (direction: Direction): DirectionRules => {
    const personal = given.personalData?.[direction];
    const judged = given.classifier?.[direction];
    return {
      words: (['block', 'mask', 'log'] as const).flatMap((action) => {
        const words = lists.filter((list) => list[direction] === action);
        return words.length === 0 ? [] : [[action, trieOf(words)] as const];
      }),
      personalData: personal && { kinds: given.personalData!.kinds, action: personal, masks: MASKS },
      classifier: judged && classifier && { ...classifier, action: judged as Action },
    };
  };
  return { input: rulesOf('input'), output: rulesOf('output') };
}

function trieOf(lists: readonly { category: string; mask?: string | undefined; words: readonly string[] }[]) {
  return new WordTrie<ListedWord>(
    lists.flatMap(({ category, mask, words }) =>
      words.map((word) => [word, { category, mask: mask ?? '*'.repeat([...word].length) }] as const),
    ),
  );
}

async function openClassifier(
  { path: place, label, threshold }: NonNullable<PolicyFile['classifier']>,
  folder: string,
) {
  // It trains with libtorch, which a server without a classifier need not load.
  const { Classifier } = await import('@tunan/classifier');
  const directory = path.resolve(folder, place);
  const classifier = Classifier.load(directory);
  const { labels, thresholds } = classifier.config;
  if (!labels.includes(label)) {
    throw bad({
      en: `classifier.label: ${directory} has no label '${label}', it has ${labels.join(', ')}`,
      zh: `classifier.label：${directory} 没有标签“${label}”，有 ${labels.join('、')}`,
    });
  }
  const least = threshold ?? thresholds[label];
  if (least === undefined) {
    throw bad({
      en: `classifier.threshold: ${directory} has none of its own for '${label}': give one from 0 to 1`,
      zh: `classifier.threshold：${directory} 对“${label}”没有自带阈值：请给出 0 到 1 的数`,
    });
  }
  const probability = (text: string) => classifier.classify([text])[0]!.probabilities[label]!;
  return { label, threshold: least, probability };
}

function readWords(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = systemProblem(cause) ?? { en: (cause as Error).message, zh: (cause as Error).message };
    throw bad({ en: `cannot read the word list ${file}: ${why.en}`, zh: `无法读取词表 ${file}：${why.zh}` }, cause);
  }
  const words = text
    .replace(/^\uFEFF/, '')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((word) => word !== '' && !word.startsWith('#'));
  if (words.length === 0) {
    throw bad({
      en: `the word list ${file} has no words; one a line is needed`,
      zh: `词表 ${file} 中没有词；应每行一词`,
    });
  }
  return words;
}

const bad = (message: Said, cause?: unknown) => new SafetyError('SAFETY_BAD_POLICY', message, { cause });
