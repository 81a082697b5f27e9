import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppInput } from '@tunan/protocol';
import { AppError } from './errors.ts';
import { fillInputs } from './inputs.ts';
import { promptMessages, promptText } from './prompt.ts';
import { checkApp } from './read-app.ts';

const both = (text: string) => ({ zh: text, en: text });

const base: AppInput = {
  ...{ tunan_app: 1, name: 'classical', group: 'language', title: both('今译'), description: both('今译') },
  inputs: [{ name: 'text', label: both('古文') }],
  prompt: { input_prefix: '古文：', input_suffix: '\n', output_prefix: '现代文：', output_suffix: '\n\n' },
  examples: [{ inputs: { text: '学而时习之' }, output: '学习并且按时复习' }],
};

test('the prompt is Yuan’s query text, character by character', () => {
  const app = checkApp(base, 'app');
  assert.equal(
    promptText(app, { text: '温故而知新' }),
    '古文：学而时习之\n现代文：学习并且按时复习\n\n古文：温故而知新\n现代文：',
  );
  const bare = checkApp({ ...base, prompt: { ...base.prompt, append_output_prefix_to_query: false } }, 'app');
  assert.equal(promptText(bare, { text: '温' }), '古文：学而时习之\n现代文：学习并且按时复习\n\n古文：温\n');
});

test('what is put in is data: neither a template inside nor a dollar is looked at', () => {
  const app = checkApp(
    {
      ...base,
      inputs: [...base.inputs, { name: 'style', label: both('文体'), default: '诗' }],
      prompt: { ...base.prompt, input_template: '{style}：{text}' },
    },
    'app',
  );
  assert.ok(
    promptText(app, fillInputs(app, { text: '{style} $& {x}' })).endsWith('古文：诗：{style} $& {x}\n现代文：'),
  );
});

test('turns stand between the examples and the query, and as messages where the model has a template', () => {
  const app = checkApp({ ...base, prompt: { ...base.prompt, before: '你是译者。\n' }, conversation: {} }, 'app');
  const turns = [{ input: '一', output: '二' }];
  assert.ok(promptText(app, { text: '三' }, turns).endsWith('古文：一\n现代文：二\n\n古文：三\n现代文：'));
  assert.deepEqual(
    promptMessages(app, { text: '三' }, turns).map(({ role, content }) => `${role}:${content}`),
    [
      'system:你是译者。',
      'user:古文：学而时习之',
      'assistant:学习并且按时复习',
      'user:古文：一',
      'assistant:二',
      'user:古文：三',
    ],
  );
});

test('inputs are held to what the application asks for', () => {
  const app = checkApp(
    {
      ...base,
      inputs: [
        { name: 'text', label: both('古文'), most: 4 },
        { name: 'to', label: both('到'), choices: ['诗', '文'], default: '文' },
      ],
    },
    'app',
  );
  assert.deepEqual(fillInputs(app, {}, ' 学而时习 \r\n'), { text: '学而时习', to: '文' });
  const refused: [Record<string, string>, RegExp][] = [
    [{}, /"text" .*is missing/],
    [{ text: '一二三四五' }, /has 5 characters, at most 4/],
    [{ text: '一\n二' }, /single line/],
    [{ text: '一', to: '曲' }, /is one of: 诗, 文/],
    [{ text: '一', constructor: 'x' }, /no input "constructor"/],
  ];
  for (const [inputs, message] of refused) {
    assert.throws(
      () => fillInputs(app, inputs),
      (error) => error instanceof AppError && message.test(error.message),
    );
  }
});
