/**
 * What every package throws where a person can put it right: a message of one line that says what is wrong and what to do, and a code for
 * programs. Broken invariants are plain Errors. A package never decides on a language: the command line or the server shows one of the two.
 */
import type { Said } from './said.ts';
import { systemProblem } from './system-problem.ts';

/** The base of the errors of all packages; each has a class of its own with its own codes. */
export class UserMistake<Code extends string> extends Error {
  readonly code: Code;
  /** The message in Chinese; undefined where nobody has said it in Chinese. */
  readonly chinese: string | undefined;
  /** Tells it from broken invariants, also where another copy of this package threw it. */
  readonly userMistake = true;

  constructor(code: Code, message: string | Said, options?: ErrorOptions) {
    super(typeof message === 'string' ? message : message.en, options);
    this.name = new.target.name;
    this.code = code;
    this.chinese = typeof message === 'string' ? undefined : message.zh;
  }
}

/** A file or folder that cannot be written, because of the disk, the rights or the path. */
export class WriteError extends UserMistake<'FILES_WRITE_FAILED'> {}

/** While writing, what is missing is the place for it. */
const NO_FOLDER: Said = { en: 'its folder does not exist, or cannot be made', zh: '所在目录不存在，或无法建立' };

/**
 * That a place cannot be written, with the reason and what to do; undefined where the system refused nothing. The reason is looked for
 * along the causes, but not behind a mistake of another kind: a model that cannot be read is no trouble of writing.
 */
export function cannotWrite(place: string, error: unknown): Said | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? NO_FOLDER : systemProblem(at);
    if (why !== undefined)
      return { en: `cannot write ${place}: ${why.en} (${code})`, zh: `无法写入 ${place}：${why.zh}（${code}）` };
    if ('userMistake' in at && !(at instanceof WriteError)) return undefined;
  }
  return undefined;
}

/** A WriteError where the system refused to write the place; any other error as it is. */
export function writeProblem(place: string, error: unknown): unknown {
  const said = error instanceof WriteError ? undefined : cannotWrite(place, error);
  return said === undefined ? error : new WriteError('FILES_WRITE_FAILED', said, { cause: error });
}
