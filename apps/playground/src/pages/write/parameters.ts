/** What may be chosen for an answer: ranges, what the server takes when it is left out, and how it goes into a request. */

export interface Parameter {
  readonly name: ParameterName;
  readonly min: number;
  readonly max?: number;
  readonly step: number | 'any';
  /** What the server does without it; such a value is left out of requests. None: it differs from route to route, and is always sent. */
  readonly absent?: number;
  /** In front, or among those that are rarely needed. */
  readonly place: 'front' | 'more';
}

export type ParameterName = keyof Numbers;

/** Under the names of the open API. */
interface Numbers {
  temperature: number;
  max_tokens: number;
  top_p: number;
  top_k: number;
  min_p: number;
  typical_p: number;
  repetition_penalty: number;
  presence_penalty: number;
  frequency_penalty: number;
  frequencyPenalty: number;
  responsePenalty: number;
  noRepeatNgramSize: number;
  min_tokens: number;
}

export interface Settings extends Partial<Numbers> {
  /** Absent: another for each answer, which is told. */
  readonly seed?: number | undefined;
  readonly stop: readonly string[];
  /** How many likeliest tokens are told in each place; 0: no tokens at all. */
  readonly alternatives: number;
}

export const PARAMETERS: readonly Parameter[] = [
  { name: 'temperature', min: 0, max: 2, step: 'any', absent: 1, place: 'front' },
  { name: 'max_tokens', min: 1, step: 1, place: 'front' },
  { name: 'top_p', min: 0, max: 1, step: 'any', absent: 1, place: 'front' },
  { name: 'repetition_penalty', min: 0.01, max: 100, step: 'any', absent: 1, place: 'front' },
  { name: 'top_k', min: 0, step: 1, absent: 0, place: 'more' },
  { name: 'min_p', min: 0, max: 1, step: 'any', absent: 0, place: 'more' },
  { name: 'typical_p', min: 0, max: 1, step: 'any', absent: 1, place: 'more' },
  { name: 'noRepeatNgramSize', min: 0, step: 1, absent: 0, place: 'more' },
  { name: 'presence_penalty', min: -2, max: 2, step: 'any', absent: 0, place: 'more' },
  { name: 'frequency_penalty', min: -2, max: 2, step: 'any', absent: 0, place: 'more' },
  { name: 'frequencyPenalty', min: 1, max: 100, step: 'any', absent: 1, place: 'more' },
  { name: 'responsePenalty', min: 1, max: 100, step: 'any', absent: 1, place: 'more' },
  { name: 'min_tokens', min: 0, step: 1, absent: 0, place: 'more' },
];

export const MOST_ALTERNATIVES = 20;

export const FIRST_SETTINGS: Settings = { temperature: 0.9, max_tokens: 200, top_p: 0.9, stop: [], alternatives: 5 };

/** The fields of a request that are not what the server does anyway. */
export function fieldsOf(settings: Settings): Record<string, number | string[]> {
  const fields: Record<string, number | string[]> = {};
  for (const { name, absent } of PARAMETERS) {
    const value = settings[name];
    if (value !== undefined && value !== absent) fields[name] = value;
  }
  if (settings.stop.length > 0) fields.stop = [...settings.stop];
  return fields;
}
