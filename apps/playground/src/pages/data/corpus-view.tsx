/** One corpus: its funnel, reasons, marks, splits and collections. */
import type { WorkspaceCorpusDetails } from '@tunan/protocol';
import { number, percent, said } from '../../language.ts';
import { Notice } from '../../parts/notice.tsx';
import { Table } from '../../parts/table.tsx';
import { useWorkspace, workspaceAddress } from '../../server/workspace.ts';
import { Figures, PlaceHead } from '../workspace/room.tsx';
import { ShareBar } from '../workspace/share-bar.tsx';
import { say } from './words.ts';

type Corpus = WorkspaceCorpusDetails;

export function CorpusView({ id }: { readonly id: string }) {
  const { value: corpus, refusal } = useWorkspace<Corpus>(`corpora/${id}`);
  if (refusal !== undefined) {
    return (
      <div class="stack">
        <PlaceHead page="data" title={id} />
        <Notice kind="alarm">{refusal}</Notice>
      </div>
    );
  }
  if (corpus === undefined) return null;
  const { documents, characters, read, dropped, bytes } = corpus;
  return (
    <div class="stack">
      <PlaceHead page="data" title={corpus.name}>
        <span class="faint">{corpus.path}</span>
        {corpus.has_report && (
          <a href={workspaceAddress(`corpora/${id}/report`)} target="_blank" rel="noreferrer">
            {say().report}
          </a>
        )}
      </PlaceHead>
      <Figures
        of={[
          [say().kept, number(documents)],
          [say().dropped, `${number(dropped)} (${percent(read === 0 ? 0 : dropped / read)})`],
          [say().characters, number(characters)],
          [say().perDocument, number(documents === 0 ? 0 : characters / documents)],
          [say().distinct, number(corpus.distinct_characters)],
          [say().bytes, mebibytes(bytes)],
          [say().licence, corpus.licence],
        ]}
      />
      <Funnel of={corpus} />
      <Reasons of={corpus} />
      <Marks of={corpus} />
      <Splits of={corpus} />
      <Collections of={corpus} />
      <Sources of={corpus} />
    </div>
  );
}

const mebibytes = (bytes: number): string => `${number(bytes / 2 ** 20, 1)} MiB`;

function Funnel({ of: { stages, read } }: { readonly of: Corpus }) {
  return (
    <section class="stack">
      <h3>{say().stages}</h3>
      <Table
        caption={say().stages}
        columns={[
          { title: say().stage, cell: ({ label }) => said(label) },
          { title: say().comeIn, kind: 'number', cell: ({ documents }) => number(documents) },
          { title: say().share, cell: ({ documents }) => <ShareBar share={documents / Math.max(1, read)} /> },
          {
            title: say().dropped,
            kind: 'number',
            cell: ({ reasons }) => number(reasons.reduce((sum, { documents }) => sum + documents, 0)),
          },
          { title: say().changed, kind: 'number', cell: ({ changed }) => (changed === null ? '—' : number(changed)) },
        ]}
        rows={stages}
        keyOf={({ name }) => name}
        empty={say().none}
      />
    </section>
  );
}

function Reasons({ of: { stages, dropped } }: { readonly of: Corpus }) {
  const rows = stages
    .flatMap(({ name, label, reasons }) => reasons.map((reason) => ({ stage: name, stageLabel: label, ...reason })))
    .sort((a, b) => b.documents - a.documents);
  return (
    <section class="stack">
      <h3>{say().reasons}</h3>
      <Table
        caption={say().reasons}
        columns={[
          { title: say().reason, cell: ({ label }) => said(label) },
          { title: say().stage, cell: ({ stageLabel }) => said(stageLabel) },
          { title: say().documents, kind: 'number', cell: ({ documents }) => number(documents) },
          {
            title: say().share,
            cell: ({ documents }) => <ShareBar dropped share={documents / Math.max(1, dropped)} />,
          },
        ]}
        rows={rows}
        keyOf={({ stage, name }) => `${stage} ${name}`}
        empty={say().noneDropped}
      />
    </section>
  );
}

/** Languages and scripts are among them. */
function Marks({ of: { marks, documents: all } }: { readonly of: Corpus }) {
  const fields = say().fields;
  const rows = marks.flatMap(({ field, kinds }) => kinds.map((kind) => ({ field, ...kind })));
  if (rows.length === 0) return null;
  return (
    <section class="stack">
      <h3>{say().marks}</h3>
      <Table
        caption={say().marks}
        columns={[
          { title: say().field, cell: ({ field }) => fields[field] ?? field },
          { title: say().kind, cell: ({ label }) => said(label) },
          { title: say().documents, kind: 'number', cell: ({ documents }) => number(documents) },
          { title: say().share, cell: ({ documents }) => <ShareBar share={documents / Math.max(1, all)} /> },
        ]}
        rows={rows}
        keyOf={({ field, name }) => `${field} ${name}`}
        empty={say().none}
      />
    </section>
  );
}

function Splits({ of: { splits } }: { readonly of: Corpus }) {
  return (
    <section class="stack">
      <h3>{say().splits}</h3>
      <Table
        caption={say().splits}
        columns={[
          { title: say().split, cell: ({ label }) => said(label) },
          { title: say().documents, kind: 'number', cell: ({ documents }) => number(documents) },
          { title: say().characters, kind: 'number', cell: ({ characters }) => number(characters) },
          { title: say().onDisk, kind: 'number', cell: ({ bytes }) => mebibytes(bytes) },
        ]}
        rows={splits}
        keyOf={({ name }) => name}
        empty={say().none}
      />
    </section>
  );
}

function Collections({ of: { collections, characters: all } }: { readonly of: Corpus }) {
  return (
    <section class="stack">
      <h3>{say().collections}</h3>
      <Table
        caption={say().collections}
        columns={[
          { title: say().collection, cell: ({ name }) => name },
          { title: say().read, kind: 'number', cell: ({ read }) => number(read) },
          { title: say().kept, kind: 'number', cell: ({ kept }) => number(kept) },
          { title: say().characters, kind: 'number', cell: ({ characters }) => number(characters) },
          { title: say().share, cell: ({ characters }) => <ShareBar share={characters / Math.max(1, all)} /> },
        ]}
        rows={collections}
        keyOf={({ name }) => name}
        empty={say().none}
      />
    </section>
  );
}

function Sources({ of: { sources } }: { readonly of: Corpus }) {
  return (
    <details>
      <summary>{say().sources(sources.length)}</summary>
      <Table
        caption={say().sources(sources.length)}
        columns={[
          {
            title: say().source,
            cell: ({ source, homepage }) => (isAddress(homepage) ? <a href={homepage}>{source}</a> : source),
          },
          { title: say().licence, cell: ({ licence }) => licence ?? '—' },
          { title: say().bytesRead, kind: 'number', cell: ({ bytes }) => mebibytes(bytes) },
        ]}
        rows={sources}
        keyOf={({ source }) => source}
        empty={say().none}
      />
    </details>
  );
}

/** A manifest may hold anything: no address of another kind becomes a link. */
const isAddress = (text: string | null): text is string => text !== null && /^https?:\/\//i.test(text);
