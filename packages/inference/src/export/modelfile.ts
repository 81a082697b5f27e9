/**
 * The Modelfile of Ollama beside a GGUF: where the weights are, how a conversation is written, where an answer ends. Ollama writes
 * conversations by a Go template, models theirs by a Jinja one: a template whose messages stand one after the other, each between texts
 * that depend on its role alone, is translated; of others the Modelfile says that it could not be.
 */
import type { ChatMessage, ChatTemplate, Tokenizer } from '@tunan/tokenizer';

interface Role {
  readonly before: string;
  readonly behind: string;
}

interface Conversation {
  /** Where no system message begins. */
  readonly head: string;
  readonly system: Role | undefined;
  readonly user: Role;
  readonly assistant: Role;
}

/**
 * @param file of the weights, beside the Modelfile
 * @param adapter file of an adapter to them, likewise
 */
export function modelfile(
  file: string,
  tokenizer: Tokenizer,
  template: ChatTemplate | undefined,
  adapter?: string,
): string {
  const conversation = template === undefined ? undefined : conversationOf(template);
  const ends = [...tokenizer.ends].map((id) => Buffer.from(tokenizer.tokenBytes(id)).toString());
  const lines = [`FROM ./${file}`, ...(adapter === undefined ? [] : [`ADAPTER ./${adapter}`]), ''];
  if (conversation !== undefined) {
    lines.push(`TEMPLATE """${goTemplate(conversation)}"""`);
  } else {
    const why =
      template === undefined
        ? 'A base model: it continues the prompt.'
        : 'The chat template of the model could not be put in the terms of Ollama: prompts are continued as they are.';
    lines.push(`# ${why}`, `TEMPLATE """${literal(beginOf(tokenizer))}{{ .Prompt }}"""`);
  }
  lines.push('', ...ends.map((end) => `PARAMETER stop ${JSON.stringify(end)}`));
  return `${lines.join('\n')}\n`;
}

/** A document begins with the token that ends one, unless the file says what begins it: that llama.cpp puts there by itself. */
function beginOf(tokenizer: Tokenizer): string {
  return tokenizer.beginsEveryText ? '' : Buffer.from(tokenizer.tokenBytes(tokenizer.bod)).toString();
}

const [S, U, A, V] = ['⟦system⟧', '⟦user⟧', '⟦assistant⟧', '⟦later⟧'];
const message = (role: string, content: string): ChatMessage => ({ role, content });

/** What stands between the messages; undefined where that is not all there is to the template. */
function conversationOf(template: ChatTemplate): Conversation | undefined {
  const cut = (messages: readonly ChatMessage[]): readonly string[] | undefined => {
    let rest = render(template, messages);
    const pieces: string[] = [];
    for (const { content } of messages) {
      const at = rest?.indexOf(content) ?? -1;
      if (rest === undefined || at < 0) return undefined;
      pieces.push(rest.slice(0, at));
      rest = rest.slice(at + content.length);
    }
    return [...pieces, rest!];
  };
  const plain = cut([message('user', U), message('assistant', A), message('user', V)]);
  if (plain === undefined) return undefined;
  const [first, toAssistant, toUser, last] = plain as [string, string, string, string];
  if (toAssistant !== last) return undefined; // the answer would begin in another way than one of before
  const userBefore = commonEnd(first, toUser);
  const assistant = { before: toAssistant, behind: toUser.slice(0, toUser.length - userBefore.length) };
  const head = first.slice(0, first.length - userBefore.length);
  const withSystem = cut([message('system', S), message('user', U)]);
  const [systemBefore, systemBehind] = withSystem ?? [];
  const system =
    systemBefore === undefined || !systemBehind!.endsWith(userBefore)
      ? undefined
      : { before: systemBefore, behind: systemBehind!.slice(0, systemBehind!.length - userBefore.length) };
  const found = { head, system, user: { before: userBefore, behind: '' }, assistant };
  return agrees(found, template) ? found : undefined;
}

/** Whether conversations of several forms come out as the template writes them. */
function agrees(found: Conversation, template: ChatTemplate): boolean {
  const turns = [message('user', U), message('assistant', A), message('user', V), message('assistant', A)];
  const longer = [...turns, message('user', U)];
  const tried = [[message('user', U)], longer, ...(found.system ? [[message('system', S), ...longer]] : [])];
  return tried.every((messages) => write(found, messages) === render(template, messages));
}

function write({ head, system, user, assistant }: Conversation, messages: readonly ChatMessage[]): string {
  const roles: Record<string, Role | undefined> = { system, user, assistant };
  const body = messages.map(({ role, content }) => `${roles[role]!.before}${content}${roles[role]!.behind}`).join('');
  return `${messages[0]!.role === 'system' ? '' : head}${body}${assistant.before}`;
}

function render(template: ChatTemplate, messages: readonly ChatMessage[]): string | undefined {
  try {
    return template.render(messages);
  } catch (error) {
    // A template may refuse messages, such as a system message; then it has no such form.
    if ((error as { code?: unknown }).code === 'TOKENIZER_CHAT_TEMPLATE') return undefined;
    throw error;
  }
}

function commonEnd(a: string, b: string): string {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a.at(-1 - length) === b.at(-1 - length)) length++;
  return a.slice(a.length - length);
}

function goTemplate({ head, system, user, assistant }: Conversation): string {
  const turn = ({ before, behind }: Role) => `${literal(before)}{{ .Content }}${literal(behind)}`;
  const start = head === '' ? '' : `{{ if ne (index .Messages 0).Role "system" }}${literal(head)}{{ end }}`;
  const branches = [
    ...(system === undefined ? [] : [`{{ if eq .Role "system" }}${turn(system)}`]),
    `{{ ${system === undefined ? 'if' : 'else if'} eq .Role "user" }}${turn(user)}`,
    `{{ else if eq .Role "assistant" }}${turn(assistant)}`,
  ];
  return `${start}{{ range .Messages }}${branches.join('')}{{ end }}{{ end }}${literal(assistant.before)}`;
}

/** Text that a Go template writes as it is. */
function literal(text: string): string {
  return text === '' ? '' : `{{ ${JSON.stringify(text)} }}`;
}
