/** What is left: every limit that holds for the account and its organisation, as a bar. */
import type { LimitState } from '@tunan/protocol';
import { moment, number } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { metricName } from '../../server/metric-names.ts';
import { useAnswer } from '../../server/use-answer.ts';
import { say } from './words.ts';

export function Limits() {
  const { value, refusal, again } = useAnswer<{ data: readonly LimitState[] }>('limits');
  return (
    <section class="stack" aria-label={say().rooms.limits}>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {value?.data.length === 0 && <p class="table-empty">{say().noLimits}</p>}
      <ul class="account-meters">
        {value?.data.map((limit) => (
          <Meter key={`${limit.scope} ${limit.model} ${limit.metric}`} of={limit} />
        ))}
      </ul>
      <div class="row">
        <Button small onClick={again}>
          {say().again}
        </Button>
        <span class="faint small-text">{say().limitsHint}</span>
      </div>
    </section>
  );
}

function Meter({ of: { scope, model, metric, amount, used, resets_at: end } }: { readonly of: LimitState }) {
  const title = metricName(metric);
  // Of one request: nothing is used up.
  const counts = metric !== 'tokens_per_request';
  const isFull = used >= amount;
  return (
    <li class="card">
      <p>
        <strong>{title}</strong>
      </p>
      <p class="faint small-text">
        {say().scopesOf[scope]} · {model === '*' ? say().everyModel : model}
      </p>
      {counts && (
        <progress
          class={isFull ? 'full' : ''}
          aria-label={title}
          max={Math.max(1, amount)}
          value={Math.min(used, amount)}
        />
      )}
      <p>{counts ? say().left(number(Math.max(0, amount - used)), number(amount)) : number(amount)}</p>
      {counts && end !== null && <p class="faint small-text">{say().resetsAt(moment(end))}</p>}
    </li>
  );
}
