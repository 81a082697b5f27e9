/** A server of the form of vLLM's that answers at once, or after a while, with so many tokens: what a gateway adds is all that is left. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { tokens: { type: 'string', default: '32' }, delay: { type: 'string', default: '0' } },
});
const part = (text: string, end: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'cmpl-x', object: 'text_completion', created: 0, model: 'm', choices: [{ index: 0, text, logprobs: null, finish_reason: end }] })}\n\n`;
const tokens = Number(values.tokens);
const middle = part('春').repeat(tokens - 1);
const usage = { prompt_tokens: 8, completion_tokens: tokens, total_tokens: 8 + tokens };
const end = `${part('春', 'length')}data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`;
const choice = { index: 0, text: '春'.repeat(tokens), logprobs: null, finish_reason: 'length' };
const whole = JSON.stringify({
  id: 'cmpl-x',
  object: 'text_completion',
  created: 0,
  model: 'm',
  choices: [choice],
  usage,
});

const server = createServer((request, response) => {
  if (request.method === 'GET')
    return void response.end('{"data":[{"id":"m","owned_by":"vllm","max_model_len":4096}]}');
  const parts: Buffer[] = [];
  request.on('data', (bytes: Buffer) => parts.push(bytes));
  request.on('end', () => {
    const { stream } = JSON.parse(Buffer.concat(parts).toString()) as { stream?: boolean };
    const answer = () => {
      response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json');
      if (!stream) return void response.end(whole);
      response.write(middle);
      response.end(end);
    };
    if (values.delay === '0') answer();
    else setTimeout(answer, Number(values.delay));
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
