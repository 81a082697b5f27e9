/**
 * How mistakes in what people write are found and told, in English and in Chinese.
 *
 * A package never decides on a language: it throws an error whose `message` is English and whose `chinese` says the same, and the
 * command line or the server shows one of them. Needs a file system; the page in the browser does not import this entry.
 *
 * @module @tunan/protocol/mistakes
 */
export { type Said, systemProblem } from '@tunan/files';
export { findMistakes, listMistakes, type Mistake } from './find-mistakes.ts';
export { hintAt, nearest } from './nearest.ts';
export { readJsonFile } from './read-json.ts';
export { chineseOf, inBoth } from './said.ts';
export { schemaReference } from './schema-reference.ts';
