/** 账号: applying and signing in; then keys, what was used and what is left, members of the organisation, and what guards the account. */
import { useEffect } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { addressOf } from '../../router.ts';
import { access } from '../../server/access.ts';
import { findSession, type Session, session, signOut } from '../../server/account.ts';
import { useAction } from '../../server/use-answer.ts';
import type { PageProps } from '../page-props.ts';
import { Apply } from './apply.tsx';
import { Keys } from './keys.tsx';
import { Limits } from './limits.tsx';
import { Members } from './members.tsx';
import { Safeguards } from './safeguards.tsx';
import { SignIn } from './sign-in.tsx';
import { Usage } from './usage.tsx';
import { say } from './words.ts';
import './page.css';

const ROOMS = { keys: Keys, usage: Usage, limits: Limits, members: Members, safeguards: Safeguards };
type Room = keyof typeof ROOMS;
const isRoom = (name: string | undefined): name is Room => name !== undefined && Object.hasOwn(ROOMS, name);

const go = (room: string): void => {
  location.hash = addressOf('account', room);
};

export default function AccountPage({ rest: [room] }: PageProps) {
  useEffect(() => void findSession(), []);
  if (access !== 'accounts') return <Notice>{say().noAccounts}</Notice>;
  const { value: who } = session;
  if (who === undefined) return null;
  return who === null ? <Door room={room} /> : <Rooms who={who} room={isRoom(room) ? room : 'keys'} />;
}

function Door({ room }: { readonly room: string | undefined }) {
  const current = room === 'apply' ? 'apply' : 'sign-in';
  const tabs = [
    { name: 'sign-in', title: say().signIn },
    { name: 'apply', title: say().apply },
  ];
  return (
    <Tabs label={say().door} tabs={tabs} current={current} onChoose={go}>
      {current === 'apply' ? <Apply onSignIn={() => go('sign-in')} /> : <SignIn />}
    </Tabs>
  );
}

function Rooms({ who: { account }, room }: { readonly who: Session; readonly room: Room }) {
  const { act, busy, failure } = useAction();
  const Shown = ROOMS[room];
  const titles = say().rooms;
  const tabs = (Object.keys(ROOMS) as Room[]).map((name) => ({ name, title: titles[name] }));
  return (
    <div class="stack">
      <section class="account-who" aria-label={say().who}>
        <p>
          <strong>{account.name}</strong>
          <span class="faint">{account.email}</span>
          <span class="faint">
            {account.organisation} · {say().roles[account.role]}
            {account.owner && ` · ${say().owner}`}
          </span>
        </p>
        <Button small disabled={busy} onClick={() => void act(signOut)}>
          {say().signOut}
        </Button>
      </section>
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
      <Tabs label={say().ofAccount} tabs={tabs} current={room} onChoose={go}>
        <Shown key={room} account={account} />
      </Tabs>
    </div>
  );
}
