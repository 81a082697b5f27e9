/**
 * The messages of a chat request for an engine: as they are where another server has the template, else as the prompt that the template of
 * the model makes of them. A base model, which has none, gets a plain form:
 *
 *   SYSTEM⏎⏎用户：…⏎助手：…⏎用户：…⏎助手：
 *
 * as the beginning of a document, and the answer ends where the model goes on as the user. Nothing of it is a special token, so that a
 * message may contain what looks like a turn.
 */
import type { Engine, GenerationRequest } from '@tunan/inference';
import { type ChatRequest, messagesOf, stopsOf } from '@tunan/protocol';

/** Where the plain form is used, the answer says so in the header `x-chat-template`. */
export const isPlain = ({ encodeChat, takesMessages = false }: Engine): boolean =>
  encodeChat === undefined && !takesMessages;

/** The fields of a request in which engines differ. */
export function conversationOf(
  engine: Engine,
  body: ChatRequest,
): Pick<GenerationRequest, 'prompts' | 'messages' | 'stop' | 'beginDocument'> {
  const messages = messagesOf(body);
  if (engine.takesMessages === true) return { prompts: [], messages };
  if (engine.encodeChat !== undefined) return { prompts: [engine.encodeChat(messages)] };
  return { prompts: [plainForm(messages)], stop: [...stopsOf(body.stop), `\n${SPEAKERS.user}`], beginDocument: true };
}

const SPEAKERS = { user: '用户：', assistant: '助手：' } as const;

function plainForm(messages: ReturnType<typeof messagesOf>): string {
  const turns = messages.map(({ role, content }) => {
    return role === 'user' || role === 'assistant' ? `${SPEAKERS[role]}${content}\n` : `${content}\n\n`;
  });
  return turns.join('') + SPEAKERS.assistant;
}
