/** What a source gives, in file order: drafts, places where none could be read, and records that are none by intent. */
import type { Said } from '@tunan/protocol/mistakes';
import type { Draft } from '../document.ts';

/** Part of the source that is damaged: counted and listed among the rejects of stage `read`. */
export interface Damaged {
  damaged: string;
  id: string;
  url?: string;
  /** Where and what, for a person who fixes it. */
  detail?: Said;
  /** What stands there. */
  text?: string;
}

/** A record that is no document (a request, an image, a blocked address): counted by its kind. */
export interface Skipped {
  skipped: string;
}

export type SourceItem = Draft | Damaged | Skipped;
