/** What the checks of an application find in an answer. */
import { satisfies } from '@tunan/inference';
import type { App, AppCheck, AppFinding } from '@tunan/protocol';
import { type Inputs, withDefaults } from '../inputs.ts';
import { judgeAcrostic } from '../verse/acrostic.ts';
import { judgeCouplet } from '../verse/couplet.ts';
import type { Judgement } from '../verse/judgement.ts';
import { judgeMeter } from '../verse/meter.ts';
import { judgeParallel } from '../verse/parallel.ts';
import { judgeRegulated } from '../verse/regulated.ts';
import { rhymeBook } from '../verse/rhyme-book.ts';
import { versesOf } from '../verse/verses.ts';
import { meterOf, verseFormOf } from './verse-form.ts';

/** One for each check, in their order. @throws AppError APP_BAD_INPUT; InferenceError for a pattern that is none */
export function runChecks(app: App, inputs: Inputs, output: string): AppFinding[] {
  return app.checks.map((check) => ({ check: check.use, ...judge(app, check, inputs, output) }));
}

export interface FailingExample {
  /** Its place in the list, from 0. */
  readonly example: number;
  readonly finding: AppFinding;
}

/** Examples that break what the application asks of its answers; `new` is not asked of them. @throws as `runChecks` */
export function examplesAgainstChecks(app: App): FailingExample[] {
  const own = { ...app, checks: app.checks.filter(({ use }) => use !== 'new') };
  return app.examples.flatMap(({ inputs, output }, example) =>
    runChecks(own, withDefaults(app, inputs), output.trim())
      .filter(({ passed }) => !passed)
      .map((finding) => ({ example, finding })),
  );
}

function judge(app: App, check: AppCheck, inputs: Inputs, output: string): Judgement {
  switch (check.use) {
    case 'verse':
      return judgeVerse(check, inputs, output);
    case 'meter': {
      const { tones, rhyme, book } = check;
      return judgeMeter(output, meterOf(check, inputs), { book: rhymeBook(book), tones, rhyme });
    }
    case 'couplet':
      return judgeCouplet(inputs[check.of] ?? '', output, { book: rhymeBook(check.book), tones: check.tones });
    case 'parallel':
      return judgeCouplets(check, inputs, output);
    case 'acrostic':
      return judgeAcrostic(inputs[check.of] ?? '', output, check.characters);
    case 'lines':
      return judgeLines(check, output);
    case 'length':
      return within(lengthOf(output), check, { zh: '字数', en: 'characters' });
    case 'pattern': {
      const passed = satisfies(output, { kind: 'regex', pattern: check.pattern, option: 'checks' });
      return verdict(
        passed,
        '符合规定的形式',
        'has the form that is asked for',
        '不符合规定的形式',
        'does not have the form',
      );
    }
    case 'choice':
      return verdict(
        check.texts.includes(output),
        '是允许的回答',
        'is one of the answers that are allowed',
        `不是允许的回答：${check.texts.join('、')}`,
        `is none of: ${check.texts.join(', ')}`,
      );
    case 'from-input':
      return judgePieces(check, inputs[check.of] ?? '', output);
    case 'new':
      return judgeNew(app, inputs, output);
  }
}

function judgeVerse(check: AppCheck & { use: 'verse' }, inputs: Inputs, output: string): Judgement {
  const { form, heads } = verseFormOf(check, inputs);
  const { tones, rhyme, book } = check;
  const judged = judgeRegulated(output, { form, book: rhymeBook(book), tones, rhyme });
  const headed = heads === undefined ? undefined : judgeAcrostic(heads, output);
  return headed?.passed === false ? headed : judged;
}

/** The upper line with the answer, or the middle couplets of eight lines. */
function judgeCouplets({ of, departures }: AppCheck & { use: 'parallel' }, inputs: Inputs, output: string): Judgement {
  if (of !== undefined) return judgeParallel([[inputs[of] ?? '', output]], departures);
  const verses = versesOf(output).map((verse) => verse.join(''));
  const [, , third, fourth, fifth, sixth] = verses;
  if (verses.length === 8) {
    return judgeParallel(
      [
        [third!, fourth!],
        [fifth!, sixth!],
      ],
      departures,
    );
  }
  return {
    passed: true,
    message: { zh: '不是八句，不要求对仗', en: 'not of eight lines: nothing has to be parallel' },
  };
}

function judgeLines({ least, most, characters }: AppCheck & { use: 'lines' }, output: string): Judgement {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const counted = within(lines.length, { least, most }, { zh: '行数', en: 'lines' });
  if (!counted.passed || characters === undefined) return counted;
  const judged = lines.map((line) =>
    within(versesOf(line).flat().length, characters, { zh: '每行字数', en: 'characters of a line' }),
  );
  return judged.find(({ passed }) => !passed) ?? counted;
}

function judgePieces(
  { separators, allowed, of }: AppCheck & { use: 'from-input' },
  input: string,
  output: string,
): Judgement {
  const pieces = split(output, separators);
  const strange = pieces.filter((piece) => !input.includes(piece) && !allowed.includes(piece));
  return verdict(
    pieces.length > 0 && strange.length === 0,
    `各项都出自“${of}”`,
    `every piece stands in "${of}"`,
    pieces.length === 0 ? '回答为空' : `不在“${of}”中：${strange.join('、')}`,
    pieces.length === 0 ? 'the answer is empty' : `not in "${of}": ${strange.join(', ')}`,
  );
}

/** The pieces of a list. */
export function split(text: string, separators: string): string[] {
  let pieces = [text];
  for (const separator of separators) pieces = pieces.flatMap((piece) => piece.split(separator));
  return pieces.map((piece) => piece.trim()).filter((piece) => piece !== '');
}

function judgeNew({ examples }: App, inputs: Inputs, output: string): Judgement {
  const known = [...examples.map((example) => example.output), ...Object.values(inputs)];
  const isOld = known.some((text) => text.trim() === output.trim());
  return verdict(
    !isOld && output.trim() !== '',
    '不是照抄示例或输入',
    'copies neither an example nor an input',
    isOld ? '照抄了示例或输入' : '回答为空',
    isOld ? 'copies an example or an input' : 'the answer is empty',
  );
}

const lengthOf = (text: string): number => Array.from(text.trim()).length;

function within(
  seen: number,
  { least, most = Number.POSITIVE_INFINITY }: { readonly least: number; readonly most?: number | undefined },
  what: Judgement['message'],
): Judgement {
  const range = most === Number.POSITIVE_INFINITY ? `≥ ${least}` : least === most ? `${least}` : `${least}–${most}`;
  const message = { zh: `${what.zh}为 ${seen}，应为 ${range}`, en: `${seen} ${what.en}, ${range} are wanted` };
  return seen >= least && seen <= most
    ? { passed: true, message: { zh: `${what.zh}为 ${seen}`, en: `${seen} ${what.en}` } }
    : { passed: false, message };
}

function verdict(passed: boolean, rightZh: string, rightEn: string, wrongZh: string, wrongEn: string): Judgement {
  return { passed, message: passed ? { zh: rightZh, en: rightEn } : { zh: wrongZh, en: wrongEn } };
}
