/** The source types of a corpus recipe, with every field that each takes. */
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

const jsonlSource = z.strictObject({
  type: z.literal('jsonl'),
  name: z.string().min(1),
  licence: z.string().min(1),
  homepage: z.string().min(1).optional(),
  /** Files of one JSON object a line, .jsonl or .jsonl.zst; relative to the recipe's base directory. */
  paths: z.array(z.string().min(1)).min(1),
  /** Names of the fields in the file; `meta` lists fields to carry over as they are. */
  fields: z
    .strictObject({
      text: z.string().min(1).default('text'),
      title: z.string().min(1).optional(),
      id: z.string().min(1).optional(),
      meta: z.array(z.string().min(1)).default([]),
    })
    .default({ text: 'text', meta: [] }),
});

export const sourceSchema = z.discriminatedUnion('type', [npmPackageSource, jsonlSource]);

export type NpmPackageSource = z.infer<typeof npmPackageSource>;
export type JsonlSource = z.infer<typeof jsonlSource>;
export type Collection = z.infer<typeof collection>;
