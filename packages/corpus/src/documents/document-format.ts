/** What a file is, by its content: names of files that people pass on are often wrong. */
import { open } from 'node:fs/promises';
import { mainPart } from './relationships.ts';
import { Unreadable, type UnreadableReason } from './unreadable.ts';
import { ZipParts } from './zip-parts.ts';

export type ZippedFormat = 'docx' | 'pptx' | 'xlsx' | 'epub' | 'odt' | 'ods' | 'odp';
export type DocumentFormat = ZippedFormat | 'pdf' | 'html' | 'text';

const HEAD_BYTES = 1_024;
/** Where the names of an old file are looked for: its directory may lie anywhere. */
const OLD_FILE_BYTES = 64 * 2 ** 20;
const OLD_FILE = Buffer.from('d0cf11e0a1b11ae1', 'hex');

export type FileKind = { zip: true } | { pdf: true } | { other: true } | { unreadable: UnreadableReason };

/** By the first bytes, and of old office files by the streams that they hold. */
export async function kindOfFile(path: string): Promise<FileKind> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    const text = head.toString('latin1');
    if (bytesRead === 0) return { unreadable: 'empty-file' };
    if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return { zip: true };
    if (text.includes('%PDF-')) return { pdf: true };
    if (text.startsWith('{\\rtf')) return { unreadable: 'rich-text-file' };
    if (text.includes('<?mso-application progid="Word')) return { unreadable: 'old-word-file' };
    if (text.includes('<?mso-application progid="Excel')) return { unreadable: 'old-excel-file' };
    if (!head.subarray(0, 8).equals(OLD_FILE)) return { other: true };
    const most = Math.min(OLD_FILE_BYTES, (await file.stat()).size);
    const { buffer: all, bytesRead: size } = await file.read(Buffer.alloc(most), 0, most, 0);
    return { unreadable: oldFileReason(all.subarray(0, size)) };
  } finally {
    await file.close();
  }
}

/** Whether a file is one of those that are read by their form, or would be with another program; pages and text are none. */
export async function isDocument(path: string): Promise<boolean> {
  const kind = await kindOfFile(path);
  if ('zip' in kind) return await isZippedDocument(path);
  return 'pdf' in kind || ('unreadable' in kind && kind.unreadable !== 'empty-file');
}

async function isZippedDocument(path: string): Promise<boolean> {
  try {
    using zip = await ZipParts.open(path);
    return (await formatOfZip(zip)) !== undefined;
  } catch (error) {
    if (error instanceof Unreadable) return false; // an archive that is damaged or a bomb, and was not called a document
    throw error;
  }
}

/** Streams of compound files; a new document with a password is one too ([MS-OFFCRYPTO]). */
function oldFileReason(bytes: Buffer): UnreadableReason {
  const holds = (name: string) => bytes.includes(Buffer.from(`${name}\0`, 'utf16le'));
  if (holds('EncryptedPackage')) return 'encrypted';
  if (holds('WordDocument')) return 'old-word-file';
  if (holds('Workbook') || holds('Book')) return 'old-excel-file';
  if (holds('PowerPoint Document')) return 'old-powerpoint-file';
  return 'old-office-file';
}

/** undefined where an archive is no document. */
export async function formatOfZip(zip: ZipParts): Promise<ZippedFormat | undefined> {
  const type = (await zip.bytes('mimetype', 1_000))?.toString('latin1').trim() ?? '';
  if (type === 'application/epub+zip' || zip.has('META-INF/container.xml')) return 'epub';
  const open = /^application\/vnd\.oasis\.opendocument\.(text|spreadsheet|presentation)/.exec(type)?.[1];
  if (open !== undefined) return open === 'text' ? 'odt' : open === 'spreadsheet' ? 'ods' : 'odp';
  const main = (await mainPart(zip)) ?? '';
  if (/document[^/]*\.xml$/i.test(main)) return 'docx';
  if (/presentation[^/]*\.xml$/i.test(main)) return 'pptx';
  return /workbook[^/]*\.xml$/i.test(main) ? 'xlsx' : undefined;
}
