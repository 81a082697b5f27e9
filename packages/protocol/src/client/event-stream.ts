/** Reads server-sent events: the data of each, in order. Names, ids and comments are passed over; nobody sends them here. */

/** No event of a completion comes near it. */
const LARGEST_EVENT = 64 * 2 ** 20;

/** @throws RangeError for an event that would not end */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    if (rest.length > LARGEST_EVENT) throw new RangeError(`an event is longer than ${LARGEST_EVENT} characters`);
    // A line feed behind the carriage return may come with the next piece.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice('data:'.length).replace(/^ /, ''));
      if (line !== '' || data.length === 0) continue;
      yield data.join('\n');
      data = [];
    }
  }
  // An event that breaks off is none: its end is missing.
}
