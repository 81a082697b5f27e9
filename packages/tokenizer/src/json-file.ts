/** Reads JSON files that other programs wrote: with a byte order mark, or not there at all. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { TokenizerError } from './errors.ts';

/** A tokenizer.json, or that of a directory. @throws TokenizerError that names the file and says what to do */
export function readTokenizerJson(given: string): { readonly content: unknown; readonly file: string } {
  let file = given;
  let text: string;
  try {
    if (statSync(given).isDirectory()) file = path.join(given, 'tokenizer.json');
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TokenizerError('TOKENIZER_FILE', `cannot read the tokenizer ${file}: ${reasonOf(cause, file)}`, {
      cause,
    });
  }
  return { content: parseJson(text, file, 'give a tokenizer.json'), file };
}

/** An object of a file that may stand in a directory. @throws TokenizerError when it is there and is not JSON */
export function readJsonBeside(directory: string, name: string): Readonly<Record<string, unknown>> | undefined {
  const file = path.join(directory, name);
  if (!existsSync(file)) return undefined;
  const content = parseJson(readFileSync(file, 'utf8'), file, 'mend it, or fetch it again');
  return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : undefined;
}

function parseJson(text: string, file: string, advice: string): unknown {
  if (text.startsWith('version https://git-lfs')) {
    const message = `${file} is a Git LFS pointer, not the file itself: run "git lfs pull" in its repository`;
    throw new TokenizerError('TOKENIZER_MALFORMED_FILE', message);
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    throw new TokenizerError('TOKENIZER_MALFORMED_FILE', `${file} is not JSON: ${advice}`, { cause });
  }
}

function reasonOf(cause: unknown, file: string): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const older = existsSync(path.join(path.dirname(file), 'merges.txt'));
    return older
      ? 'no such file, only the older vocab.json and merges.txt; save the tokenizer again with AutoTokenizer of transformers'
      : 'no such file';
  }
  if (code === 'EACCES') return 'this user may not read it';
  return cause instanceof Error ? cause.message : String(cause);
}
