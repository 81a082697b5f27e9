/** Which parts of an Office Open XML package belong to which: the .rels files (ECMA-376, part 2). */
import { readXml } from './xml-events.ts';
import { resolvePart, type ZipParts } from './zip-parts.ts';

export interface Relationship {
  id: string;
  /** Last word of its type: `officeDocument`, `footnotes`, `slide`. */
  type: string;
  /** Name of the part inside the archive. */
  target: string;
}

/** What `part` refers to; '' is the package itself. */
export async function relationshipsOf(zip: ZipParts, part: string): Promise<Relationship[]> {
  const at = part.lastIndexOf('/') + 1;
  const found: Relationship[] = [];
  await readXml(zip, `${part.slice(0, at)}_rels/${part.slice(at)}.rels`, {
    open(name, { Id = '', Type = '', Target = '', TargetMode }) {
      if (name !== 'Relationship' || TargetMode === 'External') return;
      found.push({ id: Id, type: Type.slice(Type.lastIndexOf('/') + 1), target: resolvePart(part, Target) });
    },
  });
  return found;
}

/** The part that the package is about. */
export async function mainPart(zip: ZipParts): Promise<string | undefined> {
  const all = await relationshipsOf(zip, '');
  return all.find(({ type, target }) => type === 'officeDocument' && zip.has(target))?.target;
}
