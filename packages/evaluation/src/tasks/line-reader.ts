/** Makes a task's `read` from the shape of its lines. */

import type { z } from 'zod';
import type { Example } from './task.ts';

export function lineReader<Row>(schema: z.ZodType<Row>, toExample: (row: Row) => Example): (line: unknown) => Example {
  return (line) => {
    const result = schema.safeParse(line);
    if (result.success) return toExample(result.data);
    const reasons = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`);
    throw new Error(reasons.join('; '), { cause: result.error });
  };
}
