/**
 * Source type `warc`: web archives. Responses and resources with HTML become pages; `conversion` records (WET) become
 * text. The id is the file's name and the record's place in it, as Common Crawl's index has it.
 */
import type { Draft } from '../document.ts';
import { CorpusError } from '../errors.ts';
import { parseHttpMessage } from './http-message.ts';
import type { SourceItem } from './source-item.ts';
import type { UrlBlockList } from './url-block-list.ts';
import { readWarcRecords, type WarcPart, type WarcRecord } from './warc-records.ts';

export interface WarcFile {
  path: string;
  name: string;
  /** Where each record lay in the archive that it was fetched from: the place here, and there. */
  origins?: [here: number, there: number][];
  /** One of a list: where it is no archive it counts as damaged, and the build goes on. */
  listed?: boolean;
  /** The part of a large file that is read. */
  part?: WarcPart;
}

export async function* readWarcFile(
  source: string,
  file: WarcFile,
  blocked: UrlBlockList | undefined,
): AsyncGenerator<SourceItem> {
  const origins = file.origins === undefined ? undefined : new Map(file.origins);
  // A part of an archive is named `archive+offset`.
  const archive = origins === undefined ? file.name : file.name.replace(/\+\d+$/, '');
  for await (const item of file.listed === true
    ? listedRecords(file.path, file.part)
    : readWarcRecords(file.path, file.part)) {
    const origin = `${archive}#${origins?.get(item.offset) ?? item.offset}`;
    if ('damage' in item) yield { damaged: item.damage, id: origin };
    else yield itemOf(source, item.ordinal === 0 ? origin : `${origin}.${item.ordinal}`, item, blocked);
  }
}

async function* listedRecords(path: string, part: WarcPart | undefined): ReturnType<typeof readWarcRecords> {
  let told = false; // of the damage that makes it none
  try {
    for await (const item of readWarcRecords(path, part)) {
      told = true;
      yield item;
    }
  } catch (error) {
    if (!(error instanceof CorpusError)) throw error;
    if (!told) yield { damage: 'no-archive', offset: 0 };
  }
}

function itemOf(source: string, id: string, record: WarcRecord, blocked: UrlBlockList | undefined): SourceItem {
  const type = record.fields.get('warc-type') ?? '';
  if (type !== 'response' && type !== 'resource' && type !== 'conversion') return { skipped: `record-${type}` };
  const url = (record.fields.get('warc-target-uri') ?? '').replace(/^<|>$/g, '');
  if (blocked?.has(url) === true) return { skipped: 'blocked-address' };
  const draft = { id, source, url, title: '', body: '', meta: metaOf(record) };
  const contentType = record.fields.get('content-type') ?? '';
  if (type === 'conversion') {
    return isType(contentType, TEXT) ? { ...draft, body: record.content.toString('utf8') } : { skipped: 'not-text' };
  }
  if (!/^application\/http\b/i.test(contentType)) return pageOf(draft, contentType, record.content);
  const message = parseHttpMessage(record.content);
  if ('reason' in message) return { damaged: message.reason, id, url };
  if (message.status !== 200) return { skipped: `status-${message.status}` };
  return pageOf(draft, message.fields.get('content-type') ?? '', message.body);
}

const HTML = /^[\s"']*(?:(?:text|application)\/(?:x-)?(?:html|xhtml\+xml|vnd\.wap\.xhtml\+xml)|x?html)\b/i;
const TEXT = /^[\s"']*text\/plain\b/i;
/** Types that servers give to pages as well, and how a page begins. */
const LOOSE_TYPE =
  /^[\s"']*(?:text\/(?:plain|xml)|application\/(?:xml|octet-stream|x-unknown|unknown)|unknown\/unknown|[^/]*$)/i;
const PAGE_START = /^(?:ï»¿|\s|<\?xml[^>]*>|<!--[\s\S]*?-->)*<(?:!doctype\s+html|html[\s>])/i;

function isType(contentType: string, wanted: RegExp): boolean {
  return contentType === '' || wanted.test(contentType);
}

function pageOf(draft: Draft, contentType: string, bytes: Buffer): SourceItem {
  const isPage =
    isType(contentType, HTML) || (LOOSE_TYPE.test(contentType) && PAGE_START.test(bytes.toString('latin1', 0, 1_024)));
  if (!isPage) return { skipped: 'not-html' };
  const declared = /charset\s*=\s*["']?([^\s"';]+)/i.exec(contentType)?.[1];
  return { ...draft, page: { bytes, declared } };
}

function metaOf(record: WarcRecord): Record<string, string> {
  const fetched = record.fields.get('warc-date');
  return fetched === undefined ? {} : { fetched };
}
