// The Go templates are rendered by a reader of the few constructs that are written here: Ollama itself is not at hand.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { type ChatMessage, ChatTemplate } from '@tunan/tokenizer';
import { modelfile } from './modelfile.ts';
import { tokenizer } from './testing/small-models.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-modelfile-'));
after(() => rmSync(folder, { recursive: true }));

function templateOf(source: string): ChatTemplate {
  writeFileSync(path.join(folder, 'chat_template.jinja'), source);
  return ChatTemplate.load(folder, tokenizer)!;
}

/** What Go's text/template makes of the template of a Modelfile. */
function render(file: string, messages: readonly ChatMessage[], prompt = ''): string {
  const template = /TEMPLATE """([\s\S]*?)"""/.exec(file)![1]!;
  const tokens = [...template.matchAll(/\{\{ (.*?) \}\}|([^{]+)/g)].map(([, action, text]) => ({ action, text }));
  let at = 0;
  const until = (message: ChatMessage | undefined, active: boolean): string => {
    let out = '';
    for (; at < tokens.length; at++) {
      const { action, text } = tokens[at]!;
      if (action === undefined) out += active ? text : '';
      else if (action.startsWith('"')) out += active ? JSON.parse(action) : '';
      else if (action === '.Content') out += active ? message!.content : '';
      else if (action === '.Prompt') out += active ? prompt : '';
      else if (action.startsWith('range')) {
        const start = ++at;
        if (!active) until(undefined, false);
        for (const each of active ? messages : []) {
          at = start;
          out += until(each, true);
        }
      } else if (action.startsWith('if ')) {
        at++;
        out += branches(action, message, active);
      } else return out; // end, else
    }
    return out;
  };
  const holds = (condition: string, message: ChatMessage | undefined): boolean => {
    const [, comparison, role] = /(eq|ne) .*Role "(.*)"/.exec(condition)!;
    const subject = condition.includes('index') ? messages[0]! : message!;
    return (subject.role === role) === (comparison === 'eq');
  };
  const branches = (first: string, message: ChatMessage | undefined, active: boolean): string => {
    let out = '';
    let taken = !active;
    let condition = first;
    for (;;) {
      const now = !taken && holds(condition, message);
      out += until(message, now);
      taken ||= now;
      const { action } = tokens[at]!;
      if (action === 'end') return out;
      condition = action!;
      at++;
    }
  };
  return until(undefined, true);
}

const conversations: ChatMessage[][] = [
  [{ role: 'user', content: '你好' }],
  [
    { role: 'user', content: '你好' },
    { role: 'assistant', content: '早' },
    { role: 'user', content: '写一首诗' },
  ],
  [
    { role: 'system', content: '你是诗人' },
    { role: 'user', content: '你好' },
  ],
];

const chatml = `{% for m in messages %}{% if loop.first and m.role != 'system' %}<|im_start|>system
You write poems.<|im_end|>
{% endif %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;
const llama3 = `<|begin|>{% for m in messages %}<|head|>{{ m.role }}<|over|>

{{ m.content }}<|eot|>{% endfor %}{% if add_generation_prompt %}<|head|>assistant<|over|>

{% endif %}`;

for (const [name, source] of Object.entries({ chatml, llama3 })) {
  test(`a template whose messages stand in a row is put in Go's terms, ${name}`, () => {
    const template = templateOf(source);
    const file = modelfile('poet.gguf', tokenizer, template);
    assert.match(file, /^FROM \.\/poet\.gguf\n/);
    assert.match(file, /\nPARAMETER stop "<eod>"\n$/);
    for (const messages of conversations) assert.equal(render(file, messages), template.render(messages));
  });
}

test('of another template it is said that it could not be translated, and a base model continues its prompt', () => {
  const counting = templateOf('{% for m in messages %}{{ loop.index }}. {{ m.content }}\n{% endfor %}');
  const file = modelfile('poet.gguf', tokenizer, counting);
  assert.match(file, /# The chat template of the model could not be put in the terms of Ollama/);
  const refusing = templateOf("{{ raise_exception('no') }}");
  assert.match(modelfile('poet.gguf', tokenizer, refusing), /could not be put in the terms of Ollama/);
  const base = modelfile('poet.gguf', tokenizer, undefined);
  assert.match(base, /# A base model: it continues the prompt\./);
  assert.equal(render(base, [], '明月'), '<eod>明月');
});
