/** An account without an application: of an organisation that is there, or of a new one. */
import type { MadeAccountBody, OrganisationBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { Code } from '../../parts/code.tsx';
import { ChoiceField, TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { askAccount } from '../../server/account.ts';
import { useAction, useAnswer } from '../../server/use-answer.ts';
import { say } from './words.ts';

interface NewAccountProps {
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function NewAccount({ onDone, onClose }: NewAccountProps) {
  const { value: organisations } = useAnswer<{ data: readonly OrganisationBody[] }>('organisations');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [organisation, setOrganisation] = useState('');
  const [kind, setKind] = useState('academic');
  const [role, setRole] = useState('user');
  const [made, setMade] = useState<MadeAccountBody>();
  const { act, busy, wrong, other } = useAction();
  const isKnown = organisations?.data.some((one) => one.name === organisation.trim()) ?? false;
  const submit = async (event: Event) => {
    event.preventDefault();
    await act(async () => {
      const body = { name, email, organisation, role, ...(!isKnown && { kind }) };
      setMade(await askAccount<MadeAccountBody>('members', { method: 'POST', body }));
      onDone();
    });
  };
  if (made !== undefined) {
    return (
      <div class="card stack admin-form">
        <p>{say().accountMade(made.account.email)}</p>
        <Code label={say().password} text={made.password} />
        <div>
          <Button onClick={onClose}>{say().close}</Button>
        </div>
      </div>
    );
  }
  const refusal = other('name', 'email', 'organisation', 'kind');
  return (
    <form class="card stack admin-form" aria-label={say().newAccount} onSubmit={submit}>
      <h2>{say().newAccount}</h2>
      <div class="admin-fields">
        <TextField label={say().name} error={wrong('name')} required maxLength={100} value={name} onValue={setName} />
        <TextField
          label={say().email}
          error={wrong('email')}
          type="email"
          autocomplete="off"
          required
          value={email}
          onValue={setEmail}
        />
        <TextField
          label={say().organisation}
          hint={organisation.trim() === '' ? undefined : isKnown ? say().isMember : say().isNew}
          error={wrong('organisation')}
          required
          maxLength={200}
          value={organisation}
          onValue={setOrganisation}
        />
        <ChoiceField
          label={say().kind}
          error={wrong('kind')}
          value={kind}
          onValue={setKind}
          options={(['academic', 'industry'] as const).map((value) => ({ value, label: say().kinds[value] }))}
        />
        <ChoiceField
          label={say().role}
          value={role}
          onValue={setRole}
          options={(['user', 'reviewer', 'admin'] as const).map((value) => ({ value, label: say().roles[value] }))}
        />
      </div>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      <div class="row">
        <Button kind="main" type="submit" disabled={busy}>
          {say().make}
        </Button>
        <Button onClick={onClose}>{say().cancel}</Button>
      </div>
    </form>
  );
}
