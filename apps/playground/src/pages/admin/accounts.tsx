/** All accounts: found by name, address or organisation; each with its role and keys. And a new one without an application. */
import type { AccountBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { number } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { StateMark } from '../../parts/state-mark.tsx';
import { VirtualList } from '../../parts/virtual-list.tsx';
import { useAnswer } from '../../server/use-answer.ts';
import { AccountView } from './account-view.tsx';
import { LINE_HEIGHT } from './line-height.ts';
import { NewAccount } from './new-account.tsx';
import { say } from './words.ts';

export function Accounts() {
  const { value, refusal, again } = useAnswer<{ data: readonly AccountBody[] }>('members');
  const [searched, setSearched] = useState('');
  const [shown, setShown] = useState<string>();
  const [isMaking, setMaking] = useState(false);
  const all = value?.data ?? [];
  const wanted = searched.trim().toLowerCase();
  const found = all.filter((account) => textOf(account).includes(wanted));
  const open = all.find(({ id }) => id === shown);
  return (
    <div class="stack">
      <div class="admin-choices">
        <TextField label={say().search} type="search" value={searched} onValue={setSearched} />
        <Button onClick={() => setMaking(!isMaking)}>{say().newAccount}</Button>
        <span class="faint" role="status">
          {say().found(number(found.length), number(all.length))}
        </span>
      </div>
      {isMaking && <NewAccount onDone={again} onClose={() => setMaking(false)} />}
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {found.length > 0 && (
        <div class="admin-lines">
          <VirtualList label={say().rooms.accounts} items={found} lineHeight={LINE_HEIGHT} keyOf={({ id }) => id}>
            {(account) => (
              <button type="button" class="admin-line" onClick={() => setShown(account.id)}>
                <strong>{account.name}</strong>
                <span>{account.email}</span>
                <span class="faint">{account.organisation}</span>
                {account.suspended_at === null && account.organisation_suspended_at === null ? (
                  <span class="faint">{say().roles[account.role]}</span>
                ) : (
                  <StateMark kind="bad">{say().suspended}</StateMark>
                )}
              </button>
            )}
          </VirtualList>
        </div>
      )}
      {open !== undefined && <AccountView of={open} onDone={again} onClose={() => setShown(undefined)} />}
    </div>
  );
}

const textOf = ({ name, email, organisation }: AccountBody): string => `${name} ${email} ${organisation}`.toLowerCase();
