/** The request of the page as programs of others: what is shown is what is sent, with the stream and its usage. */
import type { AskedFor } from './request.ts';

export const SAMPLE_LANGUAGES = ['curl', 'typescript', 'python'] as const;
export type SampleLanguage = (typeof SAMPLE_LANGUAGES)[number];

interface SampleOf {
  readonly asked: AskedFor;
  /** Up to and with /v1. */
  readonly url: string;
  /** Whether the server wants a key; it is never written out. */
  readonly needsKey: boolean;
}

export function sampleOf(language: SampleLanguage, of: SampleOf): string {
  return { curl, typescript, python }[language](of);
}

const streamed = ({ asked: { body } }: SampleOf) => ({
  ...body,
  stream: true,
  stream_options: { include_usage: true },
});

function curl(of: SampleOf): string {
  const body = JSON.stringify(streamed(of), undefined, 2).replaceAll("'", `'\\''`);
  return [
    `curl -N ${of.url}/${of.asked.route} \\`,
    "  -H 'Content-Type: application/json' \\",
    ...(of.needsKey ? ['  -H "Authorization: Bearer $TUNAN_API_KEY" \\'] : []),
    `  -d '${body}'`,
  ].join('\n');
}

const method = ({ asked: { route } }: SampleOf): string =>
  route === 'completions' ? 'completions.create' : 'chat.completions.create';

/** With the official client; fields that OpenAI does not know are passed on by it as they are, and need the `as`. */
function typescript(of: SampleOf): string {
  const { asked, url, needsKey } = of;
  const body = JSON.stringify(streamed(of), undefined, 2);
  const isText = asked.route === 'completions';
  const type = isText ? 'CompletionCreateParamsStreaming' : 'ChatCompletionCreateParamsStreaming';
  return `import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: ${JSON.stringify(url)},
  apiKey: ${needsKey ? 'process.env.TUNAN_API_KEY' : "'none'"},
});
const stream = await client.${method(of)}(${body} as OpenAI.${type});
for await (const { choices } of stream) process.stdout.write(choices[0]?.${isText ? 'text' : 'delta.content'} ?? '');
`;
}

/** The official client of Python takes fields that are not OpenAI's as extra_body. */
function python(of: SampleOf): string {
  const { asked, url, needsKey } = of;
  const fields = Object.entries(streamed(of));
  const own = fields.filter(([name]) => !KNOWN.has(name));
  const known = fields.filter(([name]) => KNOWN.has(name)).map(([name, value]) => `    ${name}=${pythonOf(value)},`);
  const extra = own.length === 0 ? [] : [`    extra_body=${pythonOf(Object.fromEntries(own))},`];
  const text = asked.route === 'completions' ? 'text' : 'delta.content';
  return `import os
from openai import OpenAI

client = OpenAI(
    base_url=${JSON.stringify(url)},
    api_key=${needsKey ? 'os.environ["TUNAN_API_KEY"]' : '"none"'},
)
stream = client.${method(of)}(
${[...known, ...extra].join('\n')}
)
for part in stream:
    if part.choices:
        print(part.choices[0].${text} or "", end="", flush=True)
`.replace('import os\n', needsKey ? 'import os\n' : '');
}

/** Names of OpenAI's own fields, in both routes. */
const KNOWN = new Set([
  ...[
    'model',
    'prompt',
    'messages',
    'max_tokens',
    'temperature',
    'top_p',
    'n',
    'stop',
    'seed',
    'logprobs',
    'top_logprobs',
  ],
  ...['echo', 'presence_penalty', 'frequency_penalty', 'stream', 'stream_options'],
]);

/** JSON with Python's words for what is true, false and nothing; texts are the same in both. */
function pythonOf(value: unknown): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null) return 'None';
  if (Array.isArray(value)) return `[${value.map(pythonOf).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, inner]) => `${JSON.stringify(name)}: ${pythonOf(inner)}`)
    .join(', ')}}`;
}
