/** Who changed what about accounts, and when: page by page, the newest first. */
import type { AuditEventBody, AuditList } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { moment } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { metricName } from '../../server/metric-names.ts';
import { addressWith, useAnswer } from '../../server/use-answer.ts';
import { ALL } from './subjects.ts';
import { say } from './words.ts';

export function Audit() {
  const [before, setBefore] = useState<string>();
  const { value, refusal, again } = useAnswer<AuditList>(addressWith('audit', { before }));
  const columns: readonly Column<AuditEventBody>[] = [
    { title: say().when, cell: ({ created_at }) => moment(created_at) },
    { title: say().by, cell: actorOf },
    { title: say().what, cell: ({ action }) => say().actions[action] },
    { title: say().subject, cell: targetOf },
    { title: say().details, cell: detailsOf },
  ];
  const last = value?.data.at(-1);
  return (
    <div class="stack">
      <p class="faint">{say().auditHint}</p>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {value !== undefined && (
        <Table
          caption={say().rooms.audit}
          columns={columns}
          rows={value.data}
          keyOf={({ id }) => String(id)}
          empty={say().noEvents}
        />
      )}
      <div class="row">
        <Button onClick={() => (before === undefined ? again() : setBefore(undefined))}>{say().newest}</Button>
        {value?.has_more === true && last !== undefined && (
          <Button onClick={() => setBefore(String(last.id))}>{say().older}</Button>
        )}
      </div>
    </div>
  );
}

const actorOf = ({ actor }: AuditEventBody): string =>
  actor.kind === 'account' ? (actor.name ?? actor.id ?? '') : say().actors[actor.kind];

function targetOf({ target }: AuditEventBody): string {
  const name = target.id === ALL ? say().everyOne : (target.name ?? target.id);
  return target.kind === 'key' && target.id !== ALL ? `${name}…` : name;
}

const detailsOf = ({ details }: AuditEventBody): string =>
  Object.entries(details)
    .map(([name, value]) => `${say().detailNames[name] ?? name}: ${textOf(name, value)}`)
    .join(' · ');

function textOf(name: string, value: AuditEventBody['details'][string]): string {
  if (value === null) return say().unlimited;
  if (name === 'metric') return metricName(String(value));
  return String(value);
}
