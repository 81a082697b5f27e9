/**
 * Checks of what is asked and of what is answered, by the policy of the deployment or the one that a key or an organisation has instead.
 *
 * A prompt with something that blocks is refused before an engine sees it; masks are put into it. An answer is looked over as it is made
 * (text-filter.ts): what blocks ends it with finish_reason content_filter, and the engine is told to stop when all answers of the request have
 * ended. Log-probabilities of tokens that are masked are left out.
 */
import path from 'node:path';
import { type Generation, type GenerationChunk, type TokenReport, withChunks } from '@tunan/inference';
import type { ChatRequest } from '@tunan/protocol';
import type { Caller } from '../accounts/keys.ts';
import { RequestError } from '../errors/request-error.ts';
import { AuditLog } from './audit-log.ts';
import { openPolicy, type Policy, readPolicyFile } from './policy.ts';
import { type Direction, type DirectionRules, type Finding, hasRules } from './rules.ts';
import { type FilterStep, type ShownPiece, TextFilter } from './text-filter.ts';

/** Whose texts are looked at. */
export interface Examined {
  readonly requestId: string;
  readonly route: string;
  readonly model: string;
  readonly caller: Caller | undefined;
}

export interface SafetyOptions {
  /** Told of an audit log that cannot be written. */
  readonly onTrouble: (error: unknown) => void;
}

/** How often what was found, by direction, action and category. */
export interface SafetyCount extends Finding {
  readonly direction: Direction;
  readonly count: number;
}

export class Safety {
  readonly #policy: Policy;
  readonly #exceptions: ReadonlyMap<string, Policy>;
  readonly #audit: { readonly log: AuditLog; readonly texts: boolean } | undefined;
  readonly #counts = new Map<string, SafetyCount>();

  private constructor(
    policy: Policy,
    exceptions: ReadonlyMap<string, Policy>,
    audit: { readonly log: AuditLog; readonly texts: boolean } | undefined,
  ) {
    this.#policy = policy;
    this.#exceptions = exceptions;
    this.#audit = audit;
  }

  /** @param file of the policy @throws SafetyError, ClassifierError */
  static async open(file: string, { onTrouble }: SafetyOptions): Promise<Safety> {
    const given = readPolicyFile(file);
    const folder = path.dirname(path.resolve(file));
    const policy = await openPolicy(given, folder);
    const exceptions = new Map<string, Policy>();
    for (const { keys, organisations, policy: place } of given.exceptions) {
      const other = path.resolve(folder, place);
      const instead = await openPolicy(readPolicyFile(other), path.dirname(other));
      for (const id of [...keys, ...organisations]) exceptions.set(id, instead);
    }
    const { audit } = given;
    const log = audit && new AuditLog({ ...audit, directory: path.resolve(folder, audit.directory), onTrouble });
    return new Safety(policy, exceptions, audit && log && { log, texts: audit.texts });
  }

  async close(): Promise<void> {
    await this.#audit?.log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get counts(): readonly SafetyCount[] {
    return [...this.#counts.values()];
  }

  /** A conversation as engines may see it. @throws RequestError */
  checkMessages(body: ChatRequest, of: Examined): ChatRequest {
    const { input } = this.#policyOf(of.caller);
    if (!hasRules(input)) return body;
    const check = (text: string) => this.#checked(text, input, of, 'messages');
    const messages = body.messages.map(({ content, ...message }) => ({
      ...message,
      content:
        typeof content === 'string' ? check(content) : content.map((part) => ({ ...part, text: check(part.text) })),
    }));
    return { ...body, messages };
  }

  /** @throws RequestError where a prompt is token ids, and texts are to be checked */
  requireTexts(prompts: readonly (string | readonly number[])[], caller: Caller | undefined, param = 'prompt'): void {
    const areTexts = prompts.every((prompt) => typeof prompt === 'string');
    if (areTexts || !hasRules(this.#policyOf(caller).input)) return;
    const message = {
      en: `${param}: this server checks texts, and takes no token ids: send it as text`,
      zh: `${param}：本服务器检查文本，不接受词元编号：请以文本发送`,
    };
    throw new RequestError('invalid', message, param);
  }

  /** A text that is asked about, as it may be used. @throws RequestError @param param the field that it stands in */
  checkText(text: string, of: Examined, param: string): string {
    const { input } = this.#policyOf(of.caller);
    return hasRules(input) ? this.#checked(text, input, of, param) : text;
  }

  /** @param sequences how many answers the request has */
  checkOutput(generation: Generation, sequences: number, of: Examined): Generation {
    const { output } = this.#policyOf(of.caller);
    if (!hasRules(output)) return generation;
    const note = (finding: Finding, text: string) => this.#note('output', finding, of, text);
    return withChunks(generation, () => checkedChunks(generation, output, sequences, note));
  }

  #policyOf(caller: Caller | undefined): Policy {
    if (caller === undefined) return this.#policy;
    return this.#exceptions.get(caller.keyId) ?? this.#exceptions.get(caller.organisationId) ?? this.#policy;
  }

  #checked(text: string, rules: DirectionRules, of: Examined, param: string): string {
    const filter = new TextFilter(rules);
    const steps = [filter.push(text)];
    if (steps[0]!.blocked === undefined) steps.push(filter.end());
    for (const finding of steps.flatMap(({ findings }) => findings)) this.#note('input', finding, of, text);
    const blocked = steps.at(-1)!.blocked;
    if (blocked !== undefined) {
      throw new RequestError(
        'contentFiltered',
        {
          en: `${param}: the text is refused by the rules of this server (${blocked.category}): change it`,
          zh: `${param}：文本不符合本服务器的内容规则（${blocked.category}）：请修改`,
        },
        param,
      );
    }
    return steps.flatMap(({ pieces }) => pieces.map((piece) => piece.text)).join('');
  }

  #note(direction: Direction, { action, source, category }: Finding, of: Examined, text: string): void {
    const key = `${direction} ${action} ${source} ${category}`;
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { direction, action, source, category, count });
    const { requestId, route, model, caller } = of;
    this.#audit?.log.write({
      ...{ request: requestId, route, model },
      ...(caller !== undefined && { organisation: caller.organisationId, key: caller.keyId }),
      ...{ direction, action, source, category },
      ...(this.#audit.texts && { text }),
    });
  }
}

interface Sequence {
  readonly filter: TextFilter;
  /** What has come so far, for the audit log. */
  text: string;
  /** Reports of tokens whose text has not been shown. */
  readonly tokens: TokenReport[];
  /** What has been shown, as far as tokens may still lie in it. */
  readonly pieces: (ShownPiece & { readonly shownAt: number })[];
  /** UTF-16 units shown. */
  shown: number;
  ended: boolean;
}

async function* checkedChunks(
  generation: Generation,
  rules: DirectionRules,
  count: number,
  note: (finding: Finding, text: string) => void,
): AsyncGenerator<GenerationChunk, void, void> {
  const sequences = new Map<number, Sequence>();
  let left = count;
  for await (const chunk of generation) {
    let sequence = sequences.get(chunk.index);
    if (sequence === undefined) {
      sequence = { filter: new TextFilter(rules), text: '', tokens: [], pieces: [], shown: 0, ended: false };
      sequences.set(chunk.index, sequence);
    }
    if (sequence.ended) continue;
    sequence.text += chunk.text;
    sequence.tokens.push(...chunk.tokens);
    const steps = [sequence.filter.push(chunk.text)];
    if (steps[0]!.blocked === undefined && chunk.finishReason !== undefined) steps.push(sequence.filter.end());
    for (const finding of steps.flatMap(({ findings }) => findings)) note(finding, sequence.text);
    const blocked = steps.at(-1)!.blocked !== undefined;
    const finishReason = blocked ? 'content_filter' : chunk.finishReason;
    const text = steps.flatMap(({ pieces }) => pieces.map((piece) => piece.text)).join('');
    const tokens = tokensOf(sequence, steps, finishReason !== undefined && !blocked);
    if (finishReason !== undefined) {
      sequence.ended = true;
      left--;
    }
    if (text !== '' || tokens.length > 0 || finishReason !== undefined || chunk.promptTokens !== undefined) {
      yield { ...chunk, text, tokens, finishReason };
    }
    if (left === 0) return;
  }
}

/** Reports of the tokens that are shown whole, with their places in what is shown; those that reach into a mask are left out. */
function tokensOf(sequence: Sequence, steps: readonly FilterStep[], isEnd: boolean): TokenReport[] {
  const { tokens, pieces } = sequence;
  for (const piece of steps.flatMap((step) => step.pieces)) {
    pieces.push({ ...piece, shownAt: sequence.shown });
    sequence.shown += piece.text.length;
  }
  const until = pieces.at(-1)?.end ?? 0;
  const reports: TokenReport[] = [];
  while (tokens[0] !== undefined) {
    const token = tokens[0];
    const end = tokens[1]?.offset ?? sequence.text.length;
    if (end > until && !isEnd) break;
    tokens.shift();
    while (pieces.length > 1 && pieces[0]!.end <= token.offset) pieces.shift();
    const [piece] = pieces;
    if (pieces.some(({ begin, masked }) => masked && begin < end && piece!.end > token.offset)) continue;
    const offset = piece === undefined ? 0 : Math.min(piece.shownAt + token.offset - piece.begin, sequence.shown);
    reports.push({ ...token, offset });
  }
  return reports;
}
