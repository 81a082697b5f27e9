/** One application: what it is, a form to run it, and for its owner everything that can be changed. */
import type { App, AppBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { said } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { CheckField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { addressOf } from '../../router.ts';
import { askApps, type OpenedApp } from '../../server/apps.ts';
import { useAction, useAnswer } from '../../server/use-answer.ts';
import { Editor } from './editor.tsx';
import { Fitness } from './gallery.tsx';
import { drafts, keepOf } from './kept-apps.ts';
import { RunForm } from './run-form.tsx';
import { say } from './words.ts';

export function AppView({ id }: { readonly id: string }) {
  const path = encodeURIComponent(id);
  const { value, refusal } = useAnswer<OpenedApp>(path, askApps);
  const [changed, setChanged] = useState<OpenedApp>();
  const opened = changed ?? value;
  const read = async () => setChanged(await askApps<OpenedApp>(path));
  return (
    <div class="stack">
      <p>
        <a href={addressOf('apps')}>{say().back}</a>
      </p>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {opened !== undefined && (
        <>
          <Head of={opened} onChange={setChanged} />
          <RunForm key={opened.id} id={opened.id} app={opened.app} />
          {opened.origin === 'own' ? (
            <Editor opened={opened} onSaved={setChanged} onRead={read} />
          ) : (
            <p class="faint small-text">{say().copying}</p>
          )}
        </>
      )}
    </div>
  );
}

interface HeadProps {
  readonly of: OpenedApp;
  readonly onChange: (app: OpenedApp) => void;
}

function Head({ of: opened, onChange }: HeadProps) {
  const { act, busy, failure } = useAction();
  const [asks, setAsks] = useState(false);
  /** What was ticked last, until the server has answered: the tick must not jump back meanwhile. */
  const [wanted, setWanted] = useState<boolean>();
  const path = encodeURIComponent(opened.id);
  const copy = () =>
    act(async () => {
      const made = await askApps<AppBody>('', { method: 'POST', body: { copy: opened.id } });
      location.hash = addressOf('apps', made.id);
    });
  const share = async (shared: boolean) => {
    setWanted(shared);
    await act(async () => onChange(await askApps<OpenedApp>(`${path}/sharing`, { method: 'POST', body: { shared } })));
    setWanted((latest) => (latest === shared ? undefined : latest));
  };
  const download = () => act(async () => save(await askApps<App>(`${path}/file?format=json`)));
  const remove = async () => {
    await askApps(path, { method: 'DELETE' });
    keepOf(drafts, opened.id, undefined);
    location.hash = addressOf('apps');
  };
  const { author, licence } = opened;
  return (
    <header class="stack apps-head">
      <div>
        <h2>{said(opened.title)}</h2>
        <p>{said(opened.description)}</p>
        {author + licence !== '' && (
          <p class="small-text faint">{[author, licence].filter((text) => text !== '').join(' · ')}</p>
        )}
        <Fitness of={opened} />
      </div>
      <div class="row">
        <Button icon="copy" disabled={busy} onClick={() => void copy()}>
          {say().copy}
        </Button>
        <Button disabled={busy} onClick={() => void download()}>
          {say().exportFile}
        </Button>
        {opened.origin === 'own' && (
          <>
            <CheckField label={say().share} value={wanted ?? opened.shared} onValue={(shared) => void share(shared)} />
            <Button kind="danger" icon="trash" onClick={() => setAsks(true)}>
              {say().remove}
            </Button>
          </>
        )}
      </div>
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
      {asks && (
        <Confirm
          title={`${say().remove}: ${said(opened.title)}`}
          verb={say().remove}
          onYes={remove}
          onClose={() => setAsks(false)}
        >
          <p>{say().removal}</p>
        </Confirm>
      )}
    </header>
  );
}

/** As a file of the browser. */
function save(file: App): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([`${JSON.stringify(file, undefined, 2)}\n`], { type: 'application/json' }));
  link.download = `${file.name}.json`;
  link.click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
