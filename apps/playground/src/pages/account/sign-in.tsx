/** Signing in with e-mail address and password, and the code of a second factor where there is one. */
import { useState } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { signIn } from '../../server/account.ts';
import { ServerError } from '../../server/ask.ts';
import { say } from './words.ts';

export function SignIn() {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [refusal, setRefusal] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(email, password, code);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      setRefusal(error.message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="card stack account-form" onSubmit={submit}>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      <TextField label={say().email} type="email" autocomplete="email" required value={email} onValue={setEmail} />
      <TextField
        label={say().password}
        type="password"
        autocomplete="current-password"
        required
        value={password}
        onValue={setPassword}
      />
      <TextField label={say().code} hint={say().codeHint} autocomplete="one-time-code" value={code} onValue={setCode} />
      <div>
        <Button kind="main" type="submit" disabled={busy}>
          {say().signIn}
        </Button>
      </div>
    </form>
  );
}
