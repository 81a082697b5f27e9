/** 管理: reviewers decide on applications; admins see to accounts, limits, what everyone has used and who changed what too. */
import { useEffect } from 'preact/hooks';
import { Notice } from '../../parts/notice.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { addressOf } from '../../router.ts';
import { findSession, mayBe, session } from '../../server/account.ts';
import { UsageOf } from '../account/usage.tsx';
import type { PageProps } from '../page-props.ts';
import { Accounts } from './accounts.tsx';
import { Applications } from './applications.tsx';
import { Audit } from './audit.tsx';
import { Limits } from './limits.tsx';
import { say } from './words.ts';
import './page.css';

const AllUsage = () => <UsageOf organisation={undefined} />;
const ROOMS = { applications: Applications, accounts: Accounts, limits: Limits, usage: AllUsage, audit: Audit };
type Room = keyof typeof ROOMS;

export default function AdminPage({ rest: [asked] }: PageProps) {
  useEffect(() => void findSession(), []);
  if (session.value === undefined) return null;
  if (!mayBe('reviewer')) {
    return (
      <Notice>
        {say().reviewersAlone} <a href={addressOf('account')}>{say().signIn}</a>
      </Notice>
    );
  }
  const rooms = (Object.keys(ROOMS) as Room[]).filter((room) => room === 'applications' || mayBe('admin'));
  const room = rooms.find((one) => one === asked) ?? 'applications';
  const Shown = ROOMS[room];
  const titles = say().rooms;
  return (
    <Tabs
      label={say().administration}
      tabs={rooms.map((name) => ({ name, title: titles[name] }))}
      current={room}
      onChoose={(name) => {
        location.hash = addressOf('admin', name);
      }}
    >
      <Shown key={room} />
    </Tabs>
  );
}
