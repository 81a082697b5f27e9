/** What building a corpus and adding to one have in common: options, progress. */
import type { Progress } from '@tunan/corpus';
import { text } from './language.ts';
import { ProgressLine } from './progress.ts';
import { BUILD_STAGES } from './stage-names.ts';
import { StageRates } from './stage-rates.ts';

/** @param folder how the help calls the folder of the corpus: OUT, DIR */
export function corpusOptions(folder: string) {
  return {
    workers: {
      type: 'number',
      value: 'N',
      help: text('threads (default 2); the result does not depend on it', '线程数（默认 2），不影响结果'),
    },
    downloads: {
      type: 'string',
      value: 'DIR',
      help: text(
        `where fetched files are kept (default ${folder}.downloads)`,
        `下载文件的存放目录（默认 ${folder}.downloads）`,
      ),
    },
    memory: {
      type: 'number',
      value: 'MIB',
      help: text(
        'for the tables of duplicate detection (default 512); the result does not depend on it',
        '查重所用表的内存（默认 512 MiB），不影响结果',
      ),
    },
  } as const;
}

interface Given {
  readonly workers: number | undefined;
  readonly downloads: string | undefined;
  /** MiB. */
  readonly memory: number | undefined;
}

/** Work on a corpus as it is given to the package, with a line of progress. */
export class CorpusWork {
  readonly rates = new StageRates();
  readonly #given: Given;
  readonly #line = new ProgressLine();

  constructor(given: Given) {
    this.#given = given;
  }

  get options() {
    const { workers, downloads, memory } = this.#given;
    return {
      workers,
      downloads,
      memory: memory === undefined ? undefined : memory * 2 ** 20,
      onProgress: (step: Progress) => this.#line.show(`${BUILD_STAGES[step.stage]} ${this.rates.line(step)}`),
    };
  }

  end(): void {
    this.#line.end();
  }
}
