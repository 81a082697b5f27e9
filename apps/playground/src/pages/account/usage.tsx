/** What an organisation has used, or all of them: by day as bars, by key, model, member or organisation as a table, and as CSV. */
import type { AccountBody, UsageList } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { number } from '../../language.ts';
import { ChoiceField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { addressWith, useAnswer } from '../../server/use-answer.ts';
import { DayBars } from './day-bars.tsx';
import { daysUntilToday, sumBy, type UsageRow, type UsageSum } from './usage-sums.ts';
import { say } from './words.ts';

const SPANS = ['7', '30', '90'] as const;
const OWN_GROUPS = ['model', 'key', 'member'] as const;
const ALL_GROUPS = ['organisation', ...OWN_GROUPS] as const;
type Group = (typeof ALL_GROUPS)[number];
const NOBODY: readonly AccountBody[] = [];

/** Of the own organisation. */
export function Usage({ account }: { readonly account: AccountBody }) {
  return <UsageOf organisation={account.organisation_id} />;
}

/** @param organisation its id; undefined for all, which admins alone are told of */
export function UsageOf({ organisation }: { readonly organisation: string | undefined }) {
  const [span, setSpan] = useState<string>('30');
  const [group, setGroup] = useState<Group>('model');
  const days = daysUntilToday(Number(span), Date.now());
  const query = addressWith('usage', { from: days[0], to: days.at(-1), organisation });
  const { value, refusal } = useAnswer<UsageList>(query);
  const { value: members } = useAnswer<{ data: readonly AccountBody[] }>(addressWith('members', { organisation }));
  const groups = organisation === undefined ? ALL_GROUPS : OWN_GROUPS;
  const rows = value?.data ?? [];
  return (
    <div class="stack">
      <div class="account-choices">
        <ChoiceField
          label={say().span}
          value={span}
          onValue={setSpan}
          options={SPANS.map((value) => ({ value, label: say().lastDays(value) }))}
        />
        <a
          href={`accounts/${addressWith('usage', { from: days[0], to: days.at(-1), organisation, format: 'csv' })}`}
          download="usage.csv"
        >
          {say().csv}
        </a>
      </div>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      <dl class="account-total">
        <Total name={say().requests} count={value?.total.requests} />
        <Total name={say().promptTokens} count={value?.total.prompt_tokens} />
        <Total name={say().completionTokens} count={value?.total.completion_tokens} />
      </dl>
      <DayBars days={days} sums={new Map(sumBy(rows, ({ day }) => day).map((sum) => [sum.name, sum]))} />
      <div class="account-choices">
        <ChoiceField
          label={say().groupBy}
          value={group}
          onValue={(value) => setGroup(value as Group)}
          options={groups.map((value) => ({ value, label: say().groupNames[value] }))}
        />
      </div>
      <Sums rows={rows} group={group} members={members?.data ?? NOBODY} />
    </div>
  );
}

function Total({ name, count }: { readonly name: string; readonly count: number | undefined }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{count === undefined ? '—' : number(count)}</dd>
    </div>
  );
}

interface SumsProps {
  readonly rows: readonly UsageRow[];
  readonly group: Group;
  readonly members: readonly AccountBody[];
}

function Sums({ rows, group, members }: SumsProps) {
  const nameOf = (row: UsageRow): string => {
    if (group === 'model') return row.model;
    if (group === 'organisation') return row.organisation;
    if (group === 'key') return `${row.key_name} (${row.key}…)`;
    return members.find(({ id }) => id === row.account_id)?.name ?? row.account_id;
  };
  const columns: readonly Column<UsageSum>[] = [
    { title: say().groupNames[group], cell: ({ name }) => name },
    { title: say().requests, kind: 'number', cell: ({ requests }) => number(requests) },
    { title: say().promptTokens, kind: 'number', cell: ({ promptTokens }) => number(promptTokens) },
    { title: say().completionTokens, kind: 'number', cell: ({ completionTokens }) => number(completionTokens) },
  ];
  const sums = sumBy(rows, nameOf).sort((a, b) => tokensOf(b) - tokensOf(a));
  return (
    <Table
      caption={say().groupNames[group]}
      columns={columns}
      rows={sums}
      keyOf={({ name }) => name}
      empty={say().noUsage}
    />
  );
}

const tokensOf = ({ promptTokens, completionTokens }: UsageSum): number => promptTokens + completionTokens;
