/** The text that is before the judge, and the two questions. All by radio buttons, so that arrow keys, Tab and Enter suffice. */
import { STUDY_ANSWERS, type StudyDesign } from '@tunan/protocol/studies';
import { useEffect, useRef } from 'preact/hooks';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import type { StudyJudge } from './judge.ts';
import { say } from './words.ts';

const LEVELS = [1, 2, 3, 4, 5];

export function Judging({ judge, design }: { readonly judge: StudyJudge; readonly design: StudyDesign }) {
  const { done, total, item } = judge.progress.value!;
  const heading = useRef<HTMLHeadingElement>(null);
  // Who hears or tabs through the page begins each text at its beginning.
  useEffect(() => {
    heading.current?.focus();
    scrollTo(0, 0);
  }, [item?.id]);
  if (item === null) return null;
  const { answer, confidence } = judge.choice.value;
  const { value: wait } = judge.wait;
  const status = wait > 0 ? say().wait(wait) : judge.complete.value ? say().ready : say().choose;
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void judge.send();
      }}
    >
      <div class="study-place">
        <h3 tabIndex={-1} ref={heading}>
          {say().place(done, total)}
        </h3>
        <progress max={total} value={done} aria-label={say().progress} />
      </div>
      {judge.elsewhere.value && <Notice>{say().elsewhere}</Notice>}
      <section class="card study-card" lang="zh-CN">
        <p class="study-prompt">
          <span class="faint">{say().prompts[item.kind]}</span> {item.prompt}
        </p>
        <div class={item.texts.length > 1 ? 'study-pair' : ''}>
          {item.texts.map((text, i) => (
            <div key={`${item.id} ${i}`}>
              {item.texts.length > 1 && <h4>{say().texts[i]}</h4>}
              <p class="study-text">{text}</p>
            </div>
          ))}
        </div>
      </section>
      <Choices
        legend={say().questions[design]}
        name="answer"
        chosen={answer}
        options={STUDY_ANSWERS[design].map((value) => ({ value, label: say().answers[value] }))}
        onChoose={(value) => judge.choose({ answer: value })}
      />
      <Choices
        legend={say().confidence}
        name="confidence"
        chosen={confidence}
        options={LEVELS.map((value, i) => ({ value, label: say().levels[i]! }))}
        onChoose={(value) => judge.choose({ confidence: value })}
      />
      {judge.refusal.value !== undefined && <Notice kind="alarm">{say().failed(judge.refusal.value)}</Notice>}
      <div class="row">
        <Button kind="main" type="submit" disabled={wait > 0 || !judge.complete.value || judge.sending.value}>
          {say().next}
        </Button>
        <span class="faint small-text">{status}</span>
      </div>
    </form>
  );
}

interface ChoicesProps<T> {
  readonly legend: string;
  readonly name: string;
  readonly chosen: T | undefined;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly onChoose: (value: T) => void;
}

function Choices<T extends string | number>({ legend, name, chosen, options, onChoose }: ChoicesProps<T>) {
  return (
    <fieldset class="study-choices">
      <legend>{legend}</legend>
      <div class="row">
        {options.map(({ value, label }) => (
          <label key={value} class="study-choice">
            <input type="radio" name={name} value={value} checked={value === chosen} onChange={() => onChoose(value)} />
            {label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
