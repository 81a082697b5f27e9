/**
 * The UTF-16 units of a text, for loops that look at every one of them: charCodeAt asks each time how the string is stored, which costs
 * two to three times as much as the loop itself. There is one buffer: what it holds is lost with the next call.
 */

let buffer = Buffer.alloc(0);
let units = new Uint16Array(0);

/** As long as the text, with a 0 behind it. */
export function unitsOf(text: string): Uint16Array {
  if (units.length <= text.length) {
    const memory = new ArrayBuffer(4 * (text.length + 1));
    buffer = Buffer.from(memory);
    units = new Uint16Array(memory);
  }
  buffer.write(text, 'utf16le');
  units[text.length] = 0;
  return units;
}
