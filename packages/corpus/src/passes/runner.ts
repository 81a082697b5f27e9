/** Where a build runs: everything that is done once for each document, and the search for what is alike. */
import type { Decisions, DuplicateFinder } from './decide.ts';
import type { PassedDocuments } from './spilled-corpus.ts';
import type { Written } from './write-corpus.ts';

/** `read` comes first; what it gives is valid until the runner is disposed of. */
export interface Runner extends AsyncDisposable {
  /** Takes every unit of the sources through the document stages. */
  read(): Promise<PassedDocuments>;
  /** Finds duplicates among what was read. */
  finder(): DuplicateFinder;
  /** Writes shards and rejects. */
  write(decisions: Decisions): Promise<Written>;
}
