/** The source types of a corpus recipe, with every field that each takes. */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';

const collection = z.strictObject({
  /** Goes into meta.collection. */
  name: z.string().min(1),
  /** Paths inside the package; `*` stands for any characters but `/`. Files are read in natural number order. */
  files: z.array(z.string().min(1)).min(1),
  /** Field with the lines (array of strings, or one string); the first that a record has is taken. */
  lines: z.array(z.string().min(1)).min(1),
  /** Field with the title; the first non-empty one is taken. */
  title: z.array(z.string().min(1)).default([]),
  /** Title where the record has none. */
  untitled: z.string().default(''),
  /** Records nested in a book are titled `book·chapter` instead of `chapter`. */
  bookTitle: z.boolean().default(false),
  author: z.array(z.string().min(1)).default(['author']),
  dynasty: z.string().min(1).optional(),
  /** Stands for a space between two words in files that mark verses by spaces. */
  spaceAs: z.string().optional(),
  /** Stands for a line break inside a line. */
  breakAt: z.string().min(1).optional(),
  /** Ends a line that ends without punctuation. */
  lineEnd: z.string().optional(),
});

const npmPackageSource = z.strictObject({
  type: z.literal('npm-package'),
  package: z.string().min(1),
  version: z.string().min(1),
  licence: z.string().min(1),
  homepage: z.string().min(1).optional(),
  /** Folder inside the package that the paths start from. */
  root: z.string().default('.'),
  collections: z.array(collection).min(1),
});

/** What every source but a package says of itself. */
const described = {
  /** Goes into each document as `source`, and into the report. */
  name: z.string().min(1),
  licence: z.string().min(1),
  homepage: z.string().min(1).optional(),
};

/**
 * Files or folders relative to the recipe's base directory, or http(s) addresses, which are fetched once and kept; an
 * address may carry the SHA-256 that its content must have.
 */
const paths = z
  .array(z.union([z.string().min(1), z.strictObject({ url: z.url(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })]))
  .min(1);

/** Names of the fields in the file; `meta` lists fields to carry over as they are. */
const fields = z
  .strictObject({
    text: z.string().min(1).default('text'),
    title: z.string().min(1).optional(),
    id: z.string().min(1).optional(),
    url: z.string().min(1).optional(),
    meta: z.array(z.string().min(1)).default([]),
  })
  .default({ text: 'text', meta: [] });

/** One JSON object a line; plain, gzip or zstd. */
const jsonlSource = z.strictObject({ type: z.literal('jsonl'), ...described, paths, fields });

/** One document a row. */
const parquetSource = z.strictObject({ type: z.literal('parquet'), ...described, paths, fields });

const textSource = z.strictObject({
  type: z.literal('text'),
  ...described,
  paths,
  /** One document a file, or one a line; plain, gzip or zstd. */
  document: z.enum(['file', 'line']).default('file'),
  /** Name of the charset as browsers know it. */
  encoding: z.string().min(1).default('utf-8'),
});

/** Folders of saved pages: every .html, .htm, .xhtml and .shtml file below them. */
const htmlSource = z.strictObject({ type: z.literal('html'), ...described, paths });

/** Block lists: a host or an address a line. */
const blockLists = z.array(z.string().min(1)).default([]);

/** Web archives, WARC or WET; plain, gzip or zstd. */
const warcSource = z
  .strictObject({
    type: z.literal('warc'),
    ...described,
    paths: paths.optional(),
    /** Files that name one archive a line, such as Common Crawl's warc.paths.gz. */
    lists: paths.optional(),
    /** Stands before each relative line of the lists. */
    prefix: z.string().default(''),
    /** The first so many archives of the lists. */
    limit: z.int().min(1).optional(),
    blockLists,
  })
  .refine(
    (source) => source.paths !== undefined || source.lists !== undefined,
    inBoth('give paths or lists', '请给出 paths 或 lists'),
  );

/** The records of a crawl that its index says are Chinese; their byte ranges alone are fetched. */
const commonCrawlSource = z.strictObject({
  type: z.literal('common-crawl'),
  ...described,
  /**
   * Index files, local or by address: CDX lines (.gz), the answer of a CDX server, or Parquet of the columnar index. A CDX
   * server is asked page by page with `server` and a pattern of addresses, such as `*.cn`.
   */
  index: z.array(z.union([z.string().min(1), z.strictObject({ server: z.url(), match: z.string().min(1) })])).min(1),
  /** ISO 639-3 codes; a record is taken when the index names one of them among its languages. */
  languages: z
    .array(z.string().regex(/^[a-z]{3}$/))
    .min(1)
    .default(['zho']),
  /** Stands before the file names of the index. */
  prefix: z.url().default('https://data.commoncrawl.org/'),
  /** The first so many records. */
  limit: z.int().min(1).optional(),
  blockLists,
});

/** Files of a public repository at one commit, from its archive or from a local checkout. */
const repositorySource = z.strictObject({
  type: z.literal('repository'),
  ...described,
  /** Address of the repository, under which its host gives `archive/COMMIT.tar.gz`. */
  repository: z.url(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  collections: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        /** Paths inside the repository; `*` stands for any characters but `/`, `**` for any. */
        files: z.array(z.string().min(1)).min(1),
        /** A file is one document of text, one page, or JSON (or a zip of it) with dialogues. */
        form: z.enum(['text', 'html', 'dialogues']),
        /** What heads a text: nothing, the file's name, or the names of its folders but the first. */
        title: z.enum(['none', 'file', 'folders']).default('none'),
        /** In `dialogues`: the field with the list of turns, and the field of a turn with its words. */
        turns: z.string().min(1).default('messages'),
        words: z.string().min(1).default('message'),
      }),
    )
    .min(1),
});

export const sourceSchema = z.discriminatedUnion('type', [
  npmPackageSource,
  jsonlSource,
  parquetSource,
  textSource,
  htmlSource,
  warcSource,
  commonCrawlSource,
  repositorySource,
]);

export type NpmPackageSource = z.infer<typeof npmPackageSource>;
export type JsonlSource = z.infer<typeof jsonlSource>;
export type ParquetSource = z.infer<typeof parquetSource>;
export type TextSource = z.infer<typeof textSource>;
export type CommonCrawlSource = z.infer<typeof commonCrawlSource>;
export type RepositorySource = z.infer<typeof repositorySource>;
export type WarcSource = z.infer<typeof warcSource>;
export type PathEntry = JsonlSource['paths'][number];
export type Collection = z.infer<typeof collection>;
