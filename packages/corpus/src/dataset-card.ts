/** README.md of a corpus: a dataset card whose head lets Hugging Face `load_dataset(DIR)` find the splits. */
import { type Manifest, SPLITS } from './manifest.ts';

export function datasetCard(manifest: Manifest): string {
  const { recipe, counts, nearDuplicates } = manifest;
  const perDocument = counts.kept === 0 ? 0 : counts.characters / counts.kept;
  return `${head(manifest)}
# ${recipe.title.zh} · ${recipe.title.en}

${recipe.description.zh}

${recipe.description.en}

| | 文档 documents | 字符 characters | 分片 shards |
|---|---:|---:|---:|
${SPLITS.map((split) => splitRow(manifest, split)).join('\n')}

${counts.read} documents were read, ${counts.dropped} dropped with their reason (\`rejects/\`, \`report.html\`), ${counts.kept} kept:
${perDocument.toFixed(1)} characters a document, ${counts.distinctCharacters} distinct characters. ${nearDuplicates.documents} documents form
${nearDuplicates.clusters} near-duplicate clusters, each on one side of the split (\`near-duplicates.jsonl.zst\`).

## 使用 Use

\`\`\`python
from datasets import load_dataset  # with zstandard installed
poems = load_dataset("path/to/this/directory", split="train")
\`\`\`

Each line of \`shards/*.jsonl.zst\` is \`{"id", "text", "source", "meta"}\`. \`text\` carries no end-of-document mark.

## 制作 How it was made

Stages in order: ${recipe.stages.map((stage) => `\`${stage.use}\``).join(' → ')}. The recipe with every threshold, and the SHA-256 of every
file, stand in \`manifest.json\`; the same recipe and input give the same bytes.

${manifest.stages.map((stage) => funnelLine(stage)).join('\n')}

## 来源与许可 Sources and licence

${manifest.provenance.map(sourceLine).join('\n')}

Licence of this corpus: ${manifest.licence}. No personal data is collected beyond the names of authors that the sources give.

## 引用 How to cite

Name the sources above, this corpus (\`${manifest.name}\`) and its recipe digest \`${manifest.recipeSha256.slice(0, 16)}\`.
`;
}

function head({ licence, recipe, splits }: Manifest): string {
  const files = SPLITS.filter((split) => splits[split].shards.length > 0);
  const paths = files.map((split) => `      - split: ${split}\n        path: shards/${split}-*.jsonl.zst`);
  return `---
license: ${JSON.stringify(licence.toLowerCase())}
language:
  - zh
pretty_name: ${JSON.stringify(recipe.title.en)}
task_categories:
  - text-generation
configs:
  - config_name: default
    data_files:
${paths.join('\n')}
---
`;
}

function splitRow(manifest: Manifest, split: (typeof SPLITS)[number]): string {
  const { documents, characters, shards } = manifest.splits[split];
  return `| ${split} | ${documents} | ${characters} | ${shards.length} |`;
}

function funnelLine({ stage, documents, reasons }: Manifest['stages'][number]): string {
  const dropped = Object.entries(reasons).map(([reason, n]) => `${reason} ${n}`);
  return `- \`${stage}\`: ${documents} documents in${dropped.length === 0 ? '' : `; dropped: ${dropped.join(', ')}`}`;
}

function sourceLine({ source, licence, homepage, files, bytes }: Manifest['provenance'][number]): string {
  return `- ${source} (${licence}), ${files} files, ${bytes} bytes${homepage === undefined ? '' : `, <${homepage}>`}`;
}
