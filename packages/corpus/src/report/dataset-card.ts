/**
 * README.md of a corpus: a dataset card whose head lets Hugging Face `load_dataset(DIR)` find the splits, and which says
 * what a user must know before training on it: where the texts come from, under which licences, what was done about
 * personal data, how a document leaves it, how it is cited.
 */
import { type Manifest, SPLITS } from '../directory/manifest.ts';
import { META_FIELDS } from '../directory/meta-fields.ts';

export function datasetCard(manifest: Manifest): string {
  const { recipe, counts, nearDuplicates } = manifest;
  const perDocument = counts.kept === 0 ? 0 : counts.characters / counts.kept;
  const removed = counts.removed === undefined ? '' : `, ${counts.removed} taken out on request`;
  return `${head(manifest)}
# ${[...new Set([recipe.title.zh, recipe.title.en])].join(' · ')}

${[...new Set([recipe.description.zh, recipe.description.en])].join('\n\n')}

| | 文档 documents | 字符 characters | 分片 shards |
|---|---:|---:|---:|
${SPLITS.map((split) => splitRow(manifest, split)).join('\n')}

${counts.read} documents were read, ${counts.dropped} dropped with their reason (\`rejects/\`, \`report.html\`)${removed}, ${counts.kept} kept:
${perDocument.toFixed(1)} characters a document, ${counts.distinctCharacters} distinct characters. ${nearDuplicates.documents} documents form
${nearDuplicates.clusters} near-duplicate clusters (\`${nearDuplicates.file?.file ?? 'near-duplicates.jsonl.zst'}\`); what is kept of one stands on one side of the split.

## 使用 Use

\`\`\`python
from datasets import load_dataset  # with zstandard installed
texts = load_dataset("path/to/this/directory", split="train")
\`\`\`

Each line of \`shards/*.jsonl.zst\` is \`{"id", "text", "source", "meta"}\`. \`text\` carries no end-of-document mark. \`tunan corpus shard DIR\`
makes token shards of it.
${fields(manifest)}
## 制作 How it was made

Stages in order: ${recipe.stages.map((stage) => `\`${stage.use}\``).join(' → ')}. The recipe with every threshold, and the SHA-256 of every
file, stand in \`manifest.json\`; the same recipe and input give the same bytes.

${manifest.stages.map((stage) => funnelLine(stage)).join('\n')}
${updates(manifest)}
## 来源与许可 Sources and licence

${manifest.provenance.map(sourceLine).join('\n')}${unread(manifest)}

Licence of this corpus: ${manifest.licence}.${rights(manifest)}

## 个人信息 Personal data

${personalData(manifest)}

## 下架 Take-down

\`tunan corpus remove DIR --url URL\` (or \`--id\`, \`--list\`) takes documents out of shards, rejects and report, and keeps later updates from
bringing them back. ${removals(manifest)}

## 局限 Limits

The filters are statistical: some good documents are in \`rejects/\`, some poor ones are in the shards. \`tunan corpus audit DIR\` measures the share.

## 引用 How to cite

Name the sources above, this corpus (\`${manifest.name}\`) and its digests.

\`\`\`bibtex
@misc{${manifest.name.replaceAll('-', '_')},
  title = {${recipe.title.en}},
  note = {corpus ${manifest.name}, made with tunan; recipe ${manifest.recipeSha256.slice(0, 16)}, input ${manifest.inputsSha256.slice(0, 16)}, revision ${manifest.revision ?? 0}}
}
\`\`\`
`;
}

function head({ licence, recipe, splits, counts, metaFields = [] }: Manifest): string {
  const files = SPLITS.filter((split) => splits[split].shards.length > 0);
  const paths = files.map((split) => `      - split: ${split}\n        path: shards/${split}-*.jsonl.zst`);
  return `---
license: ${JSON.stringify(licence.toLowerCase())}
language:
  - zh
pretty_name: ${JSON.stringify(recipe.title.en)}
size_categories:
  - ${JSON.stringify(sizeCategory(counts.kept))}
task_categories:
  - text-generation
configs:
  - config_name: default
    data_files:
${paths.join('\n')}
dataset_info:
  - config_name: default
    features:
${['id', 'text', 'source'].map((name) => `      - name: ${name}\n        dtype: string`).join('\n')}
${metaFeature(metaFields)}---
`;
}

/** The union of all fields: `datasets` would else take those of the first lines, and fail at the first other one. */
function metaFeature(fields: string[]): string {
  if (fields.length === 0) return '';
  const lines = fields.map((name) => `          - name: ${JSON.stringify(name)}\n            dtype: string`);
  return `      - name: meta\n        struct:\n${lines.join('\n')}\n`;
}

/** The categories that the hub knows. */
function sizeCategory(documents: number): string {
  const names = ['n<1K', '1K<n<10K', '10K<n<100K', '100K<n<1M', '1M<n<10M', '10M<n<100M', '100M<n<1B', '1B<n<10B'];
  const power = Math.max(0, Math.floor(Math.log10(Math.max(1, documents))) - 2);
  return names[Math.min(power, names.length - 1)]!;
}

function splitRow(manifest: Manifest, split: (typeof SPLITS)[number]): string {
  const { documents, characters, shards } = manifest.splits[split];
  return `| ${split} | ${documents} | ${characters} | ${shards.length} |`;
}

function funnelLine({ stage, documents, reasons }: Manifest['stages'][number]): string {
  const dropped = Object.entries(reasons).map(([reason, n]) => `${reason} ${n}`);
  return `- \`${stage}\`: ${documents} documents in${dropped.length === 0 ? '' : `; dropped: ${dropped.join(', ')}`}`;
}

function updates({ updates = [] }: Manifest): string {
  if (updates.length === 0) return '';
  const lines = updates.map(
    ({ recipe, read, kept, recipeSha256 }) =>
      `- \`${recipe.name}\` (recipe ${recipeSha256.slice(0, 16)}): ${read} read, ${kept} added`,
  );
  return `\nAdded after the build, without what stood there already:\n\n${lines.join('\n')}\n`;
}

function sourceLine({ source, licence, homepage, files, bytes, skipped }: Manifest['provenance'][number]): string {
  const page = homepage === undefined ? '' : `, <${homepage}>`;
  const passed = Object.entries(skipped ?? {}).map(([kind, n]) => `${kind} ${n}`);
  return `- ${source} (${licence}), ${files} files, ${bytes} bytes${page}${passed.length === 0 ? '' : `; records passed over: ${passed.join(', ')}`}`;
}

function unread({ unread = {} }: Manifest): string {
  const kinds = Object.entries(unread).map(([ending, n]) => `${ending} ${n}`);
  return kinds.length === 0 ? '' : `\n- files beside them that were not read: ${kinds.join(', ')}`;
}

/** The fields of meta, and the mark for a character that is lost. */
function fields({ metaFields = [], recipe }: Manifest): string {
  const lines = metaFields.map(
    (name) => `- \`${name}\`${META_FIELDS[name] === undefined ? '' : `: ${META_FIELDS[name]}`}`,
  );
  const marks = recipe.stages.some(({ use }) => use === 'repair' || use === 'mark-missing')
    ? '\n□ 表示来源中缺失或无法恢复的一个字。□ stands for a character that is missing in the source or could not be restored.\n'
    : '';
  const list =
    lines.length === 0
      ? ''
      : `\n\`meta\` 的字段，值均为字符串 fields of \`meta\`, all strings; a document has those that apply:\n\n${lines.join('\n')}\n`;
  return `${list}${marks}`;
}

/** Text from the open web is not the crawler's to license. */
function rights({ recipe }: Manifest): string {
  const fromTheWeb = recipe.sources.some(({ type }) => ['warc', 'common-crawl', 'html'].includes(type));
  if (!fromTheWeb) return '';
  return ' Texts of web pages stay under the rights of their authors; who trains on them or passes them on must see to it that their law allows it.';
}

/** What the recipe did about it; where it did nothing that is said too. */
function personalData({ recipe }: Manifest): string {
  const masking = recipe.stages.find((stage) => stage.use === 'personal-data');
  if (masking === undefined) {
    return 'Nothing was masked. The texts hold what their sources hold; `meta` carries the names of authors that the sources give.';
  }
  const kinds = masking.kinds.map((kind) => `${kind} → ${masking.masks[kind]}`).join(', ');
  return `Masked in the text, with the counts in each document's \`meta\`: ${kinds}. Rules with check digits find most and not all; names of persons are not masked.
Rejects hold text that no stage masked: do not publish \`rejects/\`.`;
}

function removals({ removals = [] }: Manifest): string {
  if (removals.length === 0) return 'So far nothing was asked for.';
  return `So far ${removals.length} requests took out ${removals.reduce((n, { documents }) => n + documents, 0)} documents.`;
}
