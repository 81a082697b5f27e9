// A load on a server of OpenAI's completions, one connection a stream. Reads as little of the answers as it can: it runs on the cores
// that it measures.
import http from 'node:http';
import { type Load, median, type Took } from './load.ts';

/** `{"text":"…` with something in it. */
const SOME_TEXT = /"text":\s*"[^"]/;

// Servers close idle connections at times of their own.
const agent = new http.Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

export async function loadServer(url: string, model: string, load: Load): Promise<Took> {
  const begin = performance.now();
  const firsts = await Promise.all(
    load.prompts.map((prompt, stream) =>
      complete(url, begin, { ...request(model, load), prompt, seed: load.seed + stream }),
    ),
  );
  return { firstSeconds: median(firsts), seconds: (performance.now() - begin) / 1000 };
}

function request(model: string, { tokens, temperature }: Load): object {
  return { model, max_tokens: tokens, temperature, top_k: 0, top_p: 1, min_p: 0, ignore_eos: true, stream: true };
}

/** @returns seconds to the first text */
function complete(url: string, begin: number, body: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asked = http.request(`${url}/v1/completions`, { method: 'POST', agent, headers }, (answer) => {
      answer.setEncoding('utf8');
      let first: number | undefined;
      let beginning = '';
      let end = '';
      answer.on('data', (text: string) => {
        end = (end + text).slice(-2000);
        if (first !== undefined) return;
        beginning += text;
        if (SOME_TEXT.test(beginning)) first = (performance.now() - begin) / 1000;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        // One token may be no whole character, and then there is no text.
        const isWhole = answer.statusCode === 200 && end.includes('"finish_reason":"length"');
        if (isWhole) resolve(first ?? (performance.now() - begin) / 1000);
        else reject(new Error(`${url} answered ${answer.statusCode}: ${end}`));
      });
    });
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}
