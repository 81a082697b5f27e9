/** README.md of a model directory: front matter that the Hugging Face hub reads, the sizes, and what the caller adds. */

import { familyOf, type ModelConfig } from '../model-config.ts';

export function modelCard(config: ModelConfig, body = ''): string {
  const family = familyOf(config);
  const { description, architecture } = family.describe(config);
  const { parameters, layers, width, heads, kvHeads, contextLength, vocabularySize } = family.sizes(config);
  const shared = kvHeads === heads ? '' : `, keys and values of ${kvHeads}`;
  const rows: [string, string][] = [
    ['parameters', parameters.total.toLocaleString('en-US')],
    ['layers / width / heads', `${layers} / ${width} / ${heads}${shared}`],
    ['context, tokens', String(contextLength)],
    ['vocabulary, padded', String(vocabularySize)],
  ];
  return `---
language: zh
library_name: transformers
pipeline_tag: text-generation
tags: [yuan, tunan]
---

# Yuan LM

A causal Chinese language model in ${description}, trained with
tunan. It loads in transformers as \`${architecture}\`. It is a base model: it continues text, and what it writes may be wrong
or unfit for others to read; check it before you use it.

| | |
|---|---|
${rows.map(([name, value]) => `| ${name} | ${value} |`).join('\n')}
${body === '' ? '' : `\n${body.trim()}\n`}`;
}
