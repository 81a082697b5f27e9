/** The limits that hold for an organisation and an account, with what each has used. */
import type { Database } from '../storage/database.ts';
import { type Bound, KnownLimits, type Subjects } from './limits.ts';
import { NEVER } from './metrics.ts';

export interface LimitState extends Bound {
  readonly used: number;
  /** When the window ends, ms; undefined where it has none, or has not begun. */
  readonly resetsAt: number | undefined;
}

interface Row {
  readonly scope: string;
  readonly model: string;
  readonly metric: string;
  readonly used: number;
  readonly ends_at: number;
}

/** @param now ms: what a window held that has ended is not shown */
export async function limitStates(database: Database, subjects: Subjects, now: number): Promise<LimitState[]> {
  const known = new KnownLimits();
  await known.refresh(database);
  const bounds = known.models.flatMap((model) => known.boundsOf(subjects, model));
  // Those over all models come with each model.
  const own = [...new Map(bounds.map((bound) => [keyOf(bound), bound])).values()];
  const rows = await database.rows<Row>(
    'SELECT scope, model, metric, used, ends_at FROM counters WHERE subject IN (?, ?, ?)',
    ...[subjects.organisationId, subjects.accountId, subjects.keyId],
  );
  const counters = new Map(rows.map((row) => [keyOf(row), row]));
  return own.map((bound) => {
    const row = counters.get(keyOf(bound));
    if (row === undefined || row.ends_at <= now) return { ...bound, used: 0, resetsAt: undefined };
    const resetsAt = row.ends_at === NEVER ? undefined : row.ends_at;
    return { ...bound, used: row.used, resetsAt };
  });
}

const keyOf = ({ scope, model, metric }: Pick<Row, 'scope' | 'model' | 'metric'>): string =>
  `${scope} ${metric} ${model}`;
