/** A conversation: what was said, and what is said next. */
import { useId } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { changeDraft, draft, type Turn } from './draft.ts';
import { RunButtons, submit, submitByKeys } from './text-editor.tsx';
import { say } from './words.ts';
import { beginAnew, stop } from './writing.ts';

export function ChatEditor() {
  const id = useId();
  const { system, turns, message } = draft.value;
  return (
    <form class="card write-editor" onSubmit={submit}>
      <Field label={say().system} help={say().systemHelp}>
        {(ids) => (
          <textarea
            class="input"
            rows={1}
            {...ids}
            value={system}
            onInput={(event) => changeDraft({ system: event.currentTarget.value })}
          />
        )}
      </Field>
      {turns.length > 0 && (
        <ol class="write-turns" aria-label={say().conversation}>
          {turns.map((turn, at) => (
            <li key={at} class={turn.role}>
              <span class="write-speaker">{say().roles[turn.role]}</span>
              <p>{turn.content}</p>
              {turn.role === 'user' && (
                <Button kind="quiet" small title={say().rewriteHelp} onClick={() => rewrite(turns, at)}>
                  {say().rewrite}
                </Button>
              )}
            </li>
          ))}
        </ol>
      )}
      <label class="for-readers" for={id}>
        {say().message}
      </label>
      <textarea
        id={id}
        class="write-box short"
        placeholder={say().messagePlaceholder}
        value={message}
        onInput={(event) => changeDraft({ message: event.currentTarget.value })}
        onKeyDown={submitByKeys}
      />
      <div class="row">
        <RunButtons label={say().send} />
        <Button kind="quiet" onClick={() => void beginAnew()} disabled={turns.length === 0 && message === ''}>
          {say().anew}
        </Button>
        <span class="write-keys">{say().keys}</span>
      </div>
    </form>
  );
}

function rewrite(turns: readonly Turn[], at: number): void {
  stop();
  changeDraft({ turns: turns.slice(0, at), message: turns[at]?.content ?? '' });
}
