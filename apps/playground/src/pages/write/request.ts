/** The requests that a draft means, in the words of the open API: what is sent, what is kept, and what the code samples show. */
import type { ChatInput, CompletionInput } from '@tunan/protocol/client';
import { models } from '../../server/models.ts';
import type { Column, Draft } from './draft.ts';
import { fieldsOf } from './parameters.ts';

export type AskedFor =
  | { readonly route: 'completions'; readonly body: CompletionInput & { readonly prompt: string } }
  | { readonly route: 'chat/completions'; readonly body: ChatInput };

/** @param seed so that the same answer can be had again */
export function requestOf(draft: Draft, { model: chosen, settings }: Column, seed: number | undefined): AskedFor {
  const served = models.value;
  const model = chosen === '' ? served[0]?.id : chosen;
  const named = model === undefined ? {} : { model };
  const sampled = { ...fieldsOf(settings), ...(seed !== undefined && { seed }) };
  const { alternatives } = settings;
  if (draft.kind === 'chat') {
    const system = draft.system.trim() === '' ? [] : [{ role: 'system' as const, content: draft.system }];
    const said = draft.message.trim() === '' ? [] : [{ role: 'user' as const, content: draft.message }];
    const told = alternatives > 0 ? { logprobs: true, top_logprobs: alternatives } : {};
    return {
      route: 'chat/completions',
      body: { ...named, messages: [...system, ...draft.turns, ...said], ...sampled, ...told },
    };
  }
  return {
    route: 'completions',
    body: {
      ...named,
      prompt: draft.prompt,
      ...(draft.beginsDocument && { begin_document: true }),
      ...sampled,
      ...(alternatives > 0 && { logprobs: alternatives }),
    },
  };
}

const SEEDS = 2 ** 31;

export const newSeed = (): number => Math.floor(Math.random() * SEEDS);
