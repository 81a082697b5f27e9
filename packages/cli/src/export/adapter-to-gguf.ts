/** `tunan model export` of an adapter: the GGUF that llama.cpp loads beside the model, and a Modelfile for Ollama. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Report } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { notOneOf, type Wishes } from './wishes.ts';

export async function adapterToGguf(
  format: string,
  { dir, type = 'f32', out, measure }: Wishes,
  base: string | undefined,
  anyBase: boolean,
): Promise<Report> {
  if (format !== 'gguf' || measure !== undefined)
    throw new UsageError(
      text(
        `${dir} is an adapter, which is written as gguf alone, without --measure: for the rest merge it, tunan model export MODEL --merge ${dir}`,
        `${dir} 是适配器，只能单独写为 gguf，且不用 --measure：其他请合并，tunan model export MODEL --merge ${dir}`,
      ),
    );
  if (base === undefined)
    throw new UsageError(
      text(
        `${dir} is an adapter: say with --base which model directory it adds to`,
        `${dir} 是适配器：请用 --base 给出它所附着的模型目录`,
      ),
    );
  const { adapterTypes, exportAdapter, modelfile } = await import('@tunan/inference');
  const [{ makeFolder, writeWhole }, { readModelConfig, requireBase }, { ChatTemplate, Tokenizer }] = await Promise.all(
    [import('@tunan/files'), import('@tunan/model'), import('@tunan/tokenizer')],
  );
  const types = Object.keys(adapterTypes) as (keyof typeof adapterTypes)[];
  const known = types.find((name) => name === type);
  if (known === undefined) throw notOneOf('type', type, types);
  const config = readModelConfig(base);
  if (!anyBase) requireBase(dir, base);
  const tokenizer = Tokenizer.load(base);
  const own = path.join(dir, 'chat_template.jinja');
  const template = ChatTemplate.load(base, tokenizer, existsSync(own) ? own : undefined);
  const place = path.resolve(dir);
  const file = out ?? path.join(`${place}-gguf`, `${path.basename(place)}-${type}.gguf`);
  makeFolder(path.dirname(file));
  const maps = exportAdapter(dir, config, file, known);
  const beside = `${file.replace(/\.gguf$/, '')}.Modelfile`;
  const weights = `${path.basename(path.resolve(base))}.gguf`;
  writeWhole(beside, modelfile(weights, tokenizer, template, path.basename(file)));
  const bytes = statSync(file).size;
  return {
    data: { file, modelfile: beside, type, bytes, maps },
    lines: [
      text(
        `${file}: adapter of ${maps} maps, ${type}, ${(bytes / 1e6).toFixed(1)} MB; a Modelfile of Ollama beside it, for the model as ${weights}`,
        `${file}：${maps} 个映射的适配器，${type}，${(bytes / 1e6).toFixed(1)} MB；旁边有 Ollama 的 Modelfile，其中模型为 ${weights}`,
      ),
    ],
  };
}
