/** The one mark for a character that the transcriber, the font or the encoding could not give. */
export const MISSING = '□';
