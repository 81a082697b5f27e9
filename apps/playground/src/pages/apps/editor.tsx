/** Changes to an own application, kept in this browser until they are saved over the revision that they were made to. */
import type { App, AppBody } from '@tunan/protocol';
import { useState } from 'preact/hooks';
import { said } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { NumberField, TextField } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { addressOf } from '../../router.ts';
import { askApps, type OpenedApp } from '../../server/apps.ts';
import { useAction } from '../../server/use-answer.ts';
import { AreaField } from './area-field.tsx';
import { Checks } from './checks.tsx';
import { sendable } from './constraint-editor.tsx';
import { drafts, keepOf } from './kept-apps.ts';
import { Versions } from './versions.tsx';
import { say } from './words.ts';

interface EditorProps {
  readonly opened: OpenedApp;
  readonly onSaved: (app: OpenedApp) => void;
  /** Reads it from the server again. */
  readonly onRead: () => Promise<void>;
}

const SPEECHES = ['zh', 'en'] as const;

export function Editor({ opened, onSaved, onRead }: EditorProps) {
  const { id } = opened;
  const path = encodeURIComponent(id);
  const draft = drafts.value[id];
  const app = draft?.app ?? opened.app;
  const [saved, setSaved] = useState<number>();
  const { act, busy, failure } = useAction();
  const isConflict = failure?.status === 409;
  const change = (more: Partial<App>) => {
    setSaved(undefined);
    keepOf(drafts, id, { revision: draft?.revision ?? opened.revision, app: { ...app, ...more } });
  };
  const put = async (revision: number) => {
    const now = await askApps<OpenedApp>(path, { method: 'PUT', body: { app: sendable(app), revision } });
    // What was typed while it was on its way is kept as a change to what is saved now.
    const later = drafts.peek()[id];
    keepOf(drafts, id, later === draft ? undefined : later && { ...later, revision: now.revision });
    onSaved(now);
    setSaved(now.revision);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void act(() => put(draft?.revision ?? opened.revision));
  };
  const overwrite = () => act(async () => put((await askApps<AppBody>(path)).revision));
  const saveAsNew = () =>
    act(async () => {
      const made = await askApps<AppBody>('', { method: 'POST', body: { app: sendable(app) } });
      keepOf(drafts, id, undefined);
      location.hash = addressOf('apps', made.id);
    });
  const takeTheirs = () =>
    act(async () => {
      await onRead();
      keepOf(drafts, id, undefined);
    });
  return (
    <form class="card stack apps-editor" aria-label={say().edit} onSubmit={submit}>
      <h2 class="apps-group">{say().edit}</h2>
      <div class="apps-pair">
        {SPEECHES.map((speech) => (
          <TextField
            key={speech}
            label={say().titleIn[speech]}
            required
            maxLength={60}
            value={app.title[speech]}
            onValue={(text) => change({ title: { ...app.title, [speech]: text } })}
          />
        ))}
        {SPEECHES.map((speech) => (
          <TextField
            key={speech}
            label={say().descriptionIn[speech]}
            required
            maxLength={600}
            value={app.description[speech]}
            onValue={(text) => change({ description: { ...app.description, [speech]: text } })}
          />
        ))}
      </div>
      <Examples app={app} onChange={(examples) => change({ examples })} />
      <PromptParts app={app} onChange={(prompt) => change({ prompt })} />
      <Checks app={app} onChange={change} />
      <Sampling app={app} onChange={(sampling) => change({ sampling })} />
      {failure !== undefined && (
        <Notice kind="alarm">
          <p>
            {isConflict && say().conflict}
            {failure.message}
          </p>
        </Notice>
      )}
      {isConflict && (
        <div class="row">
          <Button disabled={busy} onClick={() => void saveAsNew()}>
            {say().saveAsNew}
          </Button>
          <Button disabled={busy} onClick={() => void overwrite()}>
            {say().overwrite}
          </Button>
          <Button kind="danger" disabled={busy} onClick={() => void takeTheirs()}>
            {say().takeTheirs}
          </Button>
        </div>
      )}
      <div class="row">
        <Button kind="main" type="submit" disabled={busy || draft === undefined}>
          {say().save}
        </Button>
        {draft !== undefined && (
          <Button disabled={busy} onClick={() => keepOf(drafts, id, undefined)}>
            {say().discard}
          </Button>
        )}
        <span class="small-text faint" role="status">
          {draft !== undefined ? say().unsaved : saved !== undefined && say().saved(saved)}
        </span>
      </div>
      <Versions id={id} revision={opened.revision} onBring={change} />
    </form>
  );
}

interface PartProps<T> {
  readonly app: App;
  readonly onChange: (changed: T) => void;
}

function Examples({ app: { examples, inputs }, onChange }: PartProps<App['examples']>) {
  const put = (at: number, example: App['examples'][number]) =>
    onChange(examples.map((one, place) => (place === at ? example : one)));
  const add = () =>
    onChange([...examples, { inputs: Object.fromEntries(inputs.map(({ name }) => [name, ''])), output: '' }]);
  return (
    <>
      <h3>{say().examples(examples.length)}</h3>
      {examples.map((example, at) => (
        <fieldset key={`${at}`} class="apps-example">
          <legend class="small-text">{say().example(at + 1)}</legend>
          <div class="apps-pair">
            {inputs.map(({ name, label }) => (
              <AreaField
                key={name}
                label={say().exampleField(at + 1, said(label))}
                value={example.inputs[name] ?? ''}
                onValue={(text) => put(at, { ...example, inputs: { ...example.inputs, [name]: text } })}
              />
            ))}
            <AreaField
              label={say().exampleField(at + 1, say().output1)}
              required
              value={example.output}
              onValue={(output) => put(at, { ...example, output })}
            />
          </div>
          <Button small kind="quiet" icon="trash" onClick={() => onChange(examples.filter((_, place) => place !== at))}>
            {say().deleteExample(at + 1)}
          </Button>
        </fieldset>
      ))}
      <div>
        <Button onClick={add}>{say().addExample}</Button>
      </div>
    </>
  );
}

function PromptParts({ app: { prompt }, onChange }: PartProps<App['prompt']>) {
  const parts = [
    ['before', say().before],
    ['input_prefix', say().inputPrefix],
    ['input_suffix', say().inputSuffix],
    ['output_prefix', say().outputPrefix],
    ['output_suffix', say().outputSuffix],
  ] as const;
  return (
    <details>
      <summary>{say().promptParts}</summary>
      <div class="apps-pair">
        {parts.map(([name, label]) => (
          <AreaField
            key={name}
            label={label}
            hint={say().breaks}
            value={prompt[name]}
            onValue={(text) => onChange({ ...prompt, [name]: text })}
          />
        ))}
      </div>
    </details>
  );
}

/** Name, label, least, most, step. */
const numbers = () =>
  [
    ['max_tokens', say().maxTokens, 1, 16_384, 1],
    ['temperature', say().temperature, 0, 2, 'any'],
    ['top_p', say().topP, 0, 1, 'any'],
    ['top_k', say().topK, 0, undefined, 1],
    ['repetition_penalty', say().penalty, undefined, 100, 'any'],
  ] as const;

function Sampling({ app: { sampling }, onChange }: PartProps<App['sampling']>) {
  return (
    <details>
      <summary>{say().sampling}</summary>
      <div class="apps-pair">
        {numbers().map(([name, label, min, max, step]) => (
          <NumberField
            key={name}
            {...{ label, min, max, step }}
            required
            value={sampling[name]}
            onValue={(value) => value !== undefined && onChange({ ...sampling, [name]: value })}
          />
        ))}
      </div>
    </details>
  );
}
