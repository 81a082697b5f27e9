/** Reads JSON files that other programs wrote: with a byte order mark, or not there at all. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Said, systemProblem } from '@tunan/files';
import { TokenizerError } from './errors.ts';

/** A tokenizer.json, or that of a directory. @throws TokenizerError that names the file and says what to do */
export function readTokenizerJson(given: string): { readonly content: unknown; readonly file: string } {
  let file = given;
  let text: string;
  try {
    if (statSync(given).isDirectory()) file = path.join(given, 'tokenizer.json');
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = reasonOf(cause, file);
    const message = {
      en: `cannot read the tokenizer ${file}: ${reason.en}`,
      zh: `无法读取分词器 ${file}：${reason.zh}`,
    };
    throw new TokenizerError('TOKENIZER_FILE', message, { cause });
  }
  return { content: parseJson(text, file, { en: 'give a tokenizer.json', zh: '请给出 tokenizer.json' }), file };
}

/** An object of a file that may stand in a directory. @throws TokenizerError when it is there and is not JSON */
export function readJsonBeside(directory: string, name: string): Readonly<Record<string, unknown>> | undefined {
  const file = path.join(directory, name);
  if (!existsSync(file)) return undefined;
  const content = parseJson(readFileSync(file, 'utf8'), file, {
    en: 'fix it, or fetch it again',
    zh: '请修正，或重新获取',
  });
  return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : undefined;
}

function parseJson(text: string, file: string, advice: Said): unknown {
  if (text.startsWith('version https://git-lfs')) {
    const message = {
      en: `${file} is a Git LFS pointer, not the file itself: run "git lfs pull" in its repository`,
      zh: `${file} 是 Git LFS 指针，而非文件本身：请在其仓库中运行 "git lfs pull"`,
    };
    throw new TokenizerError('TOKENIZER_MALFORMED_FILE', message);
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    const message = { en: `${file} is not JSON: ${advice.en}`, zh: `${file} 不是 JSON：${advice.zh}` };
    throw new TokenizerError('TOKENIZER_MALFORMED_FILE', message, { cause });
  }
}

function reasonOf(cause: unknown, file: string): Said {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const older = existsSync(path.join(path.dirname(file), 'merges.txt'));
    return older
      ? {
          en: 'no such file, only the older vocab.json and merges.txt; save the tokenizer again with AutoTokenizer of transformers',
          zh: '没有这个文件，只有旧式的 vocab.json 与 merges.txt；请用 transformers 的 AutoTokenizer 重新保存分词器',
        }
      : { en: 'no such file', zh: '没有这个文件' };
  }
  const known = systemProblem(cause);
  if (known !== undefined) return known;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return { en: reason, zh: reason };
}
