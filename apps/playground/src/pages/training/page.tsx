/** 训练: runs of the operator's folder, and one of them live. */
import type { WorkspaceRun } from '@tunan/protocol';
import { number, percent } from '../../language.ts';

import type { PageProps } from '../page-props.ts';
import { Guarded, PlaceList } from '../workspace/room.tsx';
import { RunState } from './run-state.tsx';
import { RunView } from './run-view.tsx';
import { say } from './words.ts';

export default function RunsPage({ rest: [id] }: PageProps) {
  return <Guarded>{id === undefined ? <Runs /> : <RunView key={id} id={id} />}</Guarded>;
}

function Runs() {
  return (
    <PlaceList<WorkspaceRun>
      page="runs"
      route="runs"
      caption={say().runs}
      empty={say().noRuns}
      columns={[
        { title: say().state, cell: (run) => <RunState of={run} /> },
        { title: say().steps, kind: 'number', cell: ({ step, steps }) => `${number(step)} / ${number(steps)}` },
        { title: say().share, kind: 'number', cell: ({ step, steps }) => percent(steps === 0 ? 0 : step / steps) },
        { title: say().loss, kind: 'number', cell: ({ loss }) => (loss === null ? '—' : number(loss, 4)) },
        {
          title: say().speed,
          kind: 'number',
          cell: ({ tokens_per_second: speed }) => (speed === null ? '—' : number(speed)),
        },
      ]}
    />
  );
}
