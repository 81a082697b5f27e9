/** The beginning of a text, and what sets the models going. */
import { useEffect, useId, useRef } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { CheckField } from '../../parts/field.tsx';
import { needsKey } from '../../server/access.ts';
import { changeDraft, draft } from './draft.ts';
import { say } from './words.ts';
import { beginAnew, isRunning, stop, write } from './writing.ts';

/** Titles of poems, which any model that has read some knows how to go on from. */
const EXAMPLES = ['静夜思\n', '春江花月夜\n', '山居秋暝\n', '江雪\n', '从前，有一座山，'];

export function TextEditor() {
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const { prompt, beginsDocument } = draft.value;
  useEffect(() => box.current?.focus({ preventScroll: true }), []);
  return (
    <form class="card write-editor" onSubmit={submit}>
      <label class="for-readers" for={id}>
        {say().prompt}
      </label>
      <textarea
        ref={box}
        id={id}
        class="write-box"
        spellcheck={false}
        placeholder={say().promptPlaceholder}
        value={prompt}
        onInput={(event) => changeDraft({ prompt: event.currentTarget.value })}
        onKeyDown={submitByKeys}
      />
      <fieldset class="row write-examples">
        <legend class="for-readers">{say().examples}</legend>
        {EXAMPLES.map((example) => (
          <Button key={example} kind="quiet" small onClick={() => choose(example, box.current)}>
            {example.trim()}
          </Button>
        ))}
      </fieldset>
      <div class="row">
        <RunButtons label={say().write} />
        <CheckField
          label={say().beginsDocument}
          help={say().beginsDocumentHelp}
          value={beginsDocument}
          onValue={(value) => changeDraft({ beginsDocument: value })}
        />
        <Button kind="quiet" onClick={() => void beginAnew().then(() => box.current?.focus())} disabled={prompt === ''}>
          {say().anew}
        </Button>
        <span class="write-keys">{say().keys}</span>
      </div>
    </form>
  );
}

/** One place for both, so that nothing moves. */
export function RunButtons({ label }: { readonly label: string }) {
  const running = isRunning.value;
  return running ? (
    <Button key="stop" icon="stop" onClick={stop}>
      {say().stop}
    </Button>
  ) : (
    <Button key="run" kind="main" type="submit" disabled={needsKey()}>
      {label}
    </Button>
  );
}

export function submit(event: Event): void {
  event.preventDefault();
  if (!isRunning.peek() && !needsKey()) write();
}

export function submitByKeys(event: KeyboardEvent): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
}

function choose(example: string, box: HTMLTextAreaElement | null): void {
  changeDraft({ prompt: example, beginsDocument: true });
  box?.focus();
}
