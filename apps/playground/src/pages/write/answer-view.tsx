/** One answer: its text or its tokens, how it goes and how it ended, and what can be done with it. */
import { useState } from 'preact/hooks';
import { isRecord, kept } from '../../kept.ts';
import { number } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/code.tsx';
import { Notice } from '../../parts/notice.tsx';
import { failureOf } from '../../server/failure.ts';
import { plainModels } from '../../server/told.ts';
import { type Answer, textOf } from './answer.ts';
import { TokenView } from './token-view.tsx';
import { say } from './words.ts';
import { goOn, lookAtPrompt, takeAnswer, write } from './writing.ts';

const VIEWS = ['text', 'tokens'] as const;
type View = (typeof VIEWS)[number];

const view = kept<{ as: View }>(
  'write.view',
  { as: 'text' },
  (value): value is { as: View } => isRecord(value) && VIEWS.some((one) => one === value.as),
);

interface AnswerViewProps {
  readonly at: number;
  /** Undefined: nothing was asked yet. */
  readonly answer: Answer | undefined;
  readonly isOne: boolean;
}

export function AnswerView({ at, answer, isOne }: AnswerViewProps) {
  const title = say().answer(isOne ? '' : (say().columns[at] ?? ''));
  return (
    <section class="card write-answer" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {answer?.asked.body.model !== undefined && <span class="write-model">{answer.asked.body.model}</span>}
        <ViewSwitch />
      </header>
      {answer === undefined ? <p class="write-text faint">{say().emptyAnswer}</p> : <Body at={at} answer={answer} />}
      <Foot at={at} answer={answer} />
    </section>
  );
}

function ViewSwitch() {
  return (
    <fieldset class="write-view">
      <legend class="for-readers">{say().view}</legend>
      {VIEWS.map((name) => (
        <button key={name} type="button" aria-pressed={view.value.as === name} onClick={() => choose(name)}>
          {say().views[name]}
        </button>
      ))}
    </fieldset>
  );
}

function choose(name: View): void {
  view.value = { as: name };
}

function Body({ at, answer }: { readonly at: number; readonly answer: Answer }) {
  const { asked, prompt, pieces, ending } = answer;
  const running = ending.kind === 'running';
  const asTokens = view.value.as === 'tokens';
  return (
    <>
      <div class={`write-text${running ? ' running' : ''}`} aria-busy={running}>
        {!(asTokens && answer.promptPieces) && <span class="write-given">{prompt}</span>}
        {asTokens ? <TokenView at={at} answer={answer} /> : <span class="write-made">{textOf({ pieces })}</span>}
      </div>
      {asTokens && !running && <p class="write-hint">{hasTokens(answer) ? say().tokenHint : say().noTokens}</p>}
      {asTokens && !running && prompt !== '' && answer.promptPieces === undefined && <PromptTokens at={at} />}
      {asked.route === 'chat/completions' && plainModels.value.has(asked.body.model ?? '') && (
        <p class="write-hint">{say().plainForm}</p>
      )}
      {ending.kind === 'cut' && (
        <Notice kind="alarm">
          {say().cut}：{ending.message}
        </Notice>
      )}
      {ending.kind === 'refused' && (
        <Notice kind="alarm">
          {say().refused}：{ending.message}
        </Notice>
      )}
    </>
  );
}

/** Asked for apart: it costs a pass over the prompt. */
function PromptTokens({ at }: { readonly at: number }) {
  const [refusal, setRefusal] = useState<string>();
  const look = () => lookAtPrompt(at).catch((error: unknown) => setRefusal(failureOf(error)));
  return (
    <>
      <Button small kind="quiet" onClick={() => void look()}>
        {say().promptTokens}
      </Button>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
    </>
  );
}

const hasTokens = ({ pieces }: Answer): boolean => pieces.some(({ token }) => token !== undefined);

function Foot({ at, answer }: { readonly at: number; readonly answer: Answer | undefined }) {
  if (answer === undefined) return <footer />;
  const { ending, pieces, asked } = answer;
  const over = ending.kind !== 'running';
  const text = textOf(answer);
  const goesOn =
    over && asked.route === 'completions' && text !== '' && !(ending.kind === 'done' && ending.reason === 'stop');
  return (
    <footer>
      <p class="write-status" role="status">
        {statusOf(answer)}
      </p>
      <div class="row">
        {goesOn && (
          <Button small onClick={() => goOn(at, pieces)}>
            {ending.kind === 'cut' ? say().goOnCut : say().goOn}
          </Button>
        )}
        {(ending.kind === 'refused' || (ending.kind === 'cut' && !goesOn)) && (
          <Button small onClick={write}>
            {say().again}
          </Button>
        )}
        {over && asked.route === 'chat/completions' && text !== '' && (
          <Button small onClick={() => takeAnswer(at)}>
            {say().take}
          </Button>
        )}
        {over && <CopyButton text={answer.prompt + text} label={say().copyText} />}
      </div>
    </footer>
  );
}

function statusOf(answer: Answer): string {
  const { ending, usage, seconds, asked } = answer;
  const count = number([...textOf(answer)].length);
  if (ending.kind === 'running') return say().running(number(seconds, 1), count);
  const parts: string[] = [];
  if (ending.kind === 'done') parts.push(say().ends[ending.reason] ?? ending.reason);
  if (ending.kind === 'stopped') parts.push(say().stopped);
  if (usage !== undefined) {
    const rate = number(usage.completion_tokens / Math.max(seconds, 0.001), 1);
    parts.push(say().used(number(usage.prompt_tokens), number(usage.completion_tokens), rate));
  }
  if (asked.body.seed !== undefined && asked.body.seed !== null) parts.push(say().seed(String(asked.body.seed)));
  return parts.join(' · ');
}
