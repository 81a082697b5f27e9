/** 人机辨别: judges of a study read, say who wrote a text and how certain they are. The texts are others': they are shown as text alone. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { said } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Notice } from '../../parts/notice.tsx';
import type { PageProps } from '../page-props.ts';
import { StudyJudge } from './judge.ts';
import { Judging } from './judging.tsx';
import { say } from './words.ts';
import './page.css';

export default function StudyPage({ rest: [study, invitation] }: PageProps) {
  if (study === undefined) return <Notice>{say().none}</Notice>;
  return <OneStudy key={`${study}/${invitation ?? ''}`} study={study} invitation={invitation} />;
}

function OneStudy({ study, invitation }: { readonly study: string; readonly invitation: string | undefined }) {
  const judge = useMemo(() => new StudyJudge(study, invitation), [study, invitation]);
  useEffect(() => judge.start(), [judge]);
  const { value: phase } = judge.phase;
  const { value: info } = judge.info;
  if (phase === 'loading') return null;
  if (phase === 'unknown') return <Notice kind="alarm">{say().unknown}</Notice>;
  if (phase === 'left') return <Notice kind="good">{say().left}</Notice>;
  if (phase === 'failed' || info === undefined) {
    return (
      <Notice kind="alarm">
        <p>{judge.refusal.value}</p>
        <Button small onClick={() => void judge.load()}>
          {say().again}
        </Button>
      </Notice>
    );
  }
  return (
    <div class="study stack">
      <h2 class="study-title">{said(info.title)}</h2>
      {(phase === 'consent' || phase === 'forgotten') && <Consent judge={judge} />}
      {phase === 'judging' && <Judging judge={judge} design={info.design} />}
      {phase === 'done' && <Done />}
      {(phase === 'judging' || phase === 'done') && <Leaving judge={judge} />}
    </div>
  );
}

function Consent({ judge }: { readonly judge: StudyJudge }) {
  const info = judge.info.value!;
  return (
    <section class="card stack" aria-label={say().consent}>
      {judge.phase.value === 'forgotten' && <Notice>{say().forgotten}</Notice>}
      <h3>{say().consent}</h3>
      <p class="study-consent">{said(info.consent)}</p>
      <p class="faint small-text">
        {say().by(info.by)}　{say().size(info.items, info.minutes)}
      </p>
      {judge.refusal.value !== undefined && <Notice kind="alarm">{judge.refusal.value}</Notice>}
      <div>
        <Button kind="main" onClick={() => void judge.join()}>
          {say().agree}
        </Button>
      </div>
    </section>
  );
}

function Done() {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section class="card stack">
      <h3 tabIndex={-1} ref={heading}>
        {say().done}
      </h3>
      <p>{say().thanks}</p>
    </section>
  );
}

function Leaving({ judge }: { readonly judge: StudyJudge }) {
  const [asked, setAsked] = useState(false);
  return (
    <div>
      <Button kind="quiet" small onClick={() => setAsked(true)}>
        {say().leave}
      </Button>
      {asked && (
        <Dialog title={say().leaveTitle} onClose={() => setAsked(false)}>
          <p>{say().leaveText}</p>
          <div class="row">
            <Button kind="danger" onClick={() => void judge.leave()}>
              {say().leaveNow}
            </Button>
            <Button onClick={() => setAsked(false)}>{say().stay}</Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
