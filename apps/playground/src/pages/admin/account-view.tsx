/** One account: its role, its keys, suspending it or its organisation, and taking it out. */
import type { AccountBody, ApiKeyBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { moment } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { ChoiceField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { askAccount, session } from '../../server/account.ts';
import { addressWith, useAction, useAnswer } from '../../server/use-answer.ts';
import { Facts } from './facts.tsx';
import { say } from './words.ts';

const ROLES = ['user', 'reviewer', 'admin'] as const;

interface AccountViewProps {
  readonly of: AccountBody;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function AccountView({ of, onDone, onClose }: AccountViewProps) {
  const [isSure, setSure] = useState(false);
  const { act, busy, failure } = useAction();
  const isOwn = session.value?.account.id === of.id;
  const setRole = (role: string) =>
    act(async () => {
      await askAccount(`members/${of.id}/role`, { method: 'POST', body: { role } });
      onDone();
    });
  const remove = async () => {
    if (!isSure) return setSure(true);
    if (!(await act(() => askAccount(`members/${of.id}`, { method: 'DELETE' })))) return;
    onDone();
    onClose();
  };
  const facts = [
    [say().email, of.email],
    [say().organisation, of.owner ? `${of.organisation} · ${say().owner}` : of.organisation],
    ...(of.phone === null ? [] : [[say().phone, of.phone] as const]),
    [say().since, moment(of.created_at)],
    [say().secondFactor, of.second_factor ? say().yes : say().no],
    ...(of.suspended_at === null ? [] : [[say().suspendedSince, moment(of.suspended_at)] as const]),
    ...(of.organisation_suspended_at === null
      ? []
      : [[say().organisationSuspendedSince, moment(of.organisation_suspended_at)] as const]),
    [say().id, of.id],
  ] as const;
  return (
    <Dialog title={of.name} onClose={onClose}>
      <Facts of={facts} />
      <Keys account={of.id} />
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
      {isOwn ? (
        <p class="faint">{say().ownAccount}</p>
      ) : (
        <div class="admin-choices">
          <ChoiceField
            label={say().role}
            value={of.role}
            onValue={(role) => void setRole(role)}
            options={ROLES.map((value) => ({ value, label: say().roles[value] }))}
          />
          <Button kind="danger" disabled={busy} onClick={() => void remove()}>
            {isSure ? say().removeSurely : say().remove}
          </Button>
        </div>
      )}
      {isSure && <p>{say().removal}</p>}
      {!isOwn && <Suspension of={of} onDone={onDone} />}
    </Dialog>
  );
}

function Suspension({ of, onDone }: Pick<AccountViewProps, 'of' | 'onDone'>) {
  const { act, busy, failure } = useAction();
  const change = (place: string, verb: 'suspend' | 'reinstate') =>
    act(async () => {
      await askAccount(`${place}/${verb}`, { method: 'POST' });
      onDone();
    });
  const isOwnOrganisation = session.value?.account.organisation_id === of.organisation_id;
  const choices = [
    { place: `members/${of.id}`, since: of.suspended_at, words: say().account },
    ...(isOwnOrganisation
      ? []
      : [
          {
            ...{ place: `organisations/${of.organisation_id}`, since: of.organisation_suspended_at },
            words: say().wholeOrganisation(of.organisation),
          },
        ]),
  ];
  return (
    <section class="stack" aria-label={say().suspension}>
      <h3>{say().suspension}</h3>
      <p class="faint">{say().suspensionHint}</p>
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
      <div class="admin-choices">
        {choices.map(({ place, since, words }) => (
          <Button
            key={place}
            kind={since === null ? 'danger' : 'plain'}
            disabled={busy}
            onClick={() => void change(place, since === null ? 'suspend' : 'reinstate')}
          >
            {since === null ? say().suspend(words) : say().reinstate(words)}
          </Button>
        ))}
      </div>
    </section>
  );
}

function Keys({ account }: { readonly account: string }) {
  const { value, refusal, again } = useAnswer<{ data: readonly ApiKeyBody[] }>(addressWith('keys', { account }));
  const { act, busy, failure } = useAction();
  const revoke = (id: string) =>
    act(async () => {
      await askAccount(`keys/${id}`, { method: 'DELETE' });
      again();
    });
  const now = Date.now() / 1000;
  const live = value?.data.filter((key) => key.revoked_at === null && (key.expires_at ?? now + 1) > now) ?? [];
  return (
    <section class="stack" aria-label={say().keys}>
      <h3>{say().keysOf(live.length)}</h3>
      {(refusal ?? failure) !== undefined && <Notice kind="alarm">{refusal ?? failure?.message}</Notice>}
      <ul class="admin-keys">
        {live.map((key) => (
          <li key={key.id}>
            <span>
              {key.name} <code>{key.prefix}…</code>
            </span>
            <Button small kind="danger" disabled={busy} onClick={() => void revoke(key.id)}>
              {say().revoke}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
