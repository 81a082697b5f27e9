/**
 * The unit of work. A source yields Drafts; each document stage returns a draft or a Rejection; what survives is
 * written as a Document. Drafts keep title and body apart because duplicates are judged by the body alone.
 * A source of web pages yields drafts that carry the page: stage `decode` turns its bytes into HTML, stage `extract`
 * turns the HTML into title and body and lets the page go.
 */
import type { Rejection } from '@tunan/page';

export { isRejection, type Rejection } from '@tunan/page';

/** One line of a corpus shard. */
export interface Document {
  /** Stable over rebuilds: the file inside the source, `#`, the index inside the file. */
  id: string;
  /** Title, newline, body; the body alone where there is no title. No end-of-document mark: sharding adds `<eod>`. */
  text: string;
  /** The source with its version, such as `chinese-poetry@2.0.1`. */
  source: string;
  meta: Record<string, string>;
}

/** A web page as it was fetched. `html` is absent until its characters are known. */
export interface Page {
  bytes: Uint8Array;
  /** What the server said: the charset of the Content-Type header. What the page itself says stands in its bytes. */
  declared?: string | undefined;
  html?: string;
}

/**
 * A document on its way through the stages. `url` and `carried`, fields of the source that the recipe names in `fields.meta`, pass them
 * unchanged and become part of meta.
 */
export interface Draft {
  id: string;
  source: string;
  title: string;
  body: string;
  meta: Record<string, string>;
  carried?: Record<string, string>;
  url?: string;
  /** There until stage `extract`; title and body are empty as long. */
  page?: Page;
}

/** A stage that looks at one draft alone. It must be a pure function: the same draft always gives the same answer. */
export type DocumentStage = (draft: Draft) => Draft | Rejection;

/** The text that is trained on. */
export function textOf(draft: Draft): string {
  return draft.title === '' ? draft.body : `${draft.title}\n${draft.body}`;
}
