/** 数据: the corpora of the operator's folder, and of one what was read, kept and dropped, and why. */
import type { WorkspaceCorpus } from '@tunan/protocol';
import { number } from '../../language.ts';
import type { PageProps } from '../page-props.ts';
import { Guarded, PlaceList } from '../workspace/room.tsx';
import { CorpusView } from './corpus-view.tsx';
import { say } from './words.ts';

export default function DataPage({ rest: [id] }: PageProps) {
  return <Guarded>{id === undefined ? <Corpora /> : <CorpusView key={id} id={id} />}</Guarded>;
}

function Corpora() {
  return (
    <PlaceList<WorkspaceCorpus>
      page="data"
      route="corpora"
      caption={say().corpora}
      empty={say().noCorpora}
      columns={[
        { title: say().name, cell: ({ name }) => name },
        { title: say().documents, kind: 'number', cell: ({ documents }) => number(documents) },
        { title: say().characters, kind: 'number', cell: ({ characters }) => number(characters) },
        { title: say().licence, cell: ({ licence }) => licence },
      ]}
    />
  );
}
