/** Of a line of the long lists, px: what a finger hits, and two lines of text on a narrow window. */
export const LINE_HEIGHT = 56;
