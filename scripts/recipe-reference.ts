/**
 * The references of what people write, made from the schemas that check it: `npm run docs:recipes` writes them; a test holds them to the
 * schemas. Add a document here, and describe each field of its schema with `.describe(inBoth(english, chinese))`.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { recipeSchema } from '@tunan/corpus';
import { schemaReference } from '@tunan/protocol/mistakes';
import type * as z from 'zod';

interface Reference {
  readonly file: string;
  readonly language: 'en' | 'zh';
  readonly schema: z.ZodType;
  readonly head: string;
}

const references: readonly Reference[] = [
  {
    file: 'docs/corpus-recipe.md',
    language: 'en',
    schema: recipeSchema,
    head: `# The recipe of a corpus

[中文](corpus-recipe.zh-CN.md)

A JSON file for \`tunan corpus build FILE.json --out DIR\`. Without one, \`tunan corpus build --from PATH… --out DIR\` makes it of your own files, keeps it as
\`DIR.recipe.json\`, and says which fields it guessed; change it as you like and build by it. The shortest recipe:

\`\`\`json
{
  "name": "mine",
  "sources": [{ "type": "text", "name": "notes", "paths": ["my-texts"] }],
  "stages": [{ "use": "normalise" }, { "use": "exact-duplicates" }, { "use": "near-duplicates", "keep": "best" }]
}
\`\`\`

Paths start from the directory in which the command is run, not from the recipe. Unknown fields are errors: all mistakes are told at once, each with its
field and the names that are known. Stages that look at one document stand before those that look at all of them.`,
  },
  {
    file: 'docs/corpus-recipe.zh-CN.md',
    language: 'zh',
    schema: recipeSchema,
    head: `# 语料配方

[English](corpus-recipe.md)

供 \`tunan corpus build 文件.json --out 目录\` 使用的 JSON 文件。没有配方时，\`tunan corpus build --from 路径… --out 目录\` 由你自己的文件生成一份，存为
\`目录.recipe.json\`，并说明推测的字段；可自行修改后再用它构建。最短的配方：

\`\`\`json
{
  "name": "mine",
  "sources": [{ "type": "text", "name": "notes", "paths": ["my-texts"] }],
  "stages": [{ "use": "normalise" }, { "use": "exact-duplicates" }, { "use": "near-duplicates", "keep": "best" }]
}
\`\`\`

路径从运行命令时所在的目录算起，而不是从配方所在处。未知字段是错误：所有错误一次列出，各附字段与可用的名称。逐篇处理的阶段须放在面向全部文档的阶段之前。`,
  },
];

/** The text of each document, by its path from the root. */
export function referenceDocuments(): Map<string, string> {
  return new Map(
    references.map(({ file, language, schema, head }) => {
      const made =
        language === 'en'
          ? '<!-- Made by npm run docs:recipes from the schemas. -->'
          : '<!-- 由 npm run docs:recipes 根据模式生成。 -->';
      const fields = language === 'en' ? '## Fields' : '## 字段';
      return [file, `${head}\n\n${made}\n\n${fields}\n\n${schemaReference(schema, language)}\n`];
    }),
  );
}

if (import.meta.main) {
  const root = path.resolve(import.meta.dirname, '..');
  for (const [file, content] of referenceDocuments()) writeFileSync(path.join(root, file), content);
}
