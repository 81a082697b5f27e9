/** A file of any kind that is read here → its text in reading order. What it is is told by its content, never by its name. */
import { readFile, stat } from 'node:fs/promises';
import { decodeWhole } from '../reading/decoded-text.ts';
import { readBook } from './book.ts';
import { type DocumentFormat, formatOfZip, kindOfFile } from './document-format.ts';
import { writePage } from './page-blocks.ts';
import { readPresentation } from './presentation.ts';
import { readSpreadsheet } from './spreadsheet.ts';
import { TextBlocks } from './text-blocks.ts';
import { Unreadable } from './unreadable.ts';
import { readWord } from './word-document.ts';
import { ZipParts } from './zip-parts.ts';

export interface DocumentText {
  format: DocumentFormat;
  /** Of books; '' where the document has none apart from its text. */
  title: string;
  author: string;
  text: string;
  /** Pages of a PDF, slides, sheets or chapters; undefined where the file does not say. */
  pages?: number;
}

/** Of files that are read as a whole: PDF, pages, text. */
const MOST_BYTES = 256 * 2 ** 20;
const MOST_TEXT_BYTES = 32 * 2 ** 20;

/** @throws Unreadable with the reason why there is no text */
export async function readDocument(path: string): Promise<DocumentText> {
  const kind = await kindOfFile(path);
  if ('unreadable' in kind) throw new Unreadable(kind.unreadable);
  const found = 'zip' in kind ? await readZipped(path) : 'pdf' in kind ? await readPages(path) : await readPlain(path);
  if (found.text.trim() === '') throw new Unreadable('no-text-inside');
  return found;
}

async function readZipped(path: string): Promise<DocumentText> {
  using zip = await ZipParts.open(path);
  const format = await formatOfZip(zip);
  const none = { title: '', author: '' };
  if (format === 'docx') return { format, ...none, text: String(await readWord(zip)) };
  if (format === 'epub') {
    const { blocks, ...said } = await readBook(zip);
    return { format, ...said, text: String(blocks) };
  }
  if (format === 'pptx' || format === 'xlsx') {
    const { blocks, pages } = format === 'pptx' ? await readPresentation(zip) : await readSpreadsheet(zip);
    return { format, ...none, text: String(blocks), pages };
  }
  throw new Unreadable('not-a-document');
}

async function readPages(path: string): Promise<DocumentText> {
  if ((await stat(path)).size > MOST_BYTES) throw new Unreadable('document-too-large');
  const { readPdf } = await import('./pdf/read-pdf.ts');
  return { format: 'pdf', title: '', author: '', ...(await readPdf(await readFile(path))) };
}

/** Pages that go by the name of a document, and text without any form. */
async function readPlain(path: string): Promise<DocumentText> {
  if ((await stat(path)).size > MOST_TEXT_BYTES) throw new Unreadable('not-a-document');
  const decoded = decodeWhole(await readFile(path), 'auto');
  if ('damaged' in decoded) throw new Unreadable('not-a-document');
  const text = decoded.text.replace(/^\uFEFF/, '');
  const none = { title: '', author: '' };
  if (/^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|table)\b/is.test(text.slice(0, 4_000))) {
    const blocks = new TextBlocks();
    writePage(text, blocks);
    return { format: 'html', ...none, text: String(blocks) };
  }
  if (/^\s*<\?xml|^MIME-Version:/i.test(text)) throw new Unreadable('not-a-document');
  return { format: 'text', ...none, text };
}
