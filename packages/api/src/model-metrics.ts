/** The part of /metrics that is told of each model. */
import type { ModelStatus } from '@tunan/inference';
import { described } from './exposition.ts';

/** What the requests to a model have used. */
export interface ModelUse {
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

const NOTHING: ModelUse = { requests: 0, promptTokens: 0, completionTokens: 0 };

/** How many workers are in which state. */
export function workerCounts(workers: readonly { readonly state: 'up' | 'down' | 'draining' }[]) {
  const count = (wanted: string) => workers.filter(({ state }) => state === wanted).length;
  return { up: count('up'), down: count('down'), draining: count('draining') };
}

/** Lines of the exposition. */
export function modelMetrics(statuses: readonly ModelStatus[], uses: ReadonlyMap<string, ModelUse>): string[] {
  const each = (name: string, type: string, help: string, value: (status: ModelStatus) => number | undefined) => {
    const samples = statuses.flatMap((status) => {
      const number = value(status);
      return number === undefined ? [] : [`${name}{model="${label(status.name)}"} ${number}`];
    });
    return samples.length === 0 ? [] : described(name, type, help, samples);
  };
  const used = ({ name }: ModelStatus) => uses.get(name) ?? NOTHING;
  const onRequest = (value: (status: ModelStatus) => number) => (status: ModelStatus) =>
    status.bytes === undefined ? undefined : value(status);
  return [
    ...each('tunan_model_requests_total', 'counter', 'Answered requests to the model.', (one) => used(one).requests),
    ...each('tunan_model_prompt_tokens_total', 'counter', 'Tokens of prompts.', (one) => used(one).promptTokens),
    ...each('tunan_model_completion_tokens_total', 'counter', 'Tokens generated.', (one) => used(one).completionTokens),
    ...each('tunan_model_sequences_running', 'gauge', 'Sequences that are computed.', (one) => one.occupancy.running),
    ...each('tunan_model_sequences_waiting', 'gauge', 'Sequences that wait.', (one) => one.occupancy.waiting),
    ...each('tunan_model_loaded', 'gauge', 'Whether the model is in memory.', (one) => Number(one.state === 'loaded')),
    ...each(
      'tunan_model_waiting_requests',
      'gauge',
      'Requests that wait for it to be loaded.',
      (one) => one.waitingRequests,
    ),
    ...each(
      'tunan_model_bytes',
      'gauge',
      'Memory that is counted for it while it is loaded.',
      onRequest((one) => one.bytes ?? 0),
    ),
    ...each(
      'tunan_model_loads_total',
      'counter',
      'How often it was loaded.',
      onRequest((one) => one.loads),
    ),
    ...each(
      'tunan_model_load_seconds_total',
      'counter',
      'Time that loading took.',
      onRequest((one) => one.loadSeconds),
    ),
    ...workerMetrics(statuses),
  ];
}

function workerMetrics(statuses: readonly ModelStatus[]): string[] {
  const samples = statuses.flatMap(({ name, engine }) => {
    const counts = engine?.workers === undefined ? {} : workerCounts(engine.workers);
    return Object.entries(counts).map(
      ([state, count]) => `tunan_workers{model="${label(name)}",state="${state}"} ${count}`,
    );
  });
  return samples.length === 0 ? [] : described('tunan_workers', 'gauge', 'Servers that run the model.', samples);
}

/** As Prometheus writes the value of a label. */
const label = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
