/**
 * A damaged text that knows of each of its characters which characters of the undamaged text it carries bytes of. So a measure can say
 * what a damage destroyed, by the damage alone: a character is lost where a byte of it was dropped, or a mark for bad bytes stands in its
 * place. What is left of it then fits more than one valid character (half of GBK's two bytes up to 126 or 190, UTF-8 without one
 * continuation byte up to 64), so that a reader can only guess by the words around it.
 */
import iconv from 'iconv-lite';

/** One character; `of`: the places in the undamaged text that it carries bytes of, none for what was put in. */
export interface Carrier {
  readonly shown: string;
  readonly of: readonly number[];
}

export interface CarriedByte {
  readonly byte: number;
  readonly of: readonly number[];
}

/** Places of characters that are lost. */
export type Losses = Set<number>;

export function carry(text: string): Carrier[] {
  return Array.from(text, (shown, place) => ({ shown, of: [place] }));
}

/** Text that a damage puts in. */
export function insert(text: string): Carrier[] {
  return Array.from(text, (shown) => ({ shown, of: [] }));
}

export function shownText(carriers: readonly Carrier[]): string {
  return carriers.map(({ shown }) => shown).join('');
}

export function lose(losses: Losses, destroyed: Iterable<{ readonly of: readonly number[] }>): void {
  for (const { of } of destroyed) for (const place of of) losses.add(place);
}

/** Bytes of GBK; what GBK does not have is a question mark. */
export function gbkBytes(carriers: readonly Carrier[], losses: Losses): CarriedByte[] {
  return carriers.flatMap((carrier) => {
    const bytes = iconv.encode(carrier.shown, 'gbk');
    if (bytes.length === 1 && bytes[0] === 0x3f && carrier.shown !== '?') lose(losses, [carrier]);
    return Array.from(bytes, (byte) => ({ byte, of: carrier.of }));
  });
}

export function utf8Bytes(carriers: readonly Carrier[]): CarriedByte[] {
  return carriers.flatMap(({ shown, of }) => Array.from(Buffer.from(shown), (byte) => ({ byte, of })));
}

/** What the platform's decoder shows: the fewest bytes that it knows a character for, or one that it has none for. */
export function decoded(bytes: readonly CarriedByte[], charset: string, losses: Losses): Carrier[] {
  const decoder = new TextDecoder(charset);
  const out: Carrier[] = [];
  for (let at = 0; at < bytes.length; ) {
    const sizes = [1, 2, 4].filter((size) => at + size <= bytes.length);
    const read = (size: number) => decoder.decode(Uint8Array.from(bytes.slice(at, at + size), ({ byte }) => byte));
    const size = sizes.find((each) => Array.from(read(each)).length === 1 && read(each) !== '\uFFFD');
    const rest = bytes.length - at;
    // The first bytes of four at the end of the text are one mark.
    const taken = bytes.slice(at, at + (size ?? (rest < 4 && read(rest) === '\uFFFD' ? rest : 1)));
    if (size === undefined) lose(losses, taken);
    const of = [...new Set(taken.flatMap((byte) => byte.of))];
    out.push({ shown: size === undefined ? '\uFFFD' : read(size), of });
    at += taken.length;
  }
  return out;
}

/** ASCII that decoders of bad pairs ate together with the lead before it: the first of a bracket, a tag, four bytes of GB 18030. */
const EATEN = '(<0123456789';

/** What careless decoders of GBK show: one mark for a pair that is none. */
export function carelesslyDecoded(bytes: readonly CarriedByte[], losses: Losses): Carrier[] {
  const decoder = new TextDecoder('gbk');
  const out: Carrier[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [lead, trail] = [bytes[at]!.byte, bytes[at + 1]?.byte ?? 0x0a];
    const isPair = lead > 0x80 && trail >= 0x40;
    const step = isPair || (lead > 0x80 && EATEN.includes(String.fromCharCode(trail))) ? 2 : 1;
    const taken = bytes.slice(at, at + step);
    let shown = lead === 0x80 ? '€' : String.fromCharCode(lead);
    if (isPair) shown = decoder.decode(Uint8Array.of(lead, trail)).slice(0, 1);
    else if (lead > 0x80) shown = '?';
    if (lead > 0x80 && (!isPair || shown === '\uFFFD')) lose(losses, taken);
    out.push({ shown, of: [...new Set(taken.flatMap(({ of }) => of))] });
    at += step;
  }
  return out;
}
