/** What careless converters and decoders do to GBK, for tests; nothing of the code under test is used to damage. */

export const decoded = (bytes: Uint8Array, charset: string) => new TextDecoder(charset).decode(bytes);

/** GBK of characters, read off the decoder, so that the stage's own tables are not used to damage. */
export const gbkOf = (() => {
  const codes = new Map<string, [number, number]>();
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      const character = decoded(Uint8Array.of(lead, trail), 'gbk');
      if (character.length === 1 && !codes.has(character)) codes.set(character, [lead, trail]);
    }
  }
  return (text: string) => [...text].flatMap((c) => (c.charCodeAt(0) < 0x80 ? [c.charCodeAt(0)] : codes.get(c)!));
})();

/** As old decoders show bytes: one ? for a bad pair, and `(`, `<` or a digit behind its lead byte is gone. */
export function carelesslyDecoded(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const [lead, trail] = [bytes[at]!, bytes[at + 1] ?? 0x0a];
    if (lead < 0x80) text += String.fromCharCode(lead);
    else text += trail >= 0x40 ? decoded(Uint8Array.of(lead, trail), 'gbk') : '?';
    at += lead >= 0x80 && (trail >= 0x40 || '(<0123456789'.includes(String.fromCharCode(trail))) ? 2 : 1;
  }
  return text;
}

/** A3 xx becomes ASCII wherever it stands, as a careless converter does. */
export function narrowed(text: string): Uint8Array {
  const bytes = gbkOf(text);
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0xa3 && bytes[i + 1]! >= 0xa1) out.push(bytes[++i]! & 0x7f);
    else out.push(bytes[i]!);
  }
  return Uint8Array.from(out);
}
