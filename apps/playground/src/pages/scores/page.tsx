/** 评测: evaluations of the operator's folder, and of one its tasks beside what others have published. */
import type { WorkspaceEvaluation } from '@tunan/protocol';
import { percent } from '../../language.ts';
import type { PageProps } from '../page-props.ts';
import { Guarded, PlaceList } from '../workspace/room.tsx';
import { EvaluationView } from './evaluation-view.tsx';
import { say } from './words.ts';

export default function ScoresPage({ rest: [id] }: PageProps) {
  return <Guarded>{id === undefined ? <Evaluations /> : <EvaluationView key={id} id={id} />}</Guarded>;
}

function Evaluations() {
  return (
    <PlaceList<WorkspaceEvaluation>
      page="scores"
      route="evaluations"
      caption={say().evaluations}
      empty={say().noEvaluations}
      columns={[
        { title: say().suite, cell: ({ suite }) => suite },
        { title: say().model, cell: ({ model }) => model },
        {
          title: say().mean,
          kind: 'number',
          cell: ({ accuracy }) => (accuracy === null ? '—' : percent(accuracy)),
        },
      ]}
    />
  );
}
