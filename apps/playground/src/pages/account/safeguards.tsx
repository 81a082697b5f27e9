/** What guards the account: its password, and a second factor. */
import type { AccountBody, SecondFactorBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { Code } from '../../parts/code.tsx';
import { TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { askAccount, session } from '../../server/account.ts';
import { useAction } from '../../server/use-answer.ts';
import { say } from './words.ts';

export function Safeguards({ account }: { readonly account: AccountBody }) {
  return (
    <div class="stack">
      <Password />
      <SecondFactor isOn={account.second_factor} />
    </div>
  );
}

function Password() {
  const [password, setPassword] = useState('');
  const [next, setNext] = useState('');
  const { act, busy, wrong, other } = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    await act(async () => {
      await askAccount('password', { method: 'POST', body: { password, new_password: next } });
      // All sessions have ended, this one too.
      session.value = null;
    });
  };
  const refusal = other('new_password', 'password');
  return (
    <form class="card stack account-form" aria-label={say().changePassword} onSubmit={submit}>
      <h2>{say().changePassword}</h2>
      <div class="account-pair">
        <TextField
          label={say().presentPassword}
          type="password"
          autocomplete="current-password"
          required
          value={password}
          onValue={setPassword}
        />
        <TextField
          label={say().newPassword}
          hint={say().passwordHint}
          error={wrong('new_password') ?? wrong('password')}
          type="password"
          autocomplete="new-password"
          required
          minLength={12}
          value={next}
          onValue={setNext}
        />
      </div>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      <p class="faint small-text">{say().endsSessions}</p>
      <div>
        <Button type="submit" disabled={busy}>
          {say().changePassword}
        </Button>
      </div>
    </form>
  );
}

function SecondFactor({ isOn }: { readonly isOn: boolean }) {
  const [begun, setBegun] = useState<SecondFactorBody>();
  const [code, setCode] = useState('');
  const { act, busy, failure } = useAction();
  const begin = () =>
    act(async () => setBegun(await askAccount<SecondFactorBody>('second-factor', { method: 'POST' })));
  const submit = async (event: Event) => {
    event.preventDefault();
    await act(async () => {
      await askAccount(`second-factor/${isOn ? 'remove' : 'confirm'}`, { method: 'POST', body: { code } });
      setBegun(undefined);
      setCode('');
      const who = session.peek();
      if (who) session.value = { ...who, account: { ...who.account, second_factor: !isOn } };
    });
  };
  return (
    <form class="card stack account-form" aria-label={say().secondFactor} onSubmit={submit}>
      <h2>{say().secondFactor}</h2>
      <p class="faint">{isOn ? say().factorOn : say().factorOff}</p>
      {begun !== undefined && (
        <>
          <p>{say().factorSecret}</p>
          <Code label={say().secondFactor} text={begun.secret} />
          <p>
            <a href={begun.address}>{say().factorLink}</a>
          </p>
        </>
      )}
      {(isOn || begun !== undefined) && (
        <TextField label={say().code} autocomplete="one-time-code" required value={code} onValue={setCode} />
      )}
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
      <div>
        {isOn || begun !== undefined ? (
          <Button type="submit" disabled={busy}>
            {isOn ? say().factorEnd : say().factorConfirm}
          </Button>
        ) : (
          <Button disabled={busy} onClick={() => void begin()}>
            {say().factorBegin}
          </Button>
        )}
      </div>
    </form>
  );
}
