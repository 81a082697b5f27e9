/** One evaluation: each task with its interval, majority and chance, and the published rows of the same tasks. */
import type { WorkspaceEvaluationDetails } from '@tunan/protocol';
import { number, percent } from '../../language.ts';
import { Notice } from '../../parts/notice.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { useWorkspace, workspaceAddress } from '../../server/workspace.ts';
import { Figures, PlaceHead } from '../workspace/room.tsx';
import { IntervalBar } from './interval-bar.tsx';
import { say } from './words.ts';

type Evaluation = WorkspaceEvaluationDetails;
type Task = Evaluation['tasks'][number];

export function EvaluationView({ id }: { readonly id: string }) {
  const { value: evaluation, refusal } = useWorkspace<Evaluation>(`evaluations/${id}`);
  if (refusal !== undefined) {
    return (
      <div class="stack">
        <PlaceHead page="scores" title={id} />
        <Notice kind="alarm">{refusal}</Notice>
      </div>
    );
  }
  if (evaluation === undefined) return null;
  const { suite, model, accuracy, interval, tasks, settings } = evaluation;
  return (
    <div class="stack">
      <PlaceHead page="scores" title={`${model} · ${suite}`}>
        <span class="faint">{evaluation.path}</span>
        {evaluation.has_report && (
          <a href={workspaceAddress(`evaluations/${id}/report`)} target="_blank" rel="noreferrer">
            {say().report}
          </a>
        )}
      </PlaceHead>
      <Figures
        of={[
          [say().mean, accuracy === null ? '—' : percent(accuracy)],
          ...(interval === null ? [] : [[say().interval, span(interval)] as const]),
          [say().tasks, number(tasks.length)],
        ]}
      />
      <Tasks of={tasks} />
      <Published of={evaluation} />
      <details>
        <summary>{say().settings}</summary>
        <Table
          caption={say().settings}
          columns={[
            { title: say().setting, cell: ([name]) => name },
            { title: say().value, cell: ([, value]) => String(value) },
          ]}
          rows={Object.entries(settings)}
          keyOf={([name]) => name}
          empty="—"
        />
      </details>
    </div>
  );
}

const span = ({ low, high }: { readonly low: number; readonly high: number }): string =>
  `${percent(low)} – ${percent(high)}`;

function Tasks({ of }: { readonly of: readonly Task[] }) {
  const columns: readonly Column<Task>[] = [
    { title: say().task, cell: ({ task, title }) => (title === task ? task : `${title} ${task}`) },
    { title: say().accuracy, kind: 'number', cell: ({ accuracy }) => (accuracy === null ? '—' : percent(accuracy)) },
    { title: say().interval, cell: ({ interval }) => (interval === null ? '—' : span(interval)) },
    { title: say().against, cell: (task) => <IntervalBar of={task} /> },
    { title: say().majority, kind: 'number', cell: ({ majority }) => (majority === null ? '—' : percent(majority)) },
    { title: say().random, kind: 'number', cell: ({ random }) => percent(random) },
    { title: say().examples, kind: 'number', cell: ({ examples }) => number(examples) },
  ];
  return (
    <section class="stack">
      <h3>{say().tasks}</h3>
      <Table caption={say().tasks} columns={columns} rows={of} keyOf={({ task }) => task} empty="—" />
      <p class="faint small-text">{say().barHint}</p>
    </section>
  );
}

interface Row {
  readonly name: string;
  readonly setting: string;
  readonly score: number | null;
  readonly tasks: Readonly<Record<string, number | null>>;
}

function Published({ of: { published, tasks, model, accuracy } }: { readonly of: Evaluation }) {
  if (published.length === 0) return null;
  const ours: Row = {
    ...{ name: model, setting: say().thisOne, score: accuracy },
    tasks: Object.fromEntries(tasks.map((one) => [one.task, one.accuracy])),
  };
  const others = published.map((row): Row => ({ ...row, setting: say().ways[row.setting] }));
  const columns: readonly Column<Row>[] = [
    { title: say().model, cell: (row) => (row === ours ? <strong>{row.name}</strong> : row.name) },
    { title: say().way, cell: ({ setting }) => setting },
    { title: say().total, kind: 'number', cell: ({ score }) => shown(score) },
    ...tasks.map(({ task }) => ({
      title: task,
      kind: 'number' as const,
      cell: (row: Row) => shown(row.tasks[task]),
    })),
  ];
  return (
    <section class="stack">
      <h3>{say().published}</h3>
      <Table
        caption={say().published}
        columns={columns}
        rows={[ours, ...others]}
        keyOf={({ name }) => name}
        empty="—"
      />
      <p class="faint small-text">{say().publishedHint}</p>
    </section>
  );
}

const shown = (share: number | null | undefined): string =>
  share === null || share === undefined ? '—' : number(share * 100, 1);
