/** The table of limits: all lines, one form that sets a line, new or changed. */
import type { AccountBody, LimitBody, OrganisationBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { number } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { askAccount } from '../../server/account.ts';
import { metricName } from '../../server/metric-names.ts';
import { useAction, useAnswer } from '../../server/use-answer.ts';
import { LimitForm } from './limit-form.tsx';
import { ALL, type Subject } from './subjects.ts';
import { say } from './words.ts';

export function Limits() {
  const { value, refusal, again } = useAnswer<{ data: readonly LimitBody[] }>('limits/table');
  const { value: organisations } = useAnswer<{ data: readonly OrganisationBody[] }>('organisations');
  const { value: accounts } = useAnswer<{ data: readonly AccountBody[] }>('members');
  const [changed, setChanged] = useState<LimitBody>();
  const { act, busy, failure } = useAction();
  const subjects: readonly Subject[] = [
    ...(organisations?.data ?? []).map(({ id, name }) => ({ scope: 'organisation' as const, id, name })),
    ...(accounts?.data ?? []).map(({ id, name, email }) => ({
      scope: 'account' as const,
      id,
      name: `${name} (${email})`,
    })),
  ];
  const nameOf = ({ subject }: LimitBody): string =>
    subject === ALL ? say().everyOne : (subjects.find(({ id }) => id === subject)?.name ?? subject);
  const remove = ({ amount: _, ...limit }: LimitBody) =>
    act(async () => {
      await askAccount('limits/table/remove', { method: 'POST', body: limit });
      again();
    });
  const columns: readonly Column<LimitBody>[] = [
    { title: say().holdsFor, cell: (limit) => `${say().scopes[limit.scope]} · ${nameOf(limit)}` },
    { title: say().model, cell: ({ model }) => (model === ALL ? say().everyModel : model) },
    { title: say().metric, cell: ({ metric }) => metricName(metric) },
    {
      title: say().amount,
      kind: 'number',
      cell: ({ amount }) => (amount === null ? say().unlimited : number(amount)),
    },
    {
      title: say().change,
      cell: (limit) => (
        <span class="row">
          <Button small onClick={() => setChanged(limit)}>
            {say().edit}
          </Button>
          <Button small kind="danger" disabled={busy} onClick={() => void remove(limit)}>
            {say().delete}
          </Button>
        </span>
      ),
    },
  ];
  return (
    <div class="stack">
      <p class="faint">{say().limitsHint}</p>
      {(refusal ?? failure) !== undefined && <Notice kind="alarm">{refusal ?? failure?.message}</Notice>}
      {value !== undefined && (
        <Table
          caption={say().rooms.limits}
          columns={columns}
          rows={value.data}
          keyOf={nameOfLine}
          empty={say().noLimits}
        />
      )}
      <LimitForm key={changed && nameOfLine(changed)} first={changed} subjects={subjects} onDone={again} />
    </div>
  );
}

const nameOfLine = ({ scope, subject, model, metric }: LimitBody): string => [scope, subject, model, metric].join(' ');
