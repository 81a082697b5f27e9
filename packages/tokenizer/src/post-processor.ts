/**
 * The post_processor of a tokenizer.json: the special tokens that Hugging Face puts around every encoded text, such as
 * Llama 3's `<|begin_of_text|>`. ByteLevel only moves offsets, which are not reported here.
 */
import type { FileReader } from './file-reader.ts';

/** Ids that stand before and behind a text. */
export interface Surroundings {
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

const NOTHING: Surroundings = { before: [], behind: [] };

/** @throws TokenizerError for a kind that is not read, and for ids that the vocabulary has not */
export function readPostProcessor(value: unknown, hasId: (id: number) => boolean, reader: FileReader): Surroundings {
  if (value === undefined || value === null) return NOTHING;
  const { type, processors, ...rest } = reader.object(value, 'post_processor');
  if (type === 'ByteLevel') return NOTHING;
  if (type === 'TemplateProcessing') return readTemplate(rest, hasId, reader);
  if (type !== 'Sequence') {
    throw reader.unsupported(`the post_processor ${JSON.stringify(type)}`, `后处理器 ${JSON.stringify(type)}`);
  }
  // Each processor works on what the one before it gave.
  return reader.list(processors, 'post_processor.processors').reduce<Surroundings>((inner, item) => {
    const outer = readPostProcessor(item, hasId, reader);
    return { before: [...outer.before, ...inner.before], behind: [...inner.behind, ...outer.behind] };
  }, NOTHING);
}

function readTemplate(
  template: Readonly<Record<string, unknown>>,
  hasId: (id: number) => boolean,
  reader: FileReader,
): Surroundings {
  const specials = reader.object(template.special_tokens ?? {}, 'post_processor.special_tokens');
  const before: number[] = [];
  const behind: number[] = [];
  let texts = 0;
  for (const item of reader.list(template.single, 'post_processor.single')) {
    const piece = reader.object(item, 'post_processor.single[]');
    if (piece.Sequence !== undefined) {
      texts++;
      continue;
    }
    const name = String(reader.object(piece.SpecialToken, 'post_processor.single[].SpecialToken').id);
    const special = reader.object(specials[name], `post_processor.special_tokens.${name}`);
    for (const id of reader.list(special.ids, `post_processor.special_tokens.${name}.ids`)) {
      if (typeof id !== 'number' || !hasId(id)) {
        throw reader.malformed(
          `post_processor puts in ${JSON.stringify(name)} as ${JSON.stringify(id)}, no id of it`,
          `post_processor 以 ${JSON.stringify(id)} 加入 ${JSON.stringify(name)}，而词表没有这个编号`,
        );
      }
      (texts === 0 ? before : behind).push(id);
    }
  }
  if (texts !== 1) {
    throw reader.unsupported(
      `a post_processor whose single has the text ${texts} times`,
      `后处理器，其 single 中文本出现 ${texts} 次`,
    );
  }
  return { before, behind };
}
