/**
 * One page or text through the document stages of a recipe, with what each stage decided: for a person who wants to know
 * why a page is dropped, and for programs that clean one page at a time. Duplicates need a corpus and are not looked for.
 */
import { decodePage } from '@tunan/page';
import { type ChangedPlace, changedPlaces } from './changed-places.ts';
import { type Draft, isRejection, textOf } from './document.ts';
import type { Recipe } from './recipe/recipe.ts';
import { documentStages } from './stages/document-stages.ts';

export interface StageDecision {
  stage: string;
  /** Code points of the text before and after; before `extract` a page has none. */
  before: number;
  after: number;
  changed: boolean;
  /** The first places where the stage changed the text; none where it wrote the text, as `extract` does. */
  places: ChangedPlace[];
  /** What the stage wrote into the document's meta. */
  marks: Record<string, string>;
  /** Why the page is dropped; the last decision alone has it. */
  reason?: string;
  detail?: string;
}

/** `text` is undefined where a stage dropped the page; the last decision says why. */
export interface CleanedPage {
  text: string | undefined;
  meta: Record<string, string>;
  decisions: StageDecision[];
}

export interface CleanOptions {
  /** Where the page stood, for stages that look at it. */
  url?: string;
  /** What the recipe's paths start from; the working directory where absent. */
  base?: string;
}

/** @throws CorpusError where a file that a stage needs is missing */
export async function cleanPage(bytes: Uint8Array, recipe: Recipe, options: CleanOptions = {}): Promise<CleanedPage> {
  const stages = await documentStages(recipe, options.base ?? process.cwd());
  const decisions: StageDecision[] = [];
  const url = options.url === undefined ? {} : { url: options.url };
  let draft: Draft = { id: 'page', source: 'page', title: '', body: '', meta: {}, ...url, page: { bytes } };
  const isText = !looksLikeHtml(bytes);
  if (isText) {
    const decoded = decodePage(bytes);
    if (isRejection(decoded)) {
      const nothing = { before: 0, after: 0, changed: false, places: [], marks: {} };
      return { text: undefined, meta: {}, decisions: [{ stage: 'decode', ...nothing, ...decoded }] };
    }
    const { page: _, ...rest } = draft;
    const meta = { encoding: decoded.encoding };
    draft = { ...rest, body: decoded.text, meta };
    const size = length(decoded.text);
    decisions.push({ stage: 'decode', before: size, after: size, changed: false, places: [], marks: meta });
  }
  for (const { name, run } of stages) {
    // A text is no page: it is decoded, and there is nothing to extract it from.
    if (isText && PAGE_STAGES.has(name)) continue;
    const before = draft;
    const result = run(draft);
    if (isRejection(result)) {
      const size = length(textOf(before));
      decisions.push({ stage: name, before: size, after: size, changed: false, places: [], marks: {}, ...result });
      return { text: undefined, meta: before.meta, decisions };
    }
    draft = result;
    decisions.push(decisionOf(name, before, draft));
  }
  return { text: textOf(draft), meta: draft.meta, decisions };
}

const PAGE_STAGES = new Set(['decode', 'extract']);

function decisionOf(stage: string, before: Draft, after: Draft): StageDecision {
  const marks = Object.entries(after.meta).filter(([key, value]) => before.meta[key] !== value);
  const [old, text] = [textOf(before), textOf(after)];
  return {
    stage,
    before: length(old),
    after: length(text),
    changed: old !== text,
    places: changedPlaces(old, text),
    marks: Object.fromEntries(marks),
  };
}

function length(text: string): number {
  return [...text].length;
}

/** A tag of the outer structure, or several of any kind, near the beginning. */
function looksLikeHtml(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1 << 16))
    .toString('latin1')
    .replaceAll('\0', '');
  if (/<(!doctype|html|head|body|meta|title|table|div)\b/i.test(start)) return true;
  return (start.match(/<\/?[a-z][a-z0-9]*(\s[^<>]*)?>/gi)?.length ?? 0) >= 4;
}
