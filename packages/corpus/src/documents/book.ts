/**
 * EPUB 2 and 3: the chapters in the order of the spine, their title and author from the package document. Tables of contents are left out.
 * Books whose chapters are encrypted (DRM) are not read; fonts may be.
 */
import { decodeWhole } from '../reading/decoded-text.ts';
import { writePage } from './page-blocks.ts';
import { TextBlocks } from './text-blocks.ts';
import { Unreadable } from './unreadable.ts';
import { readXml } from './xml-events.ts';
import { resolvePart, type ZipParts } from './zip-parts.ts';

const MOST_CHAPTER_BYTES = 64 * 2 ** 20;

export interface Book {
  blocks: TextBlocks;
  title: string;
  author: string;
  pages: number;
}

export async function readBook(zip: ZipParts): Promise<Book> {
  const { chapters, title, author } = await readPackage(zip);
  const locked = await encryptedParts(zip);
  if (chapters.some((chapter) => locked.has(chapter))) throw new Unreadable('encrypted');
  const blocks = new TextBlocks();
  for (const chapter of chapters) {
    const bytes = await zip.bytes(chapter, MOST_CHAPTER_BYTES);
    if (bytes !== undefined) writePage(htmlOf(bytes), blocks);
  }
  return { blocks, title, author, pages: chapters.length };
}

async function readPackage(zip: ZipParts): Promise<{ chapters: string[]; title: string; author: string }> {
  let root: string | undefined;
  await readXml(zip, 'META-INF/container.xml', {
    open(name, attributes) {
      if (name === 'rootfile') root ??= attributes['full-path'];
    },
  });
  root ??= zip.names.find((name) => /\.opf$/i.test(name));
  if (root === undefined || !zip.has(root)) throw new Unreadable('damaged-document');
  const opf = root;
  const items = new Map<string, string>();
  const chapters: string[] = [];
  const said: Record<'title' | 'creator', string[]> = { title: [], creator: [] };
  await readXml(zip, opf, {
    open(name, { id = '', href = '', 'media-type': type = '', properties = '', idref = '' }, path) {
      if (path.includes('metadata') && (name === 'title' || name === 'creator')) said[name].push('');
      if (name === 'item' && /html|xml$/.test(type) && !/\bnav\b/.test(properties)) items.set(id, pathOf(opf, href));
      const chapter = name === 'itemref' && path.includes('spine') ? items.get(idref) : undefined;
      if (chapter !== undefined) chapters.push(chapter);
    },
    text(text, path) {
      const name = path.at(-1);
      if (!path.includes('metadata') || (name !== 'title' && name !== 'creator')) return;
      said[name][said[name].length - 1] += text;
    },
  });
  const first = (texts: readonly string[]) => texts.map((text) => text.trim()).find((text) => text !== '') ?? '';
  return { chapters, title: first(said.title), author: first(said.creator) };
}

function pathOf(opf: string, href: string): string {
  const plain = href.replace(/#.*$/, '');
  try {
    return resolvePart(opf, decodeURIComponent(plain));
  } catch {
    return resolvePart(opf, plain); // a % that begins no character stands for itself
  }
}

/** Parts that META-INF/encryption.xml names. */
async function encryptedParts(zip: ZipParts): Promise<Set<string>> {
  const parts = new Set<string>();
  await readXml(zip, 'META-INF/encryption.xml', {
    open(name, { URI = '' }) {
      if (name === 'CipherReference') parts.add(pathOf('', URI));
    },
  });
  return parts;
}

/** In the charset that its XML declaration names, else by its bytes. */
function htmlOf(bytes: Buffer): string {
  const declared = /^\s*<\?xml[^>]*encoding=["']([\w-]+)/.exec(bytes.toString('latin1', 0, 200))?.[1];
  const found = decodeWhole(bytes, 'auto');
  if (!('damaged' in found)) return found.text;
  const named = declared === undefined ? found : decodeWhole(bytes, declared);
  if ('damaged' in named) throw new Unreadable('damaged-document');
  return named.text;
}
