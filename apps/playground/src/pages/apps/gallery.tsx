/** The applications of a server: own ones first, then those that others share, then the gallery by group. */
import type { AppBody, AppGroup, AppList, AppSummary } from '@tunan/protocol';
import { useId, useRef } from 'preact/hooks';
import { percent, said } from '../../language.ts';
import { Button } from '../../parts/button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { addressOf } from '../../router.ts';
import { askApps } from '../../server/apps.ts';
import { useAction, useAnswer } from '../../server/use-answer.ts';
import { say } from './words.ts';

const GROUPS: readonly AppGroup[] = ['verse', 'writing', 'dialogue', 'language', 'understanding', 'knowledge'];

export function Gallery() {
  const { value, refusal } = useAnswer<AppList>('', askApps);
  const apps = value?.data ?? [];
  const of = (origin: AppSummary['origin']) => apps.filter((app) => app.origin === origin);
  const shown = of('gallery');
  return (
    <div class="stack">
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      <Import />
      {value !== undefined && apps.length === 0 && <p class="table-empty">{say().none}</p>}
      <Cards title={say().own} apps={of('own')} />
      <Cards title={say().shared} apps={of('shared')} />
      {GROUPS.map((group) => (
        <Cards key={group} title={say().groups[group]} apps={shown.filter((app) => app.group === group)} />
      ))}
    </div>
  );
}

function Cards({ title, apps }: { readonly title: string; readonly apps: readonly AppSummary[] }) {
  const id = useId();
  if (apps.length === 0) return null;
  return (
    <section aria-labelledby={id}>
      <h2 class="apps-group" id={id}>
        {title}
      </h2>
      <ul class="apps-cards">
        {apps.map((app) => (
          <li key={app.id} class="card">
            <h3>
              <a href={addressOf('apps', app.id)}>{said(app.title)}</a>
            </h3>
            <p class="small-text">{said(app.description)}</p>
            <Fitness of={app} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Between two notes; a line may end behind it, and does not begin with it. */
const DOT = '\u00a0· ';

/** How good its answers are for the served models, or why none of them can run it. */
export function Fitness({ of: { unfit, quality } }: { readonly of: AppSummary }) {
  if (unfit !== undefined) {
    return (
      <p class="small-text apps-unfit">
        {say().unfit}
        {said(unfit)}
      </p>
    );
  }
  if (quality.length === 0) return <p class="small-text faint">{say().notMeasured}</p>;
  return (
    <>
      {quality.map(({ model, metric, value, low, high, items, baseline, first_draw: first, free_draw: free }) => (
        <p key={model} class="small-text faint">
          {say().quality(say().metrics[metric], percent(value), `${percent(low)} – ${percent(high)}`, items)}
          {baseline !== undefined && `${DOT}${say().baseline(percent(baseline))}`}
          {first !== undefined && free !== undefined && `${DOT}${say().draws(percent(first), percent(free))}`}
          {DOT}
          {model}
        </p>
      ))}
    </>
  );
}

function Import() {
  const chooser = useRef<HTMLInputElement>(null);
  const { act, busy, failure } = useAction();
  const take = async (input: HTMLInputElement) => {
    const [file] = input.files ?? [];
    if (file === undefined) return;
    const text = await file.text();
    input.value = '';
    await act(async () => {
      const made = await askApps<AppBody>('', { method: 'POST', body: { file: text } });
      location.hash = addressOf('apps', made.id);
    });
  };
  return (
    <div>
      <div class="row">
        <Button disabled={busy} onClick={() => chooser.current?.click()}>
          {say().importFile}
        </Button>
        <span class="small-text faint">{say().importHint}</span>
        {/* Its own button speaks the language of the browser, not that of the page. */}
        <input
          hidden
          type="file"
          ref={chooser}
          aria-label={say().importHint}
          accept=".yaml,.yml,.json"
          onChange={(event) => void take(event.currentTarget)}
        />
      </div>
      {failure !== undefined && <Notice kind="alarm">{failure.message}</Notice>}
    </div>
  );
}
