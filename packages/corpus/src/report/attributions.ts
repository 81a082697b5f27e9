/** ATTRIBUTIONS.md of a corpus: whom to name for it and for models made of it, under which licence, and what was changed. */
import type { Manifest } from '../directory/manifest.ts';

export function attributions(manifest: Manifest): string {
  const { name, provenance, recipe } = manifest;
  const sources = Map.groupBy(provenance, ({ source }) => source);
  const rows = [...sources].map(([source, parts]) => row(source, parts));
  const stages = recipe.stages.map(({ use }) => `\`${use}\``).join(', ');
  return `# 署名 Attributions

The corpus \`${name}\` holds text of the sources below. Whoever passes it on names them with their licences; CC BY asks for a link and for
a note that the text was changed: it went through the stages ${stages || 'none'}.

语料 \`${name}\` 取自下列来源。转载时请一并署名并注明许可；CC BY 还要求给出链接并说明有改动：文本经过上述各阶段处理。

| 来源 source | 许可 licence | 版本 version | 文档 documents | 字符 characters |
|---|---|---|---:|---:|
${rows.join('\n')}
${parts(manifest)}`;
}

function row(source: string, parts: Manifest['provenance']): string {
  const [{ licence, homepage, repository, commit }] = parts as [Manifest['provenance'][number]];
  const page = repository ?? homepage;
  const named = page === undefined ? source : `[${source}](${page})`;
  const sum = (field: 'kept' | 'characters') => {
    const known = parts.map((part) => part[field]).filter((n) => n !== undefined);
    return known.length === 0 ? '—' : String(known.reduce((n, m) => n + m, 0));
  };
  const cells = [named, licence, commit?.slice(0, 12) ?? '—', sum('kept'), sum('characters')];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** What the recipe lets its user choose, and how it was chosen here. */
function parts({ recipe: { parts = {} } }: Manifest): string {
  const lines = Object.entries(parts).map(([name, { use, why }]) => {
    const said = typeof why === 'string' ? why : `${why.zh} ${why.en}`;
    return `- \`${name}\` (${use ? '取用 taken' : '未取用 left out'}): ${said}`;
  });
  return lines.length === 0 ? '' : `\n## 取舍 Parts of the recipe\n\n${lines.join('\n')}\n`;
}
