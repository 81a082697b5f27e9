/**
 * The unit of work. A source yields Drafts; each document stage returns a draft or a Rejection; what survives is
 * written as a Document. Drafts keep title and body apart because duplicates are judged by the body alone.
 */

/** One line of a corpus shard. */
export type Document = {
  /** Stable over rebuilds: the file inside the source, `#`, the index inside the file. */
  id: string;
  /** Title, newline, body; the body alone where there is no title. No end-of-document mark: sharding adds `<eod>`. */
  text: string;
  /** The source with its version, such as `chinese-poetry@2.0.1`. */
  source: string;
  meta: Record<string, string>;
};

/** A document on its way through the stages. */
export type Draft = { id: string; source: string; title: string; body: string; meta: Record<string, string> };

/** Why a stage did not let a draft pass. `reason` is a short kebab-case name that the report groups by. */
export type Rejection = { reason: string };

/** A stage that looks at one draft alone. It must be a pure function: the same draft always gives the same answer. */
export type DocumentStage = (draft: Draft) => Draft | Rejection;

export function isRejection(result: Draft | Rejection): result is Rejection {
  return 'reason' in result;
}

/** The text that is trained on. */
export function textOf(draft: Draft): string {
  return draft.title === '' ? draft.body : `${draft.title}\n${draft.body}`;
}
