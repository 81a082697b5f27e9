/**
 * PDF with text → its text in reading order, by pdf.js. Heads, feet and numbers of pages are left out, and so is text that runs in another
 * direction than that of its page, such as watermarks.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { PDFDocumentProxy, PDFPageProxy, TextItem } from 'pdfjs-dist/types/src/display/api.js';
import { Unreadable } from '../unreadable.ts';
import { regionsOf } from './columns.ts';
import { writeParagraphs } from './paragraphs.ts';
import { withoutRunningLines } from './running-lines.ts';
import { type Line, linesOf, type Piece } from './text-line.ts';

/** A page of text has more; where most pages have none they are pictures. */
const LEAST_CHARACTERS = 8;
/** Of the characters; fonts that do not say what they show give private or control characters. */
const MOST_UNKNOWN = 0.2;

export async function readPdf(bytes: Uint8Array): Promise<{ text: string; pages: number }> {
  const pdf = await library();
  const folder = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));
  const data = (name: string) => join(folder, name, '/');
  const task = pdf.getDocument({
    data: new Uint8Array(bytes),
    cMapUrl: data('cmaps'),
    standardFontDataUrl: data('standard_fonts'),
    wasmUrl: data('wasm'),
    useSystemFonts: false,
    disableFontFace: true,
    isOffscreenCanvasSupported: false,
    verbosity: 0,
  });
  try {
    return await readPages(await task.promise);
  } catch (cause) {
    throw asUnreadable(cause);
  } finally {
    await task.destroy();
  }
}

async function readPages(document: PDFDocumentProxy): Promise<{ text: string; pages: number }> {
  const pages: Line[][] = [];
  for (let number = 1; number <= document.numPages; number++) {
    const page = await document.getPage(number);
    pages.push(linesOf(await piecesOf(page)));
    page.cleanup();
  }
  requireText(pages);
  const regions = withoutRunningLines(pages).map((lines) => regionsOf(lines));
  return { text: writeParagraphs(regions), pages: document.numPages };
}

/** The pieces of a page that run in its main direction, with that direction along x. */
async function piecesOf(page: PDFPageProxy): Promise<Piece[]> {
  const { items, styles } = await page.getTextContent();
  const { transform: turn } = page.getViewport({ scale: 1 });
  const directions = new Map<number, { characters: number; pieces: Piece[] }>();
  for (const item of items) {
    if (!('str' in item) || item.str.trim() === '') continue;
    const { piece, direction } = placed(item, turn, styles[item.fontName]?.vertical === true);
    const found = directions.get(direction) ?? { characters: 0, pieces: [] };
    found.characters += item.str.length;
    found.pieces.push(piece);
    directions.set(direction, found);
  }
  const main = [...directions.values()].sort((a, b) => b.characters - a.characters)[0];
  const pieces = main?.pieces ?? [];
  return areStacked(pieces)
    ? pieces.map((piece) => ({ ...piece, x: piece.y, y: -piece.x, width: piece.size }))
    : pieces;
}

/** Whether vertical text was placed character by character in a horizontal font: most stand right below the one before. */
function areStacked(pieces: readonly Piece[]): boolean {
  let below = 0;
  let others = 0;
  for (const [at, { text, x, y, size }] of pieces.entries()) {
    const next = pieces[at + 1];
    if (next === undefined || [...text.trim()].length > 1 || [...next.text.trim()].length > 1)
      others += [...text].length;
    else if (Math.abs(next.x - x) < 0.5 * size && next.y - y > 0.5 * size && next.y - y < 2 * size) below++;
    else others++;
  }
  return below > 20 && below > 2 * others;
}

/** Vertical text is a direction of its own: down the column, and from right to left. */
function placed(item: TextItem, turn: readonly number[], vertical: boolean): { piece: Piece; direction: number } {
  const [a, b, c, d, e, f] = multiply(turn, item.transform as number[]);
  const size = Math.hypot(c, d);
  if (vertical) {
    return {
      piece: { text: item.str, x: f, y: -e, width: Math.abs(item.height) || size * item.str.length, size },
      direction: 1_000,
    };
  }
  const angle = Math.atan2(b, a);
  const [along, down] = [Math.cos(angle), Math.sin(angle)];
  const piece = { text: item.str, x: e * along + f * down, y: f * along - e * down, width: item.width, size };
  return { piece, direction: Math.round((angle * 180) / Math.PI / 5) % 72 };
}

type Matrix = [number, number, number, number, number, number];

function multiply(m: readonly number[], n: readonly number[]): Matrix {
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = m;
  const [g = 1, h = 0, i = 0, j = 1, k = 0, l = 0] = n;
  return [a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * l + e, b * k + d * l + f];
}

/** @throws Unreadable where the pages are pictures, or nobody knows which characters they show */
function requireText(pages: readonly Line[][]): void {
  const texts = pages.map((lines) => lines.flatMap(({ stretches }) => stretches.map(({ text }) => text)).join(''));
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const empty = texts.filter((text) => text.length < LEAST_CHARACTERS).length;
  if (
    characters === 0 ||
    (pages.length > 1 && empty > 0.8 * pages.length && characters < LEAST_CHARACTERS * pages.length)
  ) {
    throw new Unreadable('scanned-document');
  }
  const unknown = texts.reduce((sum, text) => sum + [...text.matchAll(/[\p{Cc}\p{Co}\p{Cn}\uFFFD]/gu)].length, 0);
  if (unknown > MOST_UNKNOWN * characters) throw new Unreadable('characters-unknown');
}

/** What pdf.js says of a file is damage or a password; what it says of itself is passed on. */
function asUnreadable(cause: unknown): unknown {
  const { name = '' } = cause as Error;
  if (name === 'PasswordException') return new Unreadable('encrypted', { cause });
  const damaged = [
    'InvalidPDFException',
    'FormatError',
    'XRefParseException',
    'MissingDataException',
    'UnknownErrorException',
  ];
  return damaged.includes(name) ? new Unreadable('damaged-document', { cause }) : cause;
}

let loaded: Promise<typeof import('pdfjs-dist/legacy/build/pdf.mjs')> | undefined;

function library(): typeof loaded & {} {
  loaded ??= loadQuietly();
  return loaded;
}

/** It looks for a canvas, which text does not need, and warns where it finds none. */
async function loadQuietly() {
  const { warn, log } = console;
  console.warn = console.log = () => undefined;
  try {
    return await import('pdfjs-dist/legacy/build/pdf.mjs');
  } finally {
    console.warn = warn;
    console.log = log;
  }
}
