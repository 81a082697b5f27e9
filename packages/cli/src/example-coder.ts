/**
 * What turns examples into ids: the tokenizer and the chat template of a model directory. Where it has no template, conversations take a
 * plain one, which then belongs to what is tuned.
 */
import path from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import type { ExampleCoder } from '@tunan/training';

export interface OpenedCoder {
  readonly coder: ExampleCoder;
  readonly tokenizerFile: string;
  /** The text of the plain template, once a conversation took it. */
  plainTemplate(): string | undefined;
}

/** @throws TokenizerError */
export function openExampleCoder(model: string): OpenedCoder {
  const tokenizer = Tokenizer.load(model);
  const tokenizerFile = path.join(model, 'tokenizer.json');
  const own = ChatTemplate.load(model, tokenizer);
  const plain = plainChatTemplate(tokenizer);
  let took = false;
  const coder: ExampleCoder = {
    sha256: fileSha256Sync(tokenizerFile),
    vocabularySize: tokenizer.vocabularySize,
    begin: tokenizer.bod,
    end: tokenizer.eod,
    ends: tokenizer.ends,
    text: (text) => tokenizer.encode(text, { specials: false }),
    conversation: (messages) => {
      took ||= own === undefined;
      return (own ?? plain).encodeConversation(messages);
    },
    decode: (ids) => tokenizer.decode(ids),
  };
  return { coder, tokenizerFile, plainTemplate: () => (took ? plain.source : undefined) };
}

/** Names its special tokens itself, so that it stands alone as a file. */
function plainChatTemplate(tokenizer: Tokenizer): ChatTemplate {
  const [begin, end] = [tokenizer.bod, tokenizer.eod].map((id) => `{{ ${JSON.stringify(tokenizer.decode([id]))} }}`);
  const source = `${begin}{% for message in messages %}{% if message.role == "system" %}{{ message.content + "\\n" }}{% elif message.role == "user" %}{{ "问：" + message.content + "\\n" }}{% else %}{{ "答：" + message.content }}${end}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ "答：" }}{% endif %}`;
  return ChatTemplate.of(source, 'the plain chat template', {}, tokenizer);
}
