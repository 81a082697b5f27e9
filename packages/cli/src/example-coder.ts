/**
 * What turns examples into ids: the tokenizer and the chat template of a model directory. Where it has no template, conversations take a
 * plain one, which then belongs to what is tuned.
 */
import path from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import type { ExampleCoder } from '@tunan/training';
import { answerEnds, namedChatTemplate } from './chat-templates.ts';

export interface OpenedCoder {
  readonly coder: ExampleCoder;
  readonly tokenizerFile: string;
  /** The text of the template that is not the model's own, once a conversation took it: it belongs to what is tuned. */
  otherTemplate(): { readonly source: string; readonly plain: boolean } | undefined;
}

/**
 * @param chatTemplate a name or a file, in place of the model's own
 * @throws TokenizerError, CommandLineError
 */
export function openExampleCoder(model: string, chatTemplate?: string): OpenedCoder {
  const tokenizer = Tokenizer.load(model);
  const tokenizerFile = path.join(model, 'tokenizer.json');
  const named = chatTemplate === undefined ? undefined : namedChatTemplate(chatTemplate, tokenizer);
  const own = named === undefined ? ChatTemplate.load(model, tokenizer) : undefined;
  const other = named ?? plainChatTemplate(tokenizer);
  let took = false;
  const coder: ExampleCoder = {
    sha256: fileSha256Sync(tokenizerFile),
    vocabularySize: tokenizer.vocabularySize,
    begin: tokenizer.bod,
    end: tokenizer.eod,
    ends: new Set([...tokenizer.ends, ...(named === undefined ? [] : answerEnds(tokenizer))]),
    text: (text) => tokenizer.encode(text, { specials: false }),
    conversation: (messages) => {
      took ||= own === undefined;
      return (own ?? other).encodeConversation(messages);
    },
    decode: (ids) => tokenizer.decode(ids),
  };
  return {
    coder,
    tokenizerFile,
    otherTemplate: () => (took ? { source: other.source, plain: named === undefined } : undefined),
  };
}

/** Names its special tokens itself, so that it stands alone as a file. */
function plainChatTemplate(tokenizer: Tokenizer): ChatTemplate {
  const [begin, end] = [tokenizer.bod, tokenizer.eod].map((id) => `{{ ${JSON.stringify(tokenizer.decode([id]))} }}`);
  const source = `${begin}{% for message in messages %}{% if message.role == "system" %}{{ message.content + "\\n" }}{% elif message.role == "user" %}{{ "问：" + message.content + "\\n" }}{% else %}{{ "答：" + message.content }}${end}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ "答：" }}{% endif %}`;
  return ChatTemplate.of(source, 'the plain chat template', {}, tokenizer);
}
