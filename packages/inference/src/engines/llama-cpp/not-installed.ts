/** What is said where llama.cpp, or what calls it, has no build for this machine. Loads neither. */
import { InferenceError } from '../../errors.ts';

export function notInstalled(what: string, cause?: unknown): InferenceError {
  const message = {
    en: `llama.cpp is not installed here (${what}): run npm install without --omit=optional, or name a folder with its libraries in TUNAN_LLAMA_CPP`,
    zh: `此处没有安装 llama.cpp（${what}）：请运行 npm install（不带 --omit=optional），或用 TUNAN_LLAMA_CPP 指明其库所在的目录`,
  };
  return new InferenceError('INFERENCE_NO_LLAMA_CPP', message, { cause });
}
