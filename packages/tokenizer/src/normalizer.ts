/**
 * The normalizer of a tokenizer.json: what is done to a text before it is split. Read are the four Unicode forms (Qwen has
 * NFC), none, and sequences of these.
 *
 * Hugging Face's library knows the characters of Unicode 9; what came later it leaves alone, and so do we.
 */
import type { FileReader } from './file-reader.ts';

export type Normalize = (text: string) => string;

const FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;

/** Characters since Unicode 10 that a form of Node's Unicode changes, or moves, or joins. */
const NEWER = new RegExp(
  `[${[
    '\\u{7fd}\\u{897}-\\u{89f}\\u{8ca}-\\u{8d3}\\u{9fe}\\u{c3c}\\u{d3b}-\\u{d3c}\\u{eba}\\u{1715}\\u{1abf}-\\u{1add}',
    '\\u{1ae0}-\\u{1aeb}\\u{1df6}-\\u{1dfa}\\u{32ff}\\u{a7f1}-\\u{a7f4}\\u{a82c}\\u{ab69}\\u{105c9}\\u{105d2}\\u{105da}',
    '\\u{105e4}\\u{10781}-\\u{10785}\\u{10787}-\\u{107b0}\\u{107b2}-\\u{107ba}\\u{10d24}-\\u{10d27}\\u{10d69}-\\u{10d6d}',
    '\\u{10eab}-\\u{10eac}\\u{10efa}-\\u{10efb}\\u{10efd}-\\u{10eff}\\u{10f46}-\\u{10f50}\\u{10f82}-\\u{10f85}\\u{11070}',
    '\\u{1133b}\\u{11382}-\\u{11385}\\u{1138b}\\u{1138e}\\u{11390}-\\u{11391}\\u{113b8}\\u{113bb}\\u{113c2}\\u{113c5}',
    '\\u{113c7}-\\u{113c9}\\u{113ce}-\\u{113d0}\\u{1145e}\\u{11839}-\\u{1183a}\\u{11930}\\u{11935}\\u{11938}',
    '\\u{1193d}-\\u{1193e}\\u{11943}\\u{119e0}\\u{11a34}\\u{11a47}\\u{11a99}\\u{11d42}\\u{11d44}-\\u{11d45}\\u{11d97}',
    '\\u{11f41}-\\u{11f42}\\u{1611e}-\\u{16129}\\u{1612f}\\u{16d63}\\u{16d67}-\\u{16d6a}\\u{16ff0}-\\u{16ff1}',
    '\\u{1ccd6}-\\u{1ccf9}\\u{1e030}-\\u{1e06d}\\u{1e08f}\\u{1e130}-\\u{1e136}\\u{1e2ae}\\u{1e2ec}-\\u{1e2ef}',
    '\\u{1e4ec}-\\u{1e4ef}\\u{1e5ee}-\\u{1e5ef}\\u{1e6e3}\\u{1e6e6}\\u{1e6ee}-\\u{1e6ef}\\u{1e6f5}\\u{1f16c}',
    '\\u{1fbf0}-\\u{1fbf9}',
  ].join('')}]`,
  'u',
);
const RUNS = new RegExp(`(${NEWER.source}+)`, 'u');

/** Undefined where the text stays as it is. @throws TokenizerError for a kind that is not read */
export function readNormalizer(value: unknown, reader: FileReader): Normalize | undefined {
  if (value === undefined || value === null) return undefined;
  const { type, normalizers } = reader.object(value, 'normalizer');
  const form = FORMS.find((known) => known === type);
  if (form !== undefined) return (text) => normalize(text, form);
  if (type !== 'Sequence') {
    throw reader.unsupported(`the normalizer ${JSON.stringify(type)}`, `规范化器 ${JSON.stringify(type)}`);
  }
  const steps = reader
    .list(normalizers, 'normalizer.normalizers')
    .flatMap((item) => readNormalizer(item, reader) ?? []);
  return steps.length === 0 ? undefined : (text) => steps.reduce((done, step) => step(done), text);
}

/** A newer character is one that nothing is known of: it stays, and nothing moves past it. */
function normalize(text: string, form: (typeof FORMS)[number]): string {
  const known = (part: string, index: number) => (index % 2 === 0 ? part.normalize(form) : part);
  return NEWER.test(text) ? text.split(RUNS).map(known).join('') : text.normalize(form);
}
