// A vocabulary of any size without training: bytes, Chinese characters, pairs of characters. Speed depends on its size, not on its words.
import { Tokenizer } from '@tunan/tokenizer';

const FIRST_CHARACTER = 0x4e00;
const CHARACTERS = 20_902;

/** The printable stand-ins of bytes, as GPT-2 chose them. */
function byteAlphabet(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

export interface BenchVocabulary {
  readonly tokenizer: Tokenizer;
  /** Ids from here on are whole characters, or two of them. */
  readonly firstCharacter: number;
}

/** @param size tokens, `<eod>` and the bytes among them */
export function benchVocabulary(size: number): BenchVocabulary {
  const alphabet = byteAlphabet();
  const tokens = ['<eod>', ...alphabet];
  const merges: string[] = [];
  const known = new Set(tokens);
  const join = (left: string, right: string) => {
    if (known.has(left + right) || tokens.length === size) return;
    known.add(left + right);
    tokens.push(left + right);
    merges.push(`${left} ${right}`);
  };
  const characters = Array.from({ length: CHARACTERS }, (_, place) => {
    const bytes = [...Buffer.from(String.fromCodePoint(FIRST_CHARACTER + place))].map((byte) => alphabet[byte]!);
    return bytes as [string, string, string];
  });
  for (const [first, second] of characters) join(first, second);
  const firstCharacter = tokens.length;
  for (const [first, second, third] of characters) join(first + second, third);
  const [one, ...others] = characters.map((bytes) => bytes.join(''));
  for (const other of others) join(one!, other);
  const listed = {
    tokens,
    merges,
    split: 'deepseek-v3',
    kindOf: (id: number) => (id === 0 ? ('special' as const) : ('piece' as const)),
    begin: undefined,
  };
  return { tokenizer: Tokenizer.fromList(listed, [0], 'bench vocabulary')!, firstCharacter };
}
