/** A key that was just made: the one time that it is shown. */
import type { MadeKeyBody } from '@tunan/protocol';
import { Button } from '../../parts/button.tsx';
import { Code } from '../../parts/code.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { apiKey } from '../../server/access.ts';
import { say } from './words.ts';

interface MadeKeyProps {
  readonly made: MadeKeyBody;
  readonly onClose: () => void;
}

export function MadeKey({ made: { key, details }, onClose }: MadeKeyProps) {
  const use = () => {
    apiKey.value = key;
    onClose();
  };
  return (
    <Dialog title={say().ofKey(say().newKey, details.name)} onClose={onClose}>
      <p>{say().shownOnce}</p>
      <Code label={say().theKey} text={key} />
      <div class="row">
        <Button onClick={use}>{say().useHere}</Button>
        <Button onClick={onClose}>{say().hasCopy}</Button>
      </div>
    </Dialog>
  );
}
