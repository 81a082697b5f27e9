/** One run, live: loss beside what was expected of it, speed, and what it is a run of. */
import type { WorkspaceRunDetails } from '@tunan/protocol';
import { useMemo, useState } from 'preact/hooks';
import { language, number, percent } from '../../language.ts';
import { CheckField } from '../../parts/field.tsx';
import { type ChartLine, LineChart } from '../../parts/line-chart.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Table } from '../../parts/table.tsx';
import { Figures, PlaceHead } from '../workspace/room.tsx';
import { RunState } from './run-state.tsx';
import { useRun } from './use-run.ts';
import { say } from './words.ts';

type Run = WorkspaceRunDetails;

export function RunView({ id }: { readonly id: string }) {
  const { run, refusal } = useRun(id);
  return (
    <div class="stack">
      <PlaceHead page="runs" title={run === undefined ? id : run.description || run.path}>
        {run !== undefined && <RunState of={run} />}
        {run !== undefined && <span class="faint">{run.path}</span>}
      </PlaceHead>
      {refusal !== undefined && <Notice kind="alarm">{refusal}</Notice>}
      {run !== undefined && <RunFigures of={run} />}
      {run !== undefined && <Curves of={run} />}
      {run !== undefined && <Choices of={run} />}
    </div>
  );
}

function RunFigures({ of: run }: { readonly of: Run }) {
  const { step, steps, tokens, loss, tokens_per_second: speed, evaluations, expected } = run;
  const last = evaluations.at(-1);
  const left = step > 0 && speed ? ((steps - step) * (tokens / step)) / speed : undefined;
  return (
    <Figures
      of={[
        [say().steps, `${number(step)} / ${number(steps)}`],
        [say().share, percent(steps === 0 ? 0 : step / steps)],
        [say().tokens, short(tokens)],
        [say().loss, loss === null ? '—' : number(loss, 4)],
        [say().validation, last === undefined ? '—' : number(last.loss, 4)],
        ...(expected === null ? [] : [[say().promised, number(expected.loss, 4)] as const]),
        [say().speed, speed === null ? '—' : number(speed)],
        [say().left, left === undefined || step >= steps ? '—' : duration(left)],
      ]}
    />
  );
}

function Curves({ of: run }: { readonly of: Run }) {
  const [isLog, setLog] = useState(run.expected !== null);
  const { curve, evaluations, expected } = run;
  const loss = useMemo((): readonly ChartLine[] => {
    const ofTokens = ({ tokens, loss: y }: { readonly tokens: number; readonly loss: number }) => ({ x: tokens, y });
    return [
      { label: say().training, kind: 'main', points: curve.map(ofTokens) },
      ...(evaluations.length === 0
        ? []
        : [{ label: say().validation, kind: 'second' as const, dots: true, points: evaluations.map(ofTokens) }]),
      ...(expected === null || expected.curve.length === 0
        ? []
        : [{ label: say().expected, kind: 'expected' as const, points: expected.curve.map(ofTokens) }]),
    ];
  }, [curve, evaluations, expected, language.value]);
  const speed = useMemo(
    (): readonly ChartLine[] => [
      { label: say().speed, kind: 'main', points: curve.map(({ tokens, tokens_per_second: y }) => ({ x: tokens, y })) },
    ],
    [curve, language.value],
  );
  if (curve.length === 0) return <p class="table-empty">{say().noSteps}</p>;
  const end = expected?.curve.at(-1)?.tokens ?? (run.step > 0 ? (run.tokens / run.step) * run.steps : 0);
  const mark =
    expected === null ? undefined : { x: end, low: expected.low, high: expected.high, label: say().promised };
  return (
    <section class="card stack" aria-label={say().curves}>
      <LineChart title={say().lossOf} lines={loss} mark={mark} isLog={isLog} digits={2} nameOf={short} />
      <LineChart title={say().speed} lines={speed} isLog={isLog} digits={0} nameOf={short} />
      <CheckField label={say().logarithmic} value={isLog} onValue={setLog} />
      {expected !== null && <p class="faint small-text">{say().expectedHint}</p>}
    </section>
  );
}

function Choices({ of: { model, settings, data } }: { readonly of: Run }) {
  const rows = [...Object.entries(model), ...Object.entries(settings)];
  return (
    <details>
      <summary>{say().choices}</summary>
      <div class="stack">
        <Table
          caption={say().data}
          columns={[
            { title: say().data, cell: ({ corpus }) => corpus },
            { title: say().weight, kind: 'number', cell: ({ weight }) => number(weight, 3) },
          ]}
          rows={data}
          keyOf={({ corpus }) => corpus}
          empty="—"
        />
        <Table
          caption={say().choices}
          columns={[
            { title: say().choice, cell: ([name]) => name },
            { title: say().value, cell: ([, value]) => String(value) },
          ]}
          rows={rows}
          keyOf={([name]) => name}
          empty="—"
        />
      </div>
    </details>
  );
}

/** 12.3 M. */
function short(count: number): string {
  const [unit, name] = (
    [
      [1e9, 'G'],
      [1e6, 'M'],
      [1e3, 'k'],
    ] as const
  ).find(([least]) => count >= least) ?? [1, ''];
  return `${number(count / unit, count / unit < 100 && unit > 1 ? 1 : 0)}${name === '' ? '' : ` ${name}`}`;
}

function duration(seconds: number): string {
  const hours = seconds / 3600;
  if (hours >= 48) return say().days(number(hours / 24, 1));
  return hours >= 1 ? say().hours(number(hours, 1)) : say().minutes(number(seconds / 60, 0));
}
