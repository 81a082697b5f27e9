/** What is left of the limits of whoever writes here: of the key, as the last answer told it, and of the person who has signed in. */

import { signal } from '@preact/signals';
import type { LimitState } from '@tunan/protocol';
import { useEffect } from 'preact/hooks';
import { number } from '../../language.ts';
import { askAccount, session } from '../../server/account.ts';
import { ServerError } from '../../server/ask.ts';
import { metricName } from '../../server/metric-names.ts';
import { allowances } from '../../server/told.ts';
import { say } from './words.ts';
import { isRunning } from './writing.ts';

const limits = signal<readonly LimitState[]>([]);

export function Quota() {
  const signedIn = session.value != null;
  const running = isRunning.value;
  useEffect(() => {
    if (signedIn && !running) void readLimits();
  }, [signedIn, running]);
  const shown = signedIn ? limits.value : [];
  if (shown.length === 0 && allowances.value.length === 0) return null;
  return (
    <section class="card write-quota" aria-label={say().quota.title}>
      <h2>{say().quota.title}</h2>
      <ul>
        {shown.map(({ scope, model, metric, used, amount }) => (
          <li key={`${scope} ${model} ${metric}`}>
            <span>
              {metricName(metric)}
              {model !== '*' && ` · ${model}`}
            </span>
            <span class="write-quota-number">{say().quota.used(number(used), number(amount))}</span>
            <meter min={0} max={amount} value={Math.min(used, amount)} aria-hidden="true" />
          </li>
        ))}
        {shown.length === 0 &&
          allowances.value.map(({ what, limit, remaining, resets }) => (
            <li key={what}>
              <span>{say().quota.left(number(remaining), number(limit), say().quota[what])}</span>
              {resets !== '' && <span class="faint">{say().quota.resets(resets)}</span>}
              <meter min={0} max={limit} value={limit - remaining} aria-hidden="true" />
            </li>
          ))}
      </ul>
    </section>
  );
}

/** What cannot be read now is left as it was: the next answer asks again. */
async function readLimits(): Promise<void> {
  try {
    limits.value = (await askAccount<{ data: LimitState[] }>('limits')).data;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
  }
}
