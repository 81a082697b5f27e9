/**
 * The source types of a corpus recipe, with every field that each takes. What is said of a field here in both languages is shown in
 * docs/corpus-recipe.md.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';

const text = z.string().min(1);

const collection = z.strictObject({
  name: text.describe(inBoth('Goes into `meta.collection`.', '写入 `meta.collection`。')),
  files: z
    .array(text)
    .min(1)
    .describe(
      inBoth(
        'Paths inside the package; `*` stands for any characters but `/`. Files are read in natural number order.',
        '包内路径；`*` 代表除 `/` 外的任意字符。文件按自然数序读取。',
      ),
    ),
  lines: z
    .array(text)
    .min(1)
    .describe(
      inBoth(
        'Field with the lines (a list of texts, or one text); the first that a record has is taken.',
        '存放各行的字段（文本列表或一段文本）；取记录中最先有的一个。',
      ),
    ),
  title: z
    .array(text)
    .default([])
    .describe(inBoth('Field with the title; the first that is not empty.', '标题字段；取第一个非空的。')),
  untitled: z.string().default('').describe(inBoth('Title where the record has none.', '记录没有标题时所用的标题。')),
  bookTitle: z
    .boolean()
    .default(false)
    .describe(
      inBoth(
        'Records inside a book are titled `book·chapter`, not `chapter`.',
        '书中的记录以“书名·篇名”为题，而不只是篇名。',
      ),
    ),
  author: z.array(text).default(['author']).describe(inBoth('Field with the author.', '作者字段。')),
  dynasty: text.optional().describe(inBoth('Goes into `meta.dynasty`.', '写入 `meta.dynasty`。')),
  spaceAs: z
    .string()
    .optional()
    .describe(inBoth('Stands for a space between two words of verse.', '代替诗句之间的空格。')),
  breakAt: text.optional().describe(inBoth('Stands for a line break inside a line.', '代表行内的换行。')),
  lineEnd: z.string().optional().describe(inBoth('Ends a line that ends without punctuation.', '补在没有标点的行末。')),
});

const licence = text
  .default('unknown')
  .describe(
    inBoth('SPDX name of the licence; `unknown` where it is not stated.', '许可的 SPDX 名称；未说明则为 `unknown`。'),
  );
const homepage = text
  .optional()
  .describe(inBoth('Where the source comes from, for the report.', '来源的网址，写入报告。'));

const part = text
  .optional()
  .describe(
    inBoth(
      'The part of the recipe that the source belongs to: it is read where that part is taken.',
      '所属的配方部分：取用该部分时才读取此来源。',
    ),
  );

const npmPackageSource = z
  .strictObject({
    type: z.literal('npm-package'),
    package: text.describe(inBoth('Name of an installed package of npm.', '已安装的 npm 包的名称。')),
    version: text.describe(inBoth('Its version; another one is refused.', '版本；其他版本会被拒绝。')),
    licence,
    homepage,
    part,
    root: z
      .string()
      .default('.')
      .describe(inBoth('Folder inside the package that paths start from.', '包内路径的起点目录。')),
    collections: z.array(collection).min(1).describe(inBoth('What is taken from the package.', '从包中取哪些内容。')),
  })
  .describe(inBoth('JSON files that a package of npm carries.', 'npm 包所带的 JSON 文件。'));

/** What every source but a package says of itself. */
const described = {
  name: text.describe(
    inBoth('Goes into each document as `source`, and into the report.', '写入每篇文档的 `source` 和报告。'),
  ),
  licence,
  homepage,
  part,
};

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const paths = z
  .array(z.union([text, z.strictObject({ url: z.url(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })]))
  .min(1)
  .describe(
    inBoth(
      'Files or folders, from the directory in which the build is started (not from the recipe); or http(s) addresses, fetched once and kept, as text or as `{"url", "sha256"}`.',
      '文件或目录，从启动构建时所在的目录算起（不是从配方所在处）；或 http(s) 网址，只下载一次并保留，可写作文本或 `{"url", "sha256"}`。',
    ),
  );

const fields = z
  .strictObject({
    text: z
      .union([text, z.array(text).min(1)])
      .default('text')
      .describe(
        inBoth(
          'Field with the text, or a list of fields that are joined by line breaks. `a.b` is field b inside a; of a list it is field b of every entry, so `messages.content` joins the turns of a dialogue.',
          '正文字段，或多个字段的列表（以换行相连）。`a.b` 指 a 中的字段 b；若 a 是列表，则取每一项的 b，例如 `messages.content` 把一段对话的各轮连起来。',
        ),
      ),
    title: text
      .optional()
      .describe(inBoth('Field with the title: the first line of the text.', '标题字段：成为正文第一行。')),
    id: text
      .optional()
      .describe(inBoth('Field with the id; else the file and a number.', '编号字段；缺省为文件名加序号。')),
    url: text
      .optional()
      .describe(inBoth('Field with the address; it becomes `meta.url`.', '网址字段；写入 `meta.url`。')),
    meta: z
      .array(text)
      .default([])
      .describe(inBoth('Fields that are carried over into `meta`.', '照搬进 `meta` 的字段。')),
  })
  .default({ text: 'text', meta: [] })
  .describe(
    inBoth(
      'Names of the fields in the file. A record without text is counted and listed in `rejects/`.',
      '文件中的字段名。没有正文的记录计数并列入 `rejects/`。',
    ),
  );

const encoding = text
  .default('auto')
  .describe(
    inBoth(
      'Charset as browsers name it; `auto` detects it from the bytes (UTF-8, GB18030, Big5, EUC-TW, UTF-16).',
      '编码，按浏览器的名称；`auto` 由字节判定（UTF-8、GB18030、Big5、EUC-TW、UTF-16）。',
    ),
  );

const jsonlSource = z
  .strictObject({ type: z.literal('jsonl'), ...described, paths, fields, encoding })
  .describe(
    inBoth(
      'One JSON object a line (`.jsonl`, `.ndjson`), or a `.json` file with a list of objects, named by itself; plain, gzip or zstd. A line that is no JSON is counted and listed in `rejects/` with its number.',
      '每行一个 JSON 对象（`.jsonl`、`.ndjson`），或单独列出的、内含对象列表的 `.json` 文件；可为原样、gzip 或 zstd。不是 JSON 的行计数并连同行号列入 `rejects/`。',
    ),
  );

const csvSource = z
  .strictObject({ type: z.literal('csv'), ...described, paths, fields, encoding })
  .describe(
    inBoth(
      'One document a row of a table (`.csv`, `.tsv`) whose first row names the fields; comma, semicolon or tab.',
      '表格（`.csv`、`.tsv`）的每一行为一篇文档，首行是字段名；分隔符为逗号、分号或制表符。',
    ),
  );

const parquetSource = z
  .strictObject({ type: z.literal('parquet'), ...described, paths, fields })
  .describe(inBoth('One document a row of a Parquet file.', 'Parquet 文件的每一行为一篇文档。'));

const textSource = z
  .strictObject({
    type: z.literal('text'),
    ...described,
    paths,
    document: z
      .enum(['file', 'line'])
      .default('file')
      .describe(inBoth('One document a file, or one a line.', '一个文件一篇，或一行一篇。')),
    encoding,
  })
  .describe(
    inBoth(
      'Plain text and Markdown (`.txt`, `.text`, `.md`, `.markdown`); plain, gzip or zstd.',
      '纯文本与 Markdown（`.txt`、`.text`、`.md`、`.markdown`）；可为原样、gzip 或 zstd。',
    ),
  );

/** Wall clock: the thread of a document is stopped after it, so that one file cannot hold up the others. */
const seconds = z
  .int()
  .min(1)
  .max(86_400)
  .default(300)
  .describe(
    inBoth(
      'Longest time for one file; what takes longer is listed as skipped.',
      '单个文件的最长读取时间（秒）；超时的文件列为跳过。',
    ),
  );

const documentSource = z
  .strictObject({ type: z.literal('document'), ...described, paths, seconds })
  .describe(
    inBoth(
      'Word (`.docx`), PDF with text, EPUB, PowerPoint (`.pptx`) and Excel (`.xlsx`), one document a file; what a file is is told by its content. Files that cannot be read (encrypted, scanned, damaged, of old programs) are listed with the reason.',
      'Word（`.docx`）、含文字的 PDF、EPUB、PowerPoint（`.pptx`）与 Excel（`.xlsx`），一个文件一篇；按内容判断文件类型。无法读取的文件（有密码、扫描件、损坏、旧格式）连同原因列出。',
    ),
  );

const spreadsheetSource = z
  .strictObject({
    type: z.literal('spreadsheet'),
    ...described,
    paths,
    fields,
    sheet: text
      .optional()
      .describe(
        inBoth('The one sheet that is read; else all that are shown.', '只读取此工作表；缺省读取所有未隐藏的。'),
      ),
    seconds,
  })
  .describe(
    inBoth(
      'One document a row of an Excel workbook (`.xlsx`) whose first row names the fields.',
      'Excel 工作簿（`.xlsx`）的每一行为一篇文档，首行是字段名。',
    ),
  );

const htmlSource = z
  .strictObject({ type: z.literal('html'), ...described, paths })
  .describe(
    inBoth(
      'Saved pages (`.html`, `.htm`, `.xhtml`, `.shtml`), read by the stages decode and extract.',
      '保存的网页（`.html`、`.htm`、`.xhtml`、`.shtml`），由 decode 与 extract 阶段处理。',
    ),
  );

const blockLists = z
  .array(text)
  .default([])
  .describe(
    inBoth('Files with a host or an address a line, which are left out.', '每行一个主机名或网址的文件，所列的不读取。'),
  );

const warcSource = z
  .strictObject({
    type: z.literal('warc'),
    ...described,
    paths: paths.optional(),
    lists: paths
      .optional()
      .describe(
        inBoth(
          "Files that name one archive a line, such as Common Crawl's `warc.paths.gz`.",
          '每行一个存档的文件，例如 Common Crawl 的 `warc.paths.gz`。',
        ),
      ),
    prefix: z
      .string()
      .default('')
      .describe(inBoth('Stands before each relative line of the lists.', '加在列表中相对路径之前。')),
    limit: z
      .int()
      .min(1)
      .optional()
      .describe(inBoth('The first so many archives of the lists.', '只取列表中前若干个存档。')),
    blockLists,
  })
  .refine(
    (source) => source.paths !== undefined || source.lists !== undefined,
    inBoth('give paths or lists', '请给出 paths 或 lists'),
  )
  .describe(
    inBoth('Web archives, WARC or WET; plain, gzip or zstd.', '网页存档 WARC 或 WET；可为原样、gzip 或 zstd。'),
  );

const commonCrawlSource = z
  .strictObject({
    type: z.literal('common-crawl'),
    ...described,
    index: z
      .array(z.union([text, z.strictObject({ server: z.url(), match: text })]))
      .min(1)
      .describe(
        inBoth(
          'Index files, local or by address: CDX lines (.gz), the answer of a CDX server, or Parquet of the columnar index. A CDX server is asked page by page with `{"server", "match"}`, match being a pattern of addresses such as `*.cn`.',
          '索引文件，本地或网址：CDX 行（.gz）、CDX 服务器的应答，或列式索引的 Parquet。用 `{"server", "match"}` 逐页询问 CDX 服务器，match 为网址模式，例如 `*.cn`。',
        ),
      ),
    languages: z
      .array(z.string().regex(/^[a-z]{3}$/, inBoth('an ISO 639-3 code, such as zho', 'ISO 639-3 代码，例如 zho')))
      .min(1)
      .default(['zho'])
      .describe(
        inBoth(
          'ISO 639-3 codes; a record is taken when the index names one of them among its languages.',
          'ISO 639-3 代码；索引所列语言含其中之一的记录才读取。',
        ),
      ),
    prefix: z
      .url()
      .default('https://data.commoncrawl.org/')
      .describe(inBoth('Stands before the file names of the index.', '加在索引中的文件名之前。')),
    limit: z.int().min(1).optional().describe(inBoth('The first so many records.', '只取前若干条记录。')),
    blockLists,
  })
  .describe(
    inBoth(
      'The records of a crawl that its index says are Chinese; their byte ranges alone are fetched.',
      '某次抓取中索引标为中文的记录；只下载这些字节区间。',
    ),
  );

const repositorySource = z
  .strictObject({
    type: z.literal('repository'),
    ...described,
    repository: z
      .url()
      .describe(
        inBoth(
          'Address of the repository, under which its host gives `archive/COMMIT.tar.gz`.',
          '仓库网址，其下有 `archive/COMMIT.tar.gz`。',
        ),
      ),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40}$/, inBoth('a commit of 40 hexadecimal digits', '40 位十六进制的提交号'))
      .describe(inBoth('The commit that is read.', '所读取的提交。')),
    collections: z
      .array(
        z.strictObject({
          name: text.describe(inBoth('Goes into `meta.collection`.', '写入 `meta.collection`。')),
          files: z
            .array(text)
            .min(1)
            .describe(
              inBoth(
                'Paths inside the repository; `*` stands for any characters but `/`, `**` for any.',
                '仓库内路径；`*` 代表除 `/` 外的任意字符，`**` 代表任意字符。',
              ),
            ),
          form: z
            .enum(['text', 'lines', 'markup', 'html', 'xml', 'translations', 'dialogues', 'records'])
            .describe(
              inBoth(
                'What a file is: `text`, one document; `lines`, one a line, tabs in it being line ends; `markup`, Markdown or reStructuredText without marks and code; `html`, one page; `xml`, one document, a block a line; `translations`, the translated texts of a gettext file (`.po`); `dialogues`, JSON (or a zip of it) with dialogues; `records`, JSON with a document an object, by `fields`.',
                '文件是什么：`text` 一篇文本；`lines` 每行一篇，行内制表符即换行；`markup` 一篇 Markdown 或 reStructuredText，去掉标记与代码；`html` 一个网页；`xml` 一篇，每块一行；`translations` gettext 文件（`.po`）中的译文；`dialogues` 含对话的 JSON（可为 zip）；`records` 每个对象一篇的 JSON，字段见 `fields`。',
              ),
            ),
          title: z
            .enum(['none', 'file', 'folders'])
            .default('none')
            .describe(
              inBoth(
                "What heads a text: nothing, the file's name, or the names of its folders but the first.",
                '正文的标题：无、文件名，或除第一层外的目录名。',
              ),
            ),
          turns: text
            .default('messages')
            .describe(inBoth('In `dialogues`: the field with the list of turns.', '`dialogues` 中各轮对话的字段。')),
          words: text
            .default('message')
            .describe(
              inBoth('In `dialogues`: the field of a turn with its words.', '`dialogues` 中一轮对话的文字字段。'),
            ),
          fields: z
            .array(text)
            .min(1)
            .default(['text'])
            .describe(inBoth('In `records`: the fields with text, a line each.', '`records` 中的正文字段，各占一行。')),
          sha256: sha256
            .optional()
            .describe(
              inBoth(
                'SHA-256 of the files that are taken, as `contents` of the manifest names it; other files are refused.',
                '所取文件的 SHA-256，即清单 `contents` 中的值；不同则拒绝。',
              ),
            ),
          collected: sha256
            .optional()
            .describe(
              inBoth(
                'The same for the records of a folder of collected texts (`--local FOLDER`).',
                '同上，用于文本汇集目录（`--local FOLDER`）中的各条记录。',
              ),
            ),
        }),
      )
      .min(1)
      .describe(inBoth('What is taken from the repository.', '从仓库中取哪些内容。')),
  })
  .describe(
    inBoth(
      'Files of a public repository at one commit, from its archive or from a local checkout (`--local`).',
      '公开仓库在某一提交时的文件，取自其存档或本地副本（`--local`）。',
    ),
  );

export const sourceSchema = z.discriminatedUnion('type', [
  textSource,
  documentSource,
  spreadsheetSource,
  htmlSource,
  jsonlSource,
  csvSource,
  parquetSource,
  warcSource,
  commonCrawlSource,
  repositorySource,
  npmPackageSource,
]);

export type NpmPackageSource = z.infer<typeof npmPackageSource>;
export type JsonlSource = z.infer<typeof jsonlSource>;
export type CsvSource = z.infer<typeof csvSource>;
export type ParquetSource = z.infer<typeof parquetSource>;
export type DocumentSource = z.infer<typeof documentSource>;
export type SpreadsheetSource = z.infer<typeof spreadsheetSource>;
export type TextSource = z.infer<typeof textSource>;
export type CommonCrawlSource = z.infer<typeof commonCrawlSource>;
export type RepositorySource = z.infer<typeof repositorySource>;
export type WarcSource = z.infer<typeof warcSource>;
export type PathEntry = JsonlSource['paths'][number];
export type Collection = z.infer<typeof collection>;
