/** Applications: those that wait first, each with its purpose, to be approved or rejected. */
import type { ApplicationBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { moment } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { ChoiceField, TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { StateMark } from '../../parts/state-mark.tsx';
import { VirtualList } from '../../parts/virtual-list.tsx';
import { askAccount } from '../../server/account.ts';
import { addressWith, useAction, useAnswer } from '../../server/use-answer.ts';
import { Facts } from './facts.tsx';
import { LINE_HEIGHT } from './line-height.ts';
import { say } from './words.ts';

const STATES = ['pending', 'approved', 'rejected'] as const;
const MARKS = { pending: 'waiting', approved: 'good', rejected: 'ended' } as const;

export function Applications() {
  const [status, setStatus] = useState<string>('pending');
  const { value, refusal, again } = useAnswer<{ data: readonly ApplicationBody[] }>(
    addressWith('applications', { status }),
  );
  const [shown, setShown] = useState<ApplicationBody>();
  const close = () => setShown(undefined);
  return (
    <div class="stack">
      <div class="admin-choices">
        <ChoiceField
          label={say().status}
          value={status}
          onValue={setStatus}
          options={STATES.map((name) => ({ value: name, label: say().states[name] }))}
        />
        <Button onClick={again}>{say().again}</Button>
      </div>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {value?.data.length === 0 && <p class="table-empty">{say().noApplications}</p>}
      {value !== undefined && value.data.length > 0 && (
        <div class="admin-lines">
          <VirtualList
            label={say().rooms.applications}
            items={value.data}
            lineHeight={LINE_HEIGHT}
            keyOf={({ id }) => id}
          >
            {(application) => (
              <button type="button" class="admin-line" onClick={() => setShown(application)}>
                <strong>{application.organisation}</strong>
                <span>{application.name}</span>
                <span class="faint">{moment(application.created_at)}</span>
                <StateMark kind={MARKS[application.status]}>{say().states[application.status]}</StateMark>
              </button>
            )}
          </VirtualList>
        </div>
      )}
      {shown !== undefined && <Review of={shown} onDone={again} onClose={close} />}
    </div>
  );
}

interface ReviewProps {
  readonly of: ApplicationBody;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function Review({ of, onDone, onClose }: ReviewProps) {
  const [reason, setReason] = useState('');
  const { act, busy, failure } = useAction();
  const decide = (what: 'approve' | 'reject') => async (event: Event) => {
    event.preventDefault();
    const body = what === 'reject' ? { body: { reason } } : {};
    const isDone = await act(() => askAccount(`applications/${of.id}/${what}`, { method: 'POST', ...body }));
    if (!isDone) return;
    onDone();
    onClose();
  };
  const facts = [
    [say().organisation, `${of.organisation} (${say().kinds[of.kind]})`],
    [say().name, of.name],
    [say().email, of.email],
    ...(of.phone === null ? [] : [[say().phone, of.phone] as const]),
    [say().purpose, of.purpose],
    [say().sentAt, moment(of.created_at)],
    ...(of.reviewed_at === null ? [] : [[say().reviewedAt, moment(of.reviewed_at)] as const]),
    ...(of.reason === null ? [] : [[say().reason, of.reason] as const]),
  ] as const;
  return (
    <Dialog title={say().applicationOf(of.organisation)} onClose={onClose}>
      <Facts of={facts} />
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
      {of.status === 'pending' && (
        <>
          <div>
            <Button kind="main" icon="check" disabled={busy} onClick={(event) => void decide('approve')(event)}>
              {say().approve}
            </Button>
          </div>
          <form class="admin-choices" onSubmit={(event) => void decide('reject')(event)}>
            <TextField
              label={say().reason}
              hint={say().reasonHint}
              required
              maxLength={500}
              value={reason}
              onValue={setReason}
            />
            <Button kind="danger" type="submit" disabled={busy}>
              {say().reject}
            </Button>
          </form>
        </>
      )}
    </Dialog>
  );
}
