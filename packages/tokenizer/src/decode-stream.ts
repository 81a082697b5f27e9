/**
 * Decodes ids one after another. Text comes out as soon as its characters are whole: half a UTF-8 character is held back
 * until the rest arrives, and becomes U+FFFD only where no rest can follow.
 */
export class DecodeStream {
  readonly #bytesOf: (id: number) => Uint8Array | undefined;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** `bytesOf`: the bytes of an id, undefined where it is to be left out. */
  constructor(bytesOf: (id: number) => Uint8Array | undefined) {
    this.#bytesOf = bytesOf;
  }

  /** The text that the id completes, possibly empty. */
  push(id: number): string {
    const bytes = this.#bytesOf(id);
    return bytes ? this.#decoder.decode(bytes, { stream: true }) : '';
  }

  /** The end: U+FFFD where half a character was left, else the empty string. */
  end(): string {
    return this.#decoder.decode();
  }
}
