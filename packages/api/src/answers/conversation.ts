/** The messages of a chat request for an engine: as they are where another server has the template, else as the prompt that they make. */
import type { Engine } from '@tunan/inference';
import { type ChatRequest, messagesOf } from '@tunan/protocol';
import { RequestError } from '../errors/request-error.ts';

/** @param id what the model is called. @throws RequestError where it has no chat template */
export function conversationOf({ encodeChat, takesMessages = false }: Engine, body: ChatRequest, id: string) {
  const messages = messagesOf(body);
  if (takesMessages) return { prompts: [], messages };
  if (encodeChat === undefined) throw withoutTemplate(id);
  return { prompts: [encodeChat(messages)] };
}

function withoutTemplate(id: string): RequestError {
  const message = {
    en: `model: '${id}' has no chat template, it continues texts: call POST /v1/completions`,
    zh: `model：“${id}”没有对话模板，只能续写文本：请调用 POST /v1/completions`,
  };
  return new RequestError('invalid', message, 'model');
}
