/**
 * The fields of a request, as the schemas of all routes write them: null is the same as absent, each says what it means in both
 * languages, and what a refusal says beyond the rule itself stands with the field (validation.ts reads it).
 */
import type { Said } from '@tunan/files';
import { z } from 'zod';
import { inBoth } from './mistakes/said.ts';

/** What a schema says to a value that it refuses. */
export interface Advice {
  /** What is expected, where the value is of none of the forms. */
  readonly expected?: Said;
  /** Of several forms the one that a value is meant for, by its place. */
  readonly meant?: (value: unknown) => number;
  /** What to do where there is more than is taken; goes on behind the limit. */
  readonly wayOut?: Said;
}

const advice = z.registry<Advice>();

/** The same schema, which now says more when it refuses. */
export function advising<S extends z.ZodType>(schema: S, said: Advice): S {
  advice.add(schema, said);
  return schema;
}

export function adviceOf(schema: z.core.$ZodType | undefined): Advice | undefined {
  return schema === undefined ? undefined : advice.get(schema);
}

/** A field whose null or absence means `fallback`. */
export function withDefault<S extends z.ZodType>(schema: S, fallback: z.output<S>, en: string, zh: string) {
  return schema
    .nullish()
    .transform((value): z.output<S> => value ?? fallback)
    .describe(inBoth(en, zh));
}

/** A field whose null or absence means "not asked for". */
export function optional<S extends z.ZodType>(schema: S, en: string, zh: string) {
  return schema
    .nullish()
    .transform((value): z.output<S> | undefined => value ?? undefined)
    .describe(inBoth(en, zh));
}
