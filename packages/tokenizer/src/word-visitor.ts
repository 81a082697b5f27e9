/** Receives one word as UTF-16 offsets into the text that is split. */
export type WordVisitor = (start: number, end: number) => void;
