/** Sets a line of the table of limits. */
import type { LimitBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { CheckField, ChoiceField, NumberField, TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { askAccount } from '../../server/account.ts';
import { METRICS, metricName } from '../../server/metric-names.ts';
import { useAction } from '../../server/use-answer.ts';
import { ALL, type Subject } from './subjects.ts';
import { say } from './words.ts';

const SCOPES = ['organisation', 'account', 'key'] as const;

interface LimitFormProps {
  readonly first: LimitBody | undefined;
  readonly subjects: readonly Subject[];
  readonly onDone: () => void;
}

export function LimitForm({ first, subjects, onDone }: LimitFormProps) {
  const [scope, setScope] = useState<LimitBody['scope']>(first?.scope ?? 'organisation');
  const [subject, setSubject] = useState(first?.subject ?? ALL);
  const [model, setModel] = useState(first === undefined || first.model === ALL ? '' : first.model);
  const [metric, setMetric] = useState(first?.metric ?? 'requests_per_day');
  const [amount, setAmount] = useState<number | undefined>(first?.amount ?? undefined);
  const [isUnlimited, setUnlimited] = useState(first?.amount === null);
  const { act, busy, failure } = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    const limit = { scope, subject, metric, model: model.trim() || ALL, amount: isUnlimited ? null : amount };
    await act(async () => {
      await askAccount('limits/table', { method: 'PUT', body: limit });
      onDone();
    });
  };
  const ofScope = subjects.filter((one) => one.scope === scope);
  return (
    <form class="card stack admin-form" aria-label={say().setLimit} onSubmit={submit}>
      <h2>{say().setLimit}</h2>
      <div class="admin-fields">
        <ChoiceField
          label={say().scope}
          value={scope}
          onValue={(value) => {
            setScope(value as LimitBody['scope']);
            setSubject(ALL);
          }}
          options={SCOPES.map((value) => ({ value, label: say().scopes[value] }))}
        />
        {scope === 'key' ? (
          <TextField label={say().subject} hint={say().keyHint} required value={subject} onValue={setSubject} />
        ) : (
          <ChoiceField
            label={say().subject}
            value={subject}
            onValue={setSubject}
            options={[
              { value: ALL, label: say().everyOne },
              ...ofScope.map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        )}
        <TextField label={say().model} hint={say().modelHint} maxLength={200} value={model} onValue={setModel} />
        <ChoiceField
          label={say().metric}
          value={metric}
          onValue={setMetric}
          options={METRICS.map((value) => ({ value, label: metricName(value) }))}
        />
        {!isUnlimited && (
          <NumberField label={say().amount} min={0} step={1} value={amount} onValue={setAmount} required />
        )}
      </div>
      <CheckField label={say().unlimitedHere} value={isUnlimited} onValue={setUnlimited} />
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
      <div>
        <Button kind="main" type="submit" disabled={busy}>
          {say().set}
        </Button>
      </div>
    </form>
  );
}
