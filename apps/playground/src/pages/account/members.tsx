/** Who is in the organisation; its owner adds members and takes them out. */
import type { AccountBody, MadeAccountBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { moment } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Code } from '../../parts/code.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { askAccount } from '../../server/account.ts';
import { addressWith, useAction, useAnswer } from '../../server/use-answer.ts';
import { say } from './words.ts';

export function Members({ account }: { readonly account: AccountBody }) {
  const { value, refusal, again } = useAnswer<{ data: readonly AccountBody[] }>(
    addressWith('members', { organisation: account.organisation_id }),
  );
  const [made, setMade] = useState<MadeAccountBody>();
  const [leaving, setLeaving] = useState<AccountBody>();
  const mayChange = account.owner || account.role === 'admin';
  const columns: readonly Column<AccountBody>[] = [
    { title: say().application.name, cell: ({ name, owner }) => (owner ? `${name} · ${say().owner}` : name) },
    { title: say().email, cell: ({ email }) => email },
    { title: say().role, cell: ({ role }) => say().roles[role] },
    { title: say().since, cell: ({ created_at: at }) => moment(at) },
    ...(mayChange
      ? [
          {
            title: say().change,
            cell: (member: AccountBody) =>
              member.id !== account.id && (
                <Button
                  small
                  kind="danger"
                  aria-label={say().ofKey(say().remove, member.name)}
                  onClick={() => setLeaving(member)}
                >
                  {say().remove}
                </Button>
              ),
          },
        ]
      : []),
  ];
  return (
    <div class="stack">
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {value !== undefined && (
        <Table
          caption={say().rooms.members}
          columns={columns}
          rows={value.data}
          keyOf={({ id }) => id}
          empty={say().noMembers}
        />
      )}
      {mayChange ? <NewMember onMade={setMade} onDone={again} /> : <p class="faint">{say().ownersAlone}</p>}
      {made !== undefined && (
        <Dialog title={made.account.name} onClose={() => setMade(undefined)}>
          <p>{say().memberMade(made.account.email)}</p>
          <Code label={say().password} text={made.password} />
        </Dialog>
      )}
      {leaving !== undefined && (
        <Confirm
          title={say().ofKey(say().remove, leaving.name)}
          verb={say().remove}
          onYes={async () => {
            await askAccount(`members/${leaving.id}`, { method: 'DELETE' });
            again();
          }}
          onClose={() => setLeaving(undefined)}
        >
          <p>{say().removal}</p>
        </Confirm>
      )}
    </div>
  );
}

interface NewMemberProps {
  readonly onMade: (made: MadeAccountBody) => void;
  readonly onDone: () => void;
}

function NewMember({ onMade, onDone }: NewMemberProps) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const { act, busy, wrong, other } = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    await act(async () => {
      onMade(await askAccount<MadeAccountBody>('members', { method: 'POST', body: { name, email } }));
      setName('');
      setEmail('');
      onDone();
    });
  };
  const refusal = other('name', 'email');
  return (
    <form class="card stack account-form" aria-label={say().newMember} onSubmit={submit}>
      <h2>{say().newMember}</h2>
      <div class="account-pair">
        <TextField
          label={say().application.name}
          error={wrong('name')}
          required
          maxLength={100}
          value={name}
          onValue={setName}
        />
        <TextField
          label={say().email}
          error={wrong('email')}
          type="email"
          autocomplete="off"
          required
          value={email}
          onValue={setEmail}
        />
      </div>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      <div>
        <Button type="submit" disabled={busy}>
          {say().add}
        </Button>
      </div>
    </form>
  );
}
