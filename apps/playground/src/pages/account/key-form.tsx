/** A new key: what it is for, when it expires, and what it is held to. */
import type { MadeKeyBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { CheckField, ChoiceField, TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { askAccount } from '../../server/account.ts';
import { models as known } from '../../server/models.ts';
import { useAction } from '../../server/use-answer.ts';
import { say } from './words.ts';

/** Those that a key may be held to, as behind /v1/. */
const ROUTES = ['completions', 'chat/completions', 'responses', 'embeddings', 'moderations', 'files', 'batches'];
const DAYS = ['0', '30', '90', '365', 'date'] as const;
const DAY_SECONDS = 24 * 3600;

interface KeyFormProps {
  readonly onMade: (made: MadeKeyBody) => void;
  readonly onCancel: () => void;
}

export function KeyForm({ onMade, onCancel }: KeyFormProps) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const [date, setDate] = useState('');
  const [models, setModels] = useState('');
  const [routes, setRoutes] = useState<ReadonlySet<string>>(new Set());
  const { act, busy, wrong, other } = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    const expires = endOf(days, date);
    const only = models.split(/[\s,，、]+/).filter((model) => model !== '');
    await act(async () => {
      const body = {
        name,
        ...(expires !== undefined && { expires_at: expires }),
        ...(only.length > 0 && { models: only }),
        ...(routes.size > 0 && { routes: [...routes] }),
      };
      onMade(await askAccount<MadeKeyBody>('keys', { method: 'POST', body }));
    });
  };
  const toggle = (route: string, isIn: boolean) => {
    const next = new Set(routes);
    if (isIn) next.add(route);
    else next.delete(route);
    setRoutes(next);
  };
  const refusal = other('name', 'models', 'expires_at');
  const names = known.value.map(({ id }) => id);
  return (
    <form class="card stack account-form" aria-label={say().newKey} onSubmit={submit}>
      <h2>{say().newKey}</h2>
      <TextField
        label={say().keyName}
        hint={say().keyNameHint}
        error={wrong('name')}
        required
        maxLength={100}
        value={name}
        onValue={setName}
      />
      <div class="account-pair">
        <ChoiceField
          label={say().expiry}
          error={days === 'date' ? undefined : wrong('expires_at')}
          value={days}
          onValue={setDays}
          options={DAYS.map((value) => ({ value, label: say().expiries[value] }))}
        />
        {days === 'date' && (
          <TextField
            label={say().lastDay}
            error={wrong('expires_at')}
            type="date"
            required
            value={date}
            onValue={setDate}
          />
        )}
      </div>
      <details>
        <summary>{say().scopes}</summary>
        <div class="stack">
          <TextField
            label={say().model}
            hint={names.length > 0 ? say().modelsHintOf(names) : say().modelsHint}
            error={wrong('models')}
            value={models}
            onValue={setModels}
          />
          <fieldset class="account-scopes">
            <legend>{say().routes}</legend>
            <div>
              {ROUTES.map((route) => (
                <CheckField
                  key={route}
                  label={route}
                  value={routes.has(route)}
                  onValue={(isIn) => toggle(route, isIn)}
                />
              ))}
            </div>
          </fieldset>
        </div>
      </details>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      <div class="row">
        <Button kind="main" type="submit" disabled={busy}>
          {say().make}
        </Button>
        <Button onClick={onCancel}>{say().cancel}</Button>
      </div>
    </form>
  );
}

/** Unix time, seconds; a date ends with that day, by the clock of whoever chose it. */
function endOf(days: string, date: string): number | undefined {
  if (days === 'date') return Math.floor(new Date(`${date}T23:59:59`).getTime() / 1000);
  return days === '0' ? undefined : Math.floor(Date.now() / 1000) + Number(days) * DAY_SECONDS;
}
