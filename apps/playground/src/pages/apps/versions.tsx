/** What an own application was before; a version is brought into the editor, where saving it makes a new one. */
import type { App, AppVersionList } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { moment } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { askApps } from '../../server/apps.ts';
import { useAction, useAnswer } from '../../server/use-answer.ts';
import { say } from './words.ts';

interface VersionsProps {
  readonly id: string;
  /** The newest. */
  readonly revision: number;
  readonly onBring: (app: App) => void;
}

export function Versions(props: VersionsProps) {
  const [isOpen, setOpen] = useState(false);
  if (props.revision < 2) return null;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say().versions}</summary>
      {isOpen && <VersionList key={props.revision} {...props} />}
    </details>
  );
}

function VersionList({ id, revision, onBring }: VersionsProps) {
  const path = `${encodeURIComponent(id)}/versions`;
  const { value, refusal } = useAnswer<AppVersionList>(path, askApps);
  const { act, busy, failure } = useAction();
  const bring = (which: number) =>
    act(async () => onBring((await askApps<{ readonly app: App }>(`${path}/${which}`)).app));
  const wrong = refusal ?? failure?.message;
  return (
    <>
      {wrong !== undefined && <Notice kind="alarm">{wrong}</Notice>}
      <ul>
        {value?.data
          .filter((one) => one.revision !== revision)
          .map((one) => (
            <li key={one.revision}>
              {say().version(one.revision, moment(one.saved), one.examples)}{' '}
              <Button
                small
                disabled={busy}
                aria-label={say().bringBackOf(one.revision)}
                onClick={() => void bring(one.revision)}
              >
                {say().bringBack}
              </Button>
            </li>
          ))}
      </ul>
    </>
  );
}
