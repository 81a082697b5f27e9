/** 账号: who has signed in, and what that person may still use. */
import type { LimitState } from '@tunan/protocol';
import { useEffect, useState } from 'preact/hooks';
import { moment, number } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { access } from '../../server/access.ts';
import { askAccount, findSession, session, signOut } from '../../server/account.ts';
import { metricName } from '../../server/metric-names.ts';
import { SignIn } from './sign-in.tsx';
import { say } from './words.ts';

export default function AccountPage() {
  useEffect(() => void findSession(), []);
  if (access !== 'accounts') return <Notice>{say().noAccounts}</Notice>;
  const { value: who } = session;
  if (who === undefined) return null;
  if (who === null) return <SignIn />;
  const { name, email, organisation, role } = who.account;
  return (
    <div class="stack">
      <section class="card stack">
        <p>{say().signedIn(name, email, organisation, say().roles[role])}</p>
        <div>
          <Button onClick={() => void signOut()}>{say().signOut}</Button>
        </div>
      </section>
      <Limits />
    </div>
  );
}

function Limits() {
  const [limits, setLimits] = useState<readonly LimitState[]>();
  const [refusal, setRefusal] = useState<string>();
  useEffect(() => {
    askAccount<{ data: LimitState[] }>('limits').then(
      ({ data }) => setLimits(data),
      (error: Error) => setRefusal(error.message),
    );
  }, []);
  const columns: readonly Column<LimitState>[] = [
    { title: say().limit, cell: ({ metric }) => metricName(metric) },
    { title: say().model, cell: ({ model }) => (model === '*' ? say().allModels : model) },
    { title: say().used, kind: 'number', cell: ({ used }) => number(used) },
    { title: say().amount, kind: 'number', cell: ({ amount }) => number(amount) },
    { title: say().resets, cell: ({ resets_at: end }) => (end === null ? '—' : moment(end)) },
  ];
  return (
    <section class="stack" aria-label={say().limits}>
      <h2>{say().limits}</h2>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {limits !== undefined && (
        <Table
          caption={say().limits}
          columns={columns}
          rows={limits}
          keyOf={({ scope, model, metric }) => `${scope} ${model} ${metric}`}
          empty={say().noLimits}
        />
      )}
    </section>
  );
}
