export interface PageProps {
  /** What stands behind the page's own name in the address. */
  readonly rest: readonly string[];
}
