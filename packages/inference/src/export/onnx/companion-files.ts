/**
 * What stands beside the graph of an exported model, as the Hugging Face hub lays such directories out: config, tokenizer, chat template
 * and the ids that end a text. Several types of one model share them.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { type ModelConfig, toHuggingFaceConfig } from '@tunan/model';
import { ExportError } from '../errors.ts';

const CONFIG = 'config.json';
const GENERATION = 'generation_config.json';
const TOKENIZER_CONFIG = 'tokenizer_config.json';
const TEMPLATE = 'chat_template.jinja';
const COPIED = ['tokenizer.json', TOKENIZER_CONFIG, TEMPLATE, 'LICENSE'];

/** What transformers.js reads in config.json. */
const OWN_FIELD = 'transformers.js_config';

/**
 * The files, by name. A model that is there already in another type keeps what its config.json says of it.
 * @param external the graph's file, where its weights stand in a second one
 * @throws ExportError EXPORT_EXISTS where something else stands in `output`
 */
export function companionFiles(
  directory: string,
  output: string,
  config: ModelConfig,
  external: string | undefined,
): Map<string, string> {
  const own = toHuggingFaceConfig(config);
  const { use_external_data_format: known, ...others } = ownFieldThere(path.join(output, CONFIG), own);
  const files = external === undefined ? known : { ...known, [external]: 1 };
  const field = { ...others, ...(files && { use_external_data_format: files }) };
  const { bos_token_id, eos_token_id } = own;
  const written = new Map([[GENERATION, json({ _from_model_config: true, bos_token_id, eos_token_id })]]);
  for (const name of [GENERATION, ...COPIED]) {
    const from = path.join(directory, name);
    if (existsSync(from)) written.set(name, readFileSync(from, 'utf8'));
  }
  const template = written.get(TEMPLATE);
  if (template !== undefined) {
    // transformers.js looks for a chat template here alone.
    const tokenizer = JSON.parse(written.get(TOKENIZER_CONFIG) ?? '{}') as object;
    written.set(TOKENIZER_CONFIG, json({ ...tokenizer, chat_template: template }));
  }
  return written.set(CONFIG, json({ ...own, ...(Object.keys(field).length > 0 && { [OWN_FIELD]: field }) }));
}

/** What a config.json that is there says to transformers.js. @throws ExportError EXPORT_EXISTS where it is that of another model */
function ownFieldThere(file: string, own: Record<string, unknown>): { use_external_data_format?: object } {
  if (!existsSync(file)) return {};
  const there = readIfConfig(file);
  const { [OWN_FIELD]: field = {}, ...rest } = there ?? {};
  if (there !== undefined && JSON.stringify(rest) === JSON.stringify(own)) return field as object;
  const said = {
    en: `${file} is that of another model: give another --out`,
    zh: `${file} 属于另一个模型：请换一个 --out`,
  };
  throw new ExportError('EXPORT_EXISTS', said);
}

/** Undefined for what is no JSON. */
function readIfConfig(file: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function writeFiles(output: string, files: ReadonlyMap<string, string>): void {
  for (const [name, content] of files) writeWhole(path.join(output, name), content);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
