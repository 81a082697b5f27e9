/**
 * A WARC file of at least so many bytes from the pages of a folder, with seeded variation: every copy of a page has other comments
 * and attributes, so that no page comes twice and its text stays what it was. The same seed gives the same bytes. As in Common Crawl's
 * files the type of the content stands in each record, a charset in none.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { WholeFile } from '@tunan/files';
import { seededRandom } from '../seeded-random.ts';

export interface Page {
  readonly id: string;
  readonly path: string;
  readonly gold: string;
  /** Whether the kept text is known to be all of it. */
  readonly reliable: boolean;
}

export function readPages(folder: string): Page[] {
  return (JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { pages: Page[] }).pages;
}

export interface Archive {
  /** Bytes of HTML, before compression. */
  readonly bytes: number;
  readonly records: number;
}

export function writeArchive(
  file: string,
  folder: string,
  pages: readonly Page[],
  least: number,
  seed: number,
): Archive {
  using archive = new WholeFile(file);
  const random = seededRandom(seed);
  const sources = pages.map((page) => readFileSync(path.join(folder, page.path)));
  let bytes = 0;
  let records = 0;
  while (bytes < least) {
    const index = records % pages.length;
    const html = vary(sources[index]!, random);
    // One gzip member a record, as crawls have it.
    const address = addressOf(pages[index]!, Math.floor(records / pages.length));
    writeFileSync(archive.descriptor, gzipSync(response(address, html, identifierFrom(random)), { level: 1 }));
    bytes += html.length;
    records++;
  }
  archive.finish();
  return { bytes, records };
}

export function addressOf(page: Page, copy: number): string {
  return `http://site-${page.id.length % 7}.example/${copy}/${page.id}.html`;
}

/** The bytes are changed as Latin-1, between tags alone: no charset has an ASCII `>` or `<` inside a character of these pages' tags. */
function vary(page: Buffer, random: () => number): Buffer {
  const word = () => Math.floor(random() * 2 ** 32).toString(36);
  const text = page.toString('latin1').replace(/<(div|td|p|span|li|a)(?=[\s>])/gi, (tag) => {
    const draw = random();
    if (draw < 0.03) return `<!-- ${word()} -->${tag}`;
    if (draw < 0.08) return `${tag} data-v="${word()}"`;
    return tag;
  });
  return Buffer.from(`${text}\n<!-- ${word()} ${word()} -->`, 'latin1');
}

function identifierFrom(random: () => number): string {
  const digits = Array.from({ length: 4 }, () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20)}`;
}

function response(address: string, html: Buffer, identifier: string): Buffer {
  const http = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${html.length}\r\n\r\n`;
  const head = [
    'WARC/1.0',
    'WARC-Type: response',
    `WARC-Target-URI: ${address}`,
    'WARC-Date: 2026-01-01T00:00:00Z',
    `WARC-Record-ID: <urn:uuid:${identifier}>`,
    'WARC-Identified-Payload-Type: text/html',
    'Content-Type: application/http; msgtype=response',
    `Content-Length: ${http.length + html.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n${http}`), html, Buffer.from('\r\n\r\n')]);
}
