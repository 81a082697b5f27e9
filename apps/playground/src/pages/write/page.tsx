/** 试写: a beginning and what models make of it, or a conversation; beside it parameters, history and the request as code. */
import { useEffect } from 'preact/hooks';
import { Notice } from '../../parts/notice.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { serverState } from '../../server/models.ts';
import { loadClient } from './answer.ts';
import { AnswerView } from './answer-view.tsx';
import { ChatEditor } from './chat-editor.tsx';
import { changeDraft, draft } from './draft.ts';
import { readLines } from './history.ts';
import { SidePanel } from './side-panel.tsx';
import { TextEditor } from './text-editor.tsx';
import { say } from './words.ts';
import { isRunning, showAgain, shown, stop } from './writing.ts';
import './page.css';

/** When all that is seen has been drawn. */
const CLIENT_MILLISECONDS = 1_000;
const KINDS = ['text', 'chat'] as const;

export default function WritePage() {
  useEffect(() => {
    void readLines();
    const later = setTimeout(() => void loadClient(), CLIENT_MILLISECONDS);
    void showAgain();
    addEventListener('keydown', stopByKey);
    return () => {
      clearTimeout(later);
      removeEventListener('keydown', stopByKey);
    };
  }, []);
  const { kind } = draft.value;
  const { value: state } = serverState;
  return (
    <div class="write">
      <div class="write-main">
        {state.kind === 'refused' && <Notice kind="alarm">{state.message}</Notice>}
        {state.kind === 'key' && <Notice>{say().needsKey}</Notice>}
        <Tabs
          label={say().kinds.label}
          tabs={KINDS.map((name) => ({ name, title: say().kinds[name] }))}
          current={kind}
          onChoose={(name) => changeDraft({ kind: name })}
        >
          {kind === 'text' ? <TextEditor /> : <ChatEditor />}
        </Tabs>
        <Answers />
      </div>
      <SidePanel />
    </div>
  );
}

/** Of the kind that is chosen: those of the other kind come back with it. */
function Answers() {
  const { kind, columns } = draft.value;
  const step = shown.value;
  const answers = step?.draft.kind === kind ? step.answers : [];
  const places = Array.from({ length: Math.max(columns.length, answers.length) }, (_, at) => at);
  return (
    <div class={`write-answers${places.length > 1 ? ' two' : ''}`}>
      {places.map((at) => (
        <AnswerView key={at} at={at} answer={answers[at]?.answer.value} isOne={places.length === 1} />
      ))}
    </div>
  );
}

function stopByKey(event: KeyboardEvent): void {
  // Escape closes what is open first.
  if (event.key === 'Escape' && isRunning.peek() && document.querySelector('dialog[open], :popover-open') === null)
    stop();
}
