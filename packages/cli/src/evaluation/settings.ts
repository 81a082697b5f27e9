/** From the options of `tunan eval run` to the settings of an evaluation. */
import type { GivenSettings, Shard, Split } from '@tunan/evaluation';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';

const normalisations = ['token', 'character', 'none'] as const;
const calibrations = ['none', 'diagonal', 'identity'] as const;
const expansions = ['none', 'mean', 'max'] as const;
const wordModes = ['sequence', 'first'] as const;
const shotChoices = ['balanced', 'seed', 'similar'] as const;

export const settingOptions = {
  limit: {
    type: 'number',
    value: 'N',
    help: text('examples a task at most, drawn by the seed', '每个任务最多评测的样例数'),
  },
  template: {
    type: 'string',
    value: 'NAME',
    help: text('prompt template, by name or number (default the first)', '提示模板的名称或序号（默认第一个）'),
  },
  normalise: {
    type: 'string',
    value: 'KIND',
    default: 'token',
    help: text(
      "what a candidate's log-probability is divided by: token, character (how many it has), none",
      '候选的对数概率除以：token（词元数）、character（字数）、none（不除）',
    ),
  },
  calibrate: { type: 'string', value: 'KIND', default: 'none', help: calibrations.join(', ') },
  expand: {
    type: 'string',
    value: 'KIND',
    default: 'none',
    help: text('over the words of a label: none, mean, max', '标签词扩展：none、mean、max'),
  },
  words: {
    type: 'string',
    value: 'KIND',
    default: 'sequence',
    help: text(
      'words of several tokens: sequence (their mean) or first (the first token)',
      '多词元标签词：sequence（平均）或 first（首词元）',
    ),
  },
  shots: {
    type: 'number',
    value: 'K',
    help: text('solved examples in the prompt (default 0, for fewclue 4)', '提示中的示例数（默认 0，fewclue 为 4）'),
  },
  choose: {
    type: 'string',
    value: 'KIND',
    default: 'balanced',
    help: text('solved examples: balanced, seed, similar', '示例的选取：balanced、seed、similar'),
  },
  splits: {
    type: 'string',
    value: 'LIST',
    help: text(
      'training sets that solved examples (and --tune) come from: 0,1,2,3,4 (default) or few_all',
      '示例（及 --tune）所取的训练集：0,1,2,3,4（默认）或 few_all',
    ),
  },
  orders: {
    type: 'number',
    value: 'N',
    default: 1,
    help: text('orders of the solved examples to try', '尝试的示例排列数'),
  },
  seed: { type: 'number', value: 'N', default: 1, help: text('seed of every choice', '随机种子') },
} as const;

interface Given {
  readonly limit: number | undefined;
  readonly template: string | undefined;
  readonly normalise: string;
  readonly splits: string | undefined;
  readonly split: string | undefined;
  readonly calibrate: string;
  readonly expand: string;
  readonly words: string;
  readonly shots: number | undefined;
  readonly choose: string;
  readonly orders: number;
  readonly seed: number;
}

/** @throws UsageError on a value that is none of an option's */
export function readSettings(suite: string, given: Given): GivenSettings {
  const { limit, template, shots, orders, seed, split, splits } = given;
  return {
    normalise: oneOf('--normalise', normalisations, given.normalise),
    calibrate: oneOf('--calibrate', calibrations, given.calibrate),
    expand: oneOf('--expand', expansions, given.expand),
    words: oneOf('--words', wordModes, given.words),
    choice: oneOf('--choose', shotChoices, given.choose),
    shots,
    orders,
    seed,
    limit,
    template,
    set: suite === 'poems' ? undefined : split,
    splits: splits === undefined ? undefined : readSplits(splits),
  };
}

/** Reads `i/n`, i from 1. @throws UsageError */
export function readShard(given: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(given);
  const index = Number(match?.[1]) - 1;
  const count = Number(match?.[2]);
  if (match !== null && index >= 0 && index < count) return { index, count };
  throw new UsageError(
    text(`--shard is i/n with i from 1 to n, not '${given}'`, `--shard 应为 i/n，i 从 1 到 n，而不是“${given}”`),
  );
}

/** @throws UsageError */
function readSplits(given: string): Split[] {
  const names = given.split(',').map((name) => name.trim());
  const known = names.every((name) => /^[0-9]$/.test(name)) || given.trim() === 'few_all';
  if (known && new Set(names).size === names.length) {
    return names.map((name) => (name === 'few_all' ? name : Number(name)));
  }
  throw new UsageError(
    text(
      `--splits is numbers with commas between, such as 0,1,2,3,4, or few_all, not '${given}'`,
      `--splits 应为逗号分隔的编号（如 0,1,2,3,4）或 few_all，而不是“${given}”`,
    ),
  );
}

function oneOf<const Names extends readonly string[]>(flag: string, names: Names, given: string): Names[number] {
  const found = names.find((name) => name === given);
  if (found !== undefined) return found;
  throw new UsageError(
    text(
      `${flag} is one of ${names.join(', ')}, not '${given}'`,
      `${flag} 应为 ${names.join('、')} 之一，而不是“${given}”`,
    ),
  );
}
