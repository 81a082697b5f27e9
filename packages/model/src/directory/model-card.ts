/** README.md of a model directory: front matter that the Hugging Face hub reads, the sizes, and what the caller adds. */

import { countParameters, type YuanConfig } from '../families/gpt2/config.ts';

export function modelCard(config: YuanConfig, body = ''): string {
  const { total } = countParameters(config);
  const rows: [string, string][] = [
    ['parameters', total.toLocaleString('en-US')],
    ['layers / width / heads', `${config.layers} / ${config.width} / ${config.heads}`],
    ['context, tokens', String(config.contextLength)],
    ['vocabulary, padded', String(config.vocabularySize)],
  ];
  return `---
language: zh
library_name: transformers
pipeline_tag: text-generation
tags: [yuan, tunan]
---

# Yuan LM

A causal Chinese language model in the form of GPT-2 (pre-LN, learned positions, tanh GELU, tied output matrix), trained with
tunan. It loads in transformers as \`GPT2LMHeadModel\`. It is a base model: it continues text, and what it writes may be wrong
or unfit for others to read; check it before you use it.

| | |
|---|---|
${rows.map(([name, value]) => `| ${name} | ${value} |`).join('\n')}
${body === '' ? '' : `\n${body.trim()}\n`}`;
}
