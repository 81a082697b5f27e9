/** Asks before something that cannot be taken back. */
import type { ComponentChildren } from 'preact';
import { words } from '../language.ts';
import { useAction } from '../server/use-answer.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';

const say = words({ cancel: '取消' }, { cancel: 'Cancel' });

interface ConfirmProps {
  readonly title: string;
  /** What the button does. */
  readonly verb: string;
  readonly danger?: boolean;
  /** What is done; refusals are shown, and the window closes when it is done. */
  readonly onYes: () => Promise<unknown>;
  readonly onClose: () => void;
  /** What will be. */
  readonly children: ComponentChildren;
}

export function Confirm({ title, verb, danger = true, onYes, onClose, children }: ConfirmProps) {
  const { act, busy, failure } = useAction();
  const yes = async () => {
    if (await act(onYes)) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
      <div class="row">
        <Button kind={danger ? 'danger' : 'main'} disabled={busy} onClick={() => void yes()}>
          {verb}
        </Button>
        <Button onClick={onClose}>{say().cancel}</Button>
      </div>
    </Dialog>
  );
}
