/** Applying for an account: the form that a reviewer reads. What was typed stays through a reload, but for the password. */
import type { ApplicationInput } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { isRecord, isText, kept } from '../../kept.ts';
import { Button } from '../../parts/button.tsx';
import { ChoiceField, Field, TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { ask } from '../../server/ask.ts';
import { useAction } from '../../server/use-answer.ts';
import { say } from './words.ts';

type Form = Omit<ApplicationInput, 'password' | 'phone'> & { readonly phone: string };

const EMPTY: Form = { organisation: '', kind: 'academic', purpose: '', name: '', email: '', phone: '' };
const FIELDS = [...Object.keys(EMPTY), 'password'];
const LONGEST_PURPOSE = 2_000;

const form = kept<Form>(
  'application',
  EMPTY,
  (value): value is Form =>
    isRecord(value) &&
    Object.keys(EMPTY).every((name) => isText(value[name])) &&
    (value.kind === 'academic' || value.kind === 'industry'),
);

export function Apply({ onSignIn }: { readonly onSignIn: () => void }) {
  const [password, setPassword] = useState('');
  const [sent, setSent] = useState<string>();
  const { act, busy, wrong, other } = useAction();
  const { phone, ...given } = form.value;
  const submit = async (event: Event) => {
    event.preventDefault();
    await act(async () => {
      const body: ApplicationInput = { ...given, ...(phone !== '' && { phone }), password };
      const { id } = await ask<{ id: string }>('accounts/applications', { method: 'POST', body });
      setSent(id);
      form.value = EMPTY;
    });
  };
  if (sent !== undefined) {
    return (
      <Notice kind="good">
        <p>{say().applied(sent)}</p>
        <Button small onClick={onSignIn}>
          {say().signIn}
        </Button>
      </Notice>
    );
  }
  const field = (name: keyof Form) => ({
    label: say().application[name],
    error: wrong(name),
    value: form.value[name],
    onValue: (value: string) => {
      form.value = { ...form.value, [name]: value };
    },
  });
  const refusal = other(...FIELDS);
  const kinds = say().kinds;
  return (
    <form class="card stack account-form" onSubmit={submit}>
      <p class="faint">{say().applyHint}</p>
      <div class="account-pair">
        <TextField {...field('organisation')} required maxLength={200} />
        <ChoiceField
          {...field('kind')}
          options={[
            { value: 'academic', label: kinds.academic },
            { value: 'industry', label: kinds.industry },
          ]}
        />
      </div>
      <Field label={say().application.purpose} error={wrong('purpose')} hint={say().purposeHint}>
        {(ids) => (
          <textarea
            class="input"
            rows={4}
            required
            maxLength={LONGEST_PURPOSE}
            {...ids}
            value={form.value.purpose}
            onInput={({ currentTarget: { value } }) => field('purpose').onValue(value)}
          />
        )}
      </Field>
      <div class="account-pair">
        <TextField {...field('name')} autocomplete="name" required maxLength={100} />
        <TextField {...field('phone')} type="tel" autocomplete="tel" hint={say().phoneHint} />
      </div>
      <div class="account-pair">
        <TextField {...field('email')} type="email" autocomplete="email" required />
        <TextField
          label={say().password}
          hint={say().passwordHint}
          error={wrong('password')}
          type="password"
          autocomplete="new-password"
          required
          minLength={12}
          value={password}
          onValue={setPassword}
        />
      </div>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      <div>
        <Button kind="main" type="submit" disabled={busy}>
          {say().send}
        </Button>
      </div>
    </form>
  );
}
