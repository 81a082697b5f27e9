/**
 * Marks of generated content, as GB 45438-2025 names them: an implicit one, a field `AIGC` of the answer with its elements, and an explicit
 * one, a notice at the end of each text. Who hands texts on as files writes the field into their metadata; that is not done here.
 */
import type { Aigc } from '@tunan/protocol';

export interface ContentMark {
  /** The name or code of who serves. */
  readonly producer: string;
  /** Whether texts end with the notice. */
  readonly notice: boolean;
}

/** Words that the standard asks for: that it is artificial intelligence, and that it made the text. */
export const NOTICE = '\n（本内容由人工智能生成）';

/** @param id of the answer */
export function aigcOf(mark: ContentMark | undefined, id: string): { readonly AIGC?: Aigc } {
  if (mark === undefined) return {};
  const [Label, ContentProducer] = ['1', mark.producer]; // 1: generated, without doubt
  return {
    AIGC: {
      ...{ Label, ContentProducer, ProduceID: id, ReservedCode1: '' },
      ...{ ContentPropagator: '', PropagateID: '', ReservedCode2: '' },
    },
  };
}
