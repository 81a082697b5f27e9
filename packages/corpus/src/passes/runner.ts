/** What a build is asked for and where it runs: everything that is done once for each document, and the search for what is alike. */
import type { DuplicateFinder } from '../duplicates/finder.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Input } from '../sources/units.ts';
import type { Decisions } from './decide.ts';
import type { PassedDocuments } from './spilled-corpus.ts';
import type { Written } from './write-corpus.ts';

/** `done` of `total` steps (downloads, files, bands, shards); documents and bytes so far in this stage, for a throughput. */
export interface Progress {
  stage: 'fetch' | 'read' | 'duplicates' | 'write';
  done: number;
  total: number;
  documents: number;
  bytes: number;
}

export interface BuildOptions {
  out: string;
  /** Threads; 2 where absent. The result does not depend on it. */
  workers?: number | undefined;
  /** Relative paths of the recipe and its npm packages are looked for from here; the working directory where absent. */
  base?: string;
  /** Where files from the net are kept; `OUT.downloads` where absent. */
  downloads?: string | undefined;
  /** Local checkouts that stand in for repositories, by the name of the source. */
  local?: Record<string, string> | undefined;
  /** Folders of collected texts, which stand in for the sources that they hold. */
  collected?: readonly string[] | undefined;
  /** Parts of the recipe that are taken or left, whatever it says itself. */
  parts?: Readonly<Record<string, boolean>> | undefined;
  /** Threads of this machine, or a stock Apache Spark; `local` where absent. The shards are the same bytes. */
  runner?: 'local' | 'spark' | undefined;
  /** Master URL for Spark; what its own configuration says where absent, else `workers` threads of this machine. */
  sparkMaster?: string | undefined;
  /** Bytes for the tables of duplicate detection, besides about 150 bytes a document; 512 MiB where absent. */
  memory?: number | undefined;
  onProgress?: (progress: Progress) => void;
}

/** A build as a runner gets it. @property directory of the corpus, as far as it is built @property work for temporary files */
export interface RunnerTask {
  recipe: Recipe;
  inputs: Input[];
  directory: string;
  work: string;
  options: BuildOptions;
}

/** `read` comes first; what it gives is valid until the runner is disposed of. */
export interface Runner extends AsyncDisposable {
  /** Takes every unit of the sources through the document stages. */
  read(): Promise<PassedDocuments>;
  /** Finds duplicates among what was read. */
  finder(): DuplicateFinder;
  /** Writes shards and rejects. */
  write(decisions: Decisions): Promise<Written>;
}
