/** Makes a task's `read` from the shape of its lines. */

import { findMistakes } from '@tunan/protocol/mistakes';
import type { z } from 'zod';
import { ClauseError, joinMistakes } from '../errors.ts';
import type { Example } from './task.ts';

export function lineReader<Row>(schema: z.ZodType<Row>, toExample: (row: Row) => Example): (line: unknown) => Example {
  return (line) => {
    const found = findMistakes(schema, line);
    if ('mistakes' in found) throw new ClauseError(joinMistakes(found.mistakes));
    return toExample(found.value);
  };
}
