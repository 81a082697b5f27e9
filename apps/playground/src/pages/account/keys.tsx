/** The keys of whoever has signed in: made, shown once, rotated, revoked. */
import type { ApiKeyBody, MadeKeyBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { moment } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Notice } from '../../parts/notice.tsx';
import { StateMark } from '../../parts/state-mark.tsx';
import { askAccount } from '../../server/account.ts';
import { useAnswer } from '../../server/use-answer.ts';
import { KeyForm } from './key-form.tsx';
import { MadeKey } from './made-key.tsx';
import { say } from './words.ts';

const OVERLAP_SECONDS = 24 * 3600;
type State = 'live' | 'expired' | 'revoked';
interface Asked {
  readonly what: 'rotate' | 'revoke';
  readonly key: ApiKeyBody;
}

export function Keys() {
  const { value, refusal, again } = useAnswer<{ data: readonly ApiKeyBody[] }>('keys');
  const [made, setMade] = useState<MadeKeyBody>();
  const [asked, setAsked] = useState<Asked>();
  const [isMaking, setMaking] = useState(false);
  const onMade = (key: MadeKeyBody) => {
    setMade(key);
    setMaking(false);
    again();
  };
  const now = Date.now() / 1000;
  const keys = (value?.data ?? []).map((key) => ({ key, state: stateOf(key, now) }));
  const live = keys.filter(({ state }) => state === 'live').reverse();
  const ended = keys.filter(({ state }) => state !== 'live').reverse();
  return (
    <div class="stack account-keys">
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {isMaking ? (
        <KeyForm onMade={onMade} onCancel={() => setMaking(false)} />
      ) : (
        <div>
          <Button kind="main" icon="key" onClick={() => setMaking(true)}>
            {say().newKey}
          </Button>
        </div>
      )}
      {value !== undefined && live.length === 0 && <p class="table-empty">{say().noKeys}</p>}
      <ul aria-label={say().liveKeys}>
        {live.map(({ key, state }) => (
          <KeyLine key={key.id} of={key} state={state} onAsk={setAsked} />
        ))}
      </ul>
      {ended.length > 0 && (
        <details>
          <summary>{say().endedKeys(ended.length)}</summary>
          <ul>
            {ended.map(({ key, state }) => (
              <KeyLine key={key.id} of={key} state={state} onAsk={setAsked} />
            ))}
          </ul>
        </details>
      )}
      {made !== undefined && <MadeKey made={made} onClose={() => setMade(undefined)} />}
      {asked !== undefined && <Ask asked={asked} onMade={onMade} onDone={again} onClose={() => setAsked(undefined)} />}
    </div>
  );
}

function stateOf({ revoked_at: revoked, expires_at: end }: ApiKeyBody, now: number): State {
  if (revoked !== null) return 'revoked';
  return end !== null && end <= now ? 'expired' : 'live';
}

interface KeyLineProps {
  readonly of: ApiKeyBody;
  readonly state: State;
  readonly onAsk: (asked: Asked) => void;
}

function KeyLine({ of: key, state, onAsk }: KeyLineProps) {
  const facts = [
    say().madeAt(moment(key.created_at)),
    key.expires_at === null ? say().neverExpires : say().expiresAt(moment(key.expires_at)),
    key.models === null ? say().everyModel : say().onlyModels(key.models),
    key.routes === null ? say().everyRoute : say().onlyRoutes(key.routes),
  ];
  return (
    <li class={`card account-key ${state === 'live' ? '' : 'ended'}`}>
      <div>
        <p class="account-key-name">
          <strong>{key.name}</strong>
          <code>{key.prefix}…</code>
          {state !== 'live' && <StateMark kind="ended">{say().states[state]}</StateMark>}
        </p>
        <p class="faint small-text">{facts.join(' · ')}</p>
      </div>
      {state === 'live' && (
        <div class="row">
          <Button small onClick={() => onAsk({ what: 'rotate', key })} aria-label={say().ofKey(say().rotate, key.name)}>
            {say().rotate}
          </Button>
          <Button
            small
            kind="danger"
            onClick={() => onAsk({ what: 'revoke', key })}
            aria-label={say().ofKey(say().revoke, key.name)}
          >
            {say().revoke}
          </Button>
        </div>
      )}
    </li>
  );
}

interface AskProps {
  readonly asked: Asked;
  readonly onMade: (made: MadeKeyBody) => void;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function Ask({ asked: { what, key }, onMade, onDone, onClose }: AskProps) {
  const rotate = async () => {
    const body = { overlap_seconds: OVERLAP_SECONDS };
    onMade(await askAccount<MadeKeyBody>(`keys/${key.id}/rotate`, { method: 'POST', body }));
  };
  const revoke = async () => {
    await askAccount(`keys/${key.id}`, { method: 'DELETE' });
    onDone();
  };
  const isRotation = what === 'rotate';
  return (
    <Confirm
      title={say().ofKey(say()[what], key.name)}
      verb={say()[what]}
      danger={!isRotation}
      onYes={isRotation ? rotate : revoke}
      onClose={onClose}
    >
      <p>{isRotation ? say().rotation : say().revocation}</p>
    </Confirm>
  );
}
