/**
 * The byte alphabet of byte-level BPE: tokenizer.json writes a token as text in which every byte is one printable
 * character (GPT-2's table: a byte that is printable in Latin-1 stands for itself, the other 68 are shifted to
 * U+0100 and up). Inside the program tokens are bytes; this module is the border.
 */

function buildAlphabet(): string[] {
  const alphabet: string[] = [];
  let shifted = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    alphabet.push(String.fromCharCode(printable ? byte : shifted++));
  }
  return alphabet;
}

/** Character of each byte, by byte value. */
export const byteCharacters: readonly string[] = buildAlphabet();

/** The bytes in the order in which Hugging Face's trainer numbers them: by code point of their characters. */
export const bytesInAlphabetOrder: readonly number[] = byteCharacters
  .map((character, byte) => ({ byte, codePoint: character.charCodeAt(0) }))
  .sort((a, b) => a.codePoint - b.codePoint)
  .map(({ byte }) => byte);

const byteOfCharacter = new Map(byteCharacters.map((character, byte) => [character, byte]));

/** Bytes behind a token's text, or undefined where the text has a character outside the alphabet. */
export function tokenTextToBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = byteOfCharacter.get(text[i]!);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
