/** The inputs of an application, a run, and what came of it: every attempt with what its checks found. */
import type { App, AppAttempt, AppField, AppFinding, AppRun, AppRunInput } from '@tunan/protocol';
import { useEffect, useRef, useState } from 'preact/hooks';
import { said } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { CheckField, ChoiceField, Field } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import { askApps, streamRun } from '../../server/apps.ts';
import { ServerError } from '../../server/ask.ts';
import { failureOf } from '../../server/failure.ts';
import { lookAtServer, models } from '../../server/models.ts';
import { keepOf, talks, typed } from './kept-apps.ts';
import { say } from './words.ts';

/** Turns that a request may carry. */
const MOST_TURNS = 400;

interface State {
  readonly attempts: readonly Pick<AppAttempt, 'output' | 'findings'>[];
  readonly run?: AppRun;
  readonly ending?: string;
}

interface RunFormProps {
  readonly id: string;
  readonly app: App;
}

export function RunForm({ id, app }: RunFormProps) {
  const [model, setModel] = useState('');
  const [isStreamed, setStreamed] = useState(true);
  const [showsPrompt, setShowsPrompt] = useState(false);
  const [state, setState] = useState<State>();
  const [isRunning, setRunning] = useState(false);
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const given = Object.fromEntries(
    app.inputs.map((field) => [field.name, typed.value[id]?.[field.name] ?? field.default ?? field.choices?.[0] ?? '']),
  );
  const turns = app.conversation === undefined ? [] : (talks.value[id] ?? []);
  const served = models.value.map((one) => one.id);
  const chosen = served.includes(model)
    ? model
    : (served.find((name) => name === (app.model ?? app.adapter)) ?? served[0]);

  const run = async (event: Event) => {
    event.preventDefault();
    const running = new AbortController();
    abort.current = running;
    setRunning(true);
    setState({ attempts: [] });
    const body: AppRunInput = {
      inputs: given,
      show_prompt: showsPrompt,
      ...(chosen !== undefined && { model: chosen }),
      ...(turns.length > 0 && { turns: turns.slice(-MOST_TURNS) }),
    };
    try {
      const made = isStreamed
        ? await follow(id, body, running.signal, (attempts) => setState({ attempts }))
        : await askApps<AppRun>(encodeURIComponent(id), { method: 'POST', body, signal: running.signal });
      setState({ attempts: made.attempts, run: made });
      if (app.conversation !== undefined) {
        const { name } = app.inputs[0]!;
        const input = given[name]!;
        keepOf(talks, id, [...turns, { input, output: made.output }].slice(-MOST_TURNS));
        // Said; what has been typed since then is the next turn.
        if (typed.peek()[id]?.[name] === input) keepOf(typed, id, undefined);
      }
    } catch (error) {
      const ending = running.signal.aborted
        ? say().stopped
        : error instanceof ServerError
          ? error.message
          : failureOf(error);
      // What has come stays.
      setState((before) => ({ attempts: before?.attempts ?? [], ending }));
      if (!running.signal.aborted) void lookAtServer();
    } finally {
      setRunning(false);
    }
  };

  return (
    <form class="card stack" onSubmit={(event) => void run(event)} aria-label={say().run}>
      {turns.length > 0 && (
        <details open>
          <summary>{say().turns}</summary>
          {turns.map(({ input, output }, at) => (
            <p key={`${at}`} class="apps-text">
              {`${say().you}: ${input}\n${say().answer}: ${output}`}
            </p>
          ))}
          <Button small onClick={() => keepOf(talks, id, undefined)}>
            {say().newTalk}
          </Button>
        </details>
      )}
      <div class="apps-pair">
        {app.inputs.map((field) => (
          <InputField
            key={field.name}
            field={field}
            value={given[field.name]!}
            onValue={(value) => keepOf(typed, id, { ...typed.peek()[id], [field.name]: value })}
          />
        ))}
      </div>
      <div class="row">
        {served.length > 1 && (
          <ChoiceField
            label={say().model}
            value={chosen ?? ''}
            onValue={setModel}
            options={served.map((value) => ({ value, label: value }))}
          />
        )}
        <CheckField label={say().streamed} value={isStreamed} onValue={setStreamed} />
        <CheckField label={say().showPrompt} value={showsPrompt} onValue={setShowsPrompt} />
      </div>
      <div class="row">
        <Button kind="main" type="submit" disabled={isRunning}>
          {say().run}
        </Button>
        {isRunning && (
          <Button icon="stop" onClick={() => abort.current?.abort()}>
            {say().stop}
          </Button>
        )}
      </div>
      {state !== undefined && <Outcome state={state} isRunning={isRunning} />}
    </form>
  );
}

/** @returns the whole, at the end */
async function follow(
  id: string,
  body: AppRunInput,
  signal: AbortSignal,
  onAttempts: (attempts: State['attempts']) => void,
): Promise<AppRun> {
  const attempts: { output: string; findings: AppFinding[] }[] = [];
  for await (const part of streamRun(id, body, signal)) {
    if (part.object === 'app.run') return part;
    const { attempt, text, findings } = part;
    while (attempts.length < attempt) attempts.push({ output: '', findings: [] });
    const current = attempts[attempt - 1]!;
    attempts[attempt - 1] = { output: current.output + text, findings: findings ?? current.findings };
    onAttempts([...attempts]);
  }
  throw new TypeError('the stream of a run ends without the whole');
}

interface InputFieldProps {
  readonly field: AppField;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

function InputField({ field, value, onValue }: InputFieldProps) {
  const { label, hint, choices, lines, most } = field;
  const about = { label: said(label), hint: hint && said(hint) };
  if (choices !== undefined) {
    return (
      <ChoiceField
        {...about}
        value={value}
        onValue={onValue}
        options={choices.map((choice) => ({ value: choice, label: choice }))}
      />
    );
  }
  const common = { class: 'input', value, maxLength: most, required: field.default === undefined };
  return (
    <Field {...about}>
      {(ids) =>
        lines > 1 ? (
          <textarea {...common} {...ids} rows={lines} onInput={(event) => onValue(event.currentTarget.value)} />
        ) : (
          <input {...common} {...ids} type="text" onInput={(event) => onValue(event.currentTarget.value)} />
        )
      }
    </Field>
  );
}

function Outcome({
  state: { attempts, run, ending },
  isRunning,
}: {
  readonly state: State;
  readonly isRunning: boolean;
}) {
  const last = attempts.at(-1);
  const output = run?.output ?? last?.output ?? '';
  const shown = run === undefined ? last : (attempts.find((one) => one.output === run.output) ?? last);
  return (
    <section class="stack" aria-label={say().output}>
      <p class="small-text faint" role="status">
        {isRunning && `${say().running} ${attempts.length > 1 ? say().attempt(attempts.length) : ''}`}
        {run !== undefined && (run.passed ? say().passed : say().failed)}
      </p>
      {output !== '' && <p class="apps-text apps-output">{output}</p>}
      {shown !== undefined && <Findings of={shown.findings} />}
      {ending !== undefined && <Notice kind="alarm">{ending}</Notice>}
      {run !== undefined && (
        <>
          {run.examples_left_out > 0 && <Notice>{say().leftOut(run.examples_left_out)}</Notice>}
          <p class="small-text faint">
            {say().tokens(run.usage.prompt_tokens, run.usage.completion_tokens, run.seed)} · {run.model}
          </p>
        </>
      )}
      {attempts.length > 1 && (
        <details>
          <summary>{say().attempts(attempts.length)}</summary>
          {attempts.map((attempt, at) => (
            <div key={`${at}`}>
              <p class="small-text faint">{say().attempt(at + 1)}</p>
              <p class="apps-text">{attempt.output}</p>
              <Findings of={attempt.findings} />
            </div>
          ))}
        </details>
      )}
      {run?.prompt !== undefined && (
        <details open>
          <summary>{say().prompt}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
          <pre class="apps-prompt" tabIndex={0}>
            {run.prompt}
          </pre>
        </details>
      )}
    </section>
  );
}

function Findings({ of: findings }: { readonly of: readonly AppFinding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul class="apps-findings">
      {findings.map(({ check, passed, message }, at) => (
        <li key={`${at} ${check}`} class={passed ? 'apps-right' : 'apps-wrong'}>
          {passed ? say().right : say().wrong}
          {said(message)}
        </li>
      ))}
    </ul>
  );
}
