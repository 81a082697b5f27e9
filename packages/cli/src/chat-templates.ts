/** Chat templates by name, as the models of that family have learnt to read conversations, and those of a file. */
import { existsSync, readFileSync } from 'node:fs';
import type { Tokenizer } from '@tunan/tokenizer';
import { ChatTemplate } from '@tunan/tokenizer';
import { CommandLineError } from './errors.ts';

/** One turn after another between marks. */
function marked(begin: string, message: string, asking: string): string {
  return `${begin}{% for message in messages %}${message}{% endfor %}{% if add_generation_prompt %}${asking}{% endif %}`;
}

const CHATML = `{{ "<|im_start|>" + message.role + "\\n" + message.content + "<|im_end|>\\n" }}`;
const ASKING = `{{ "<|im_start|>assistant\\n" }}`;

const NAMED: Readonly<Record<string, string>> = {
  chatml: marked('', CHATML, ASKING),
  // Where nobody says what it is, Qwen2 is told.
  qwen: marked(
    `{% if messages[0].role != "system" %}{{ "<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n" }}{% endif %}`,
    CHATML,
    ASKING,
  ),
  llama: marked(
    '{{ "<|begin_of_text|>" }}',
    `{{ "<|start_header_id|>" + message.role + "<|end_header_id|>\\n\\n" + message.content + "<|eot_id|>" }}`,
    `{{ "<|start_header_id|>assistant<|end_header_id|>\\n\\n" }}`,
  ),
};

/**
 * @param given a name or a file
 * @throws CommandLineError where there is neither, or the tokenizer lacks a token that the template writes; TokenizerError
 */
export function namedChatTemplate(given: string, tokenizer: Tokenizer): ChatTemplate {
  const names = Object.keys(NAMED).join(', ');
  const source = Object.hasOwn(NAMED, given)
    ? NAMED[given]!
    : existsSync(given)
      ? readFileSync(given, 'utf8')
      : undefined;
  if (source === undefined) {
    throw new CommandLineError('CLI_INPUT', {
      en: `no chat template ${given}: give ${names}, or a file in Jinja`,
      zh: `没有对话模板 ${given}：可取 ${names}，或 Jinja 文件`,
    });
  }
  requireTokens(given, source, tokenizer);
  return ChatTemplate.of(source, given, {}, tokenizer);
}

/** Ids of the marks that end an answer in these templates, of those that the tokenizer has. */
export function answerEnds(tokenizer: Tokenizer): number[] {
  return ['<|im_end|>', '<|eot_id|>'].flatMap((mark) =>
    tokenizer.specialTexts.includes(mark) ? [...tokenizer.encode(mark)].slice(-1) : [],
  );
}

/** A mark that is no token would be read letter by letter, and nothing would end an answer. */
function requireTokens(place: string, source: string, tokenizer: Tokenizer): void {
  const marks = new Set(source.match(/<\|[^|<>\s]+\|>/g) ?? []);
  const known = new Set(tokenizer.specialTexts);
  const missing = [...marks].filter((mark) => !known.has(mark));
  if (missing.length === 0) return;
  throw new CommandLineError('CLI_INPUT', {
    en: `the chat template ${place} writes ${missing.join(' ')}, which the tokenizer has no tokens for: choose the model's own template, or another`,
    zh: `对话模板 ${place} 用到 ${missing.join(' ')}，而分词器没有这些词元：请用模型自己的模板，或换一个`,
  });
}
