/** The conversation that a response goes on from: what was kept of it, and what the request adds. */
import {
  type InputItem,
  type ResponseMessage,
  type ResponsesRequest,
  type SpokenMessage,
  spokenOf,
} from '@tunan/protocol';
import { RequestError } from '../errors/request-error.ts';
import { type ResponseStore, responseOfMessage, type StoredResponse } from './response-store.ts';

export interface Conversation {
  /** Kept messages, with the ids that they have. */
  readonly earlier: readonly InputItem[];
  /** What the request adds. */
  readonly added: readonly SpokenMessage[];
}

/** @throws RequestError where the request names what is not kept */
export async function readConversation(
  store: ResponseStore | undefined,
  owner: string,
  request: ResponsesRequest,
): Promise<Conversation> {
  const { previous_response_id: previous } = request;
  const before = previous === undefined ? undefined : await store?.get(owner, previous);
  if (previous !== undefined && before === undefined) throw noPrevious(store, previous);
  const referred = await referredMessages(store, owner, request);
  return { earlier: before === undefined ? [] : wholeOf(before), added: spokenOf(request, (id) => referred.get(id)!) };
}

/** Question and answer. */
const wholeOf = ({ items, response }: StoredResponse): InputItem[] => [...items, ...response.output.map(itemOf)];

export const textOf = ({ content }: Pick<InputItem, 'content'>): string => content.map(({ text }) => text).join('');

/** Messages as items of the response with a number. */
export function itemsOf(number: string, messages: readonly SpokenMessage[]): InputItem[] {
  return messages.map(({ role, content: text }, place) => ({
    ...{ type: 'message', id: `msg_${number}_${place}`, status: 'completed', role },
    content: [{ type: role === 'assistant' ? 'output_text' : 'input_text', text }],
  }));
}

function itemOf({ id, role, content }: ResponseMessage): InputItem {
  const parts = content.map(({ type, text }) => ({ type, text }));
  return { type: 'message', id, status: 'completed', role, content: parts };
}

/** @throws RequestError */
async function referredMessages(store: ResponseStore | undefined, owner: string, { input }: ResponsesRequest) {
  const found = new Map<string, SpokenMessage>();
  if (typeof input === 'string') return found;
  for (const [place, item] of input.entries()) {
    if (item.type !== 'item_reference') continue;
    const of = responseOfMessage(item.id);
    const stored = of === undefined ? undefined : await store?.get(owner, of);
    const message = stored && wholeOf(stored).find(({ id }) => id === item.id);
    if (message === undefined) throw noItem(item.id, place);
    found.set(item.id, { role: message.role, content: textOf(message) });
  }
  return found;
}

function noPrevious(store: ResponseStore | undefined, id: string): RequestError {
  const message =
    store === undefined
      ? {
          en: 'previous_response_id: this server keeps no responses: send the whole conversation as input',
          zh: 'previous_response_id：本服务器不保存应答：请在 input 中发送完整对话',
        }
      : {
          en: `previous_response_id: there is no response '${id}', or none any more: send the whole conversation as input`,
          zh: `previous_response_id：没有应答“${id}”，或已不再保存：请在 input 中发送完整对话`,
        };
  return new RequestError('previousNotFound', message, 'previous_response_id');
}

function noItem(id: string, place: number): RequestError {
  const message = {
    en: `input[${place}]: there is no message '${id}', or none any more: send its text`,
    zh: `input[${place}]：没有消息“${id}”，或已不再保存：请发送其文本`,
  };
  return new RequestError('previousNotFound', message, `input[${place}]`);
}
