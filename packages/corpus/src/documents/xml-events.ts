/** XML as it comes, element by element: names without their prefixes, nothing kept, no entities but those of XML itself. */
import { Parser } from 'htmlparser2';
import { Unreadable } from './unreadable.ts';
import type { ZipParts } from './zip-parts.ts';

export type Attributes = Readonly<Record<string, string>>;

/** `path` holds the names of the open elements, this one last. */
export interface XmlHandler {
  open?(name: string, attributes: Attributes, path: readonly string[]): void;
  /** `path` is that of the parent. */
  close?(name: string, path: readonly string[]): void;
  text?(text: string, path: readonly string[]): void;
}

/** Deeper than any program writes. */
const DEEPEST = 2_000;

/** Reads a part; one that is not there has no elements. @throws Unreadable */
export async function readXml(zip: ZipParts, part: string, handler: XmlHandler): Promise<void> {
  const parser = xmlParser(handler);
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  for await (const piece of zip.read(part)) {
    decoder ??= new TextDecoder(/^(\xff\xfe|\xfe\xff)/.test(piece.toString('latin1', 0, 2)) ? utf16(piece) : 'utf-8');
    parser.write(decoder.decode(piece, { stream: true }));
  }
  if (decoder !== undefined) parser.write(decoder.decode());
  parser.end();
}

function utf16(piece: Buffer): string {
  return piece[0] === 0xff ? 'utf-16le' : 'utf-16be';
}

function xmlParser(handler: XmlHandler): Parser {
  const path: string[] = [];
  return new Parser(
    {
      onopentag(name, attributes) {
        const local = localName(name);
        path.push(local);
        if (path.length > DEEPEST) throw new Unreadable('damaged-document');
        handler.open?.(local, localAttributes(attributes), path);
      },
      onclosetag(name) {
        path.pop();
        handler.close?.(localName(name), path);
      },
      ontext(found) {
        handler.text?.(found, path);
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** `r:id` is kept beside `id`: both stand in one element of a presentation. */
function localAttributes(attributes: Record<string, string>): Attributes {
  const local: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('r:')) local[name] = value;
    else local[localName(name)] = value;
  }
  return local;
}

/** `on` where an element such as `<w:b/>` is there, unless it says no. */
export function isOn({ val = 'true' }: Attributes): boolean {
  return !['0', 'false', 'off', 'none'].includes(val);
}
