/**
 * The stages of a corpus recipe, with every option that each takes. Document stages look at one draft alone and run in
 * the order of the recipe; corpus stages need all documents and follow them.
 */
import { PERSONAL_DATA } from '@tunan/page/personal-data';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';

const LOWER_CASE = inBoth('lower-case letters, digits and hyphens', '只能用小写字母、数字和连字符');

const share = z.number().min(0).max(1);
const count = z.int().min(0);
const text = z.string().min(1);

export const documentStageSchema = z.discriminatedUnion('use', [
  z
    .strictObject({ use: z.literal('decode') })
    .describe(
      inBoth(
        'Characters of a web page from its bytes. Documents that are no pages pass, here and in `extract`.',
        '由字节得出网页的文字。不是网页的文档原样通过，`extract` 亦然。',
      ),
    ),
  z
    .strictObject({
      use: z.literal('extract'),
      heading: z
        .boolean()
        .default(true)
        .describe(
          inBoth(
            "The page's title becomes the first line of the text, unless the article has it already; it is in `meta.title` too.",
            '网页标题成为正文第一行（正文已有则不加），并写入 `meta.title`。',
          ),
        ),
    })
    .describe(inBoth('The main text of a page, without what stands around it.', '网页的正文，去掉四周的内容。')),
  z
    .strictObject({ use: z.literal('repair') })
    .describe(
      inBoth(
        'Damaged text is repaired or rejected; what was done stands in `meta.repaired`.',
        '修复或剔除损坏的文字；所做修复写入 `meta.repaired`。',
      ),
    ),
  z
    .strictObject({
      use: z.literal('language'),
      minHanShare: share
        .default(0.3)
        .describe(
          inBoth('Chinese characters among all letters but those of code.', '汉字占全部文字（代码除外）的最低比例。'),
        ),
      maxKanaShare: share
        .default(0.1)
        .describe(inBoth('Kana among kana, Hangul and Chinese characters.', '假名占汉字、假名、谚文的最高比例。')),
      maxHangulShare: share
        .default(0.2)
        .describe(inBoth('Hangul among kana, Hangul and Chinese characters.', '谚文占汉字、假名、谚文的最高比例。')),
      scripts: z
        .array(z.enum(['Hans', 'Hant', 'mixed']))
        .min(1)
        .default(['Hans', 'Hant', 'mixed'])
        .describe(
          inBoth(
            'Scripts that may pass; the script stands in `meta.script`.',
            '允许通过的字体；字体写入 `meta.script`。',
          ),
        ),
    })
    .describe(inBoth('What is not Chinese is dropped.', '剔除不是中文的文档。')),
  z
    .strictObject({
      use: z.literal('simplify'),
      region: z
        .enum(['none', 'tw', 'hk'])
        .default('none')
        .describe(
          inBoth(
            'Traditional texts come from there, and their words become those of the mainland (滑鼠 → 鼠标); `none` changes characters alone.',
            '繁体文本来自该地，其用词改为大陆用词（滑鼠 → 鼠标）；`none` 只转换字形。',
          ),
        ),
    })
    .describe(inBoth('Traditional script becomes Simplified.', '繁体转为简体。')),
  z
    .strictObject({
      use: z.literal('normalise'),
      variants: z
        .boolean()
        .default(false)
        .describe(
          inBoth(
            'For verse: graphic variants become the form of today (鴈 → 雁). In modern text they are names (钱锺书, 牛犇).',
            '用于诗词：异体字改为今字（鴈 → 雁）。今人文字中它们多是人名地名（钱锺书、牛犇），不宜改。',
          ),
        ),
    })
    .describe(
      inBoth('Punctuation, widths, spaces and compatibility characters.', '统一标点、全半角、空格与兼容字符。'),
    ),
  z
    .strictObject({ use: z.literal('mark-missing') })
    .describe(inBoth('A lost character becomes □.', '缺失的字标为 □。')),
  z
    .strictObject({ use: z.literal('verse') })
    .describe(inBoth('For collections of poems: what is no poem is dropped.', '用于诗词：剔除不是诗词的条目。')),
  z
    .strictObject({ use: z.literal('strip-notes') })
    .describe(inBoth('For collections of poems: notes of editors go.', '用于诗词：去掉校注。')),
  z
    .strictObject({
      use: z.literal('rules'),
      minHan: count.optional().describe(inBoth('Least Chinese characters.', '汉字的最少个数。')),
      maxHan: z.int().min(1).optional().describe(inBoth('Most Chinese characters.', '汉字的最多个数。')),
      minHanShare: share
        .optional()
        .describe(inBoth('Chinese characters among all that are no punctuation.', '汉字占标点以外字符的最低比例。')),
      maxMissing: count.optional().describe(inBoth('Most lost characters (□).', '缺字（□）的最多个数。')),
      maxForeign: count.optional().describe(inBoth('Most characters of other scripts.', '其他文字字符的最多个数。')),
    })
    .describe(inBoth('Plain limits, each checked only where it is given.', '简单的限度，只检查写明的项。')),
  z
    .strictObject({
      use: z.literal('coarse-rules'),
      minCharacters: count
        .default(200)
        .describe(
          inBoth(
            'Characters that are no white space. ChineseWebText: at least 200, a mean line of 10, 30 % Chinese.',
            '非空白字符数。ChineseWebText：至少 200，平均行长 10，汉字 30%。',
          ),
        ),
      maxCharacters: z.int().min(1).default(1_000_000).describe(inBoth('The same, at most.', '非空白字符数的上限。')),
      minMeanLine: z.number().min(0).default(10).describe(inBoth('Mean characters of a line.', '平均行长的下限。')),
      minHanShare: share.default(0.3).describe(inBoth('Chinese characters among all.', '汉字的最低比例。')),
      maxRepeated13Grams: share
        .default(0.5)
        .describe(
          inBoth(
            '13-grams that came before in the document (ChineseWebText).',
            '文中重复出现的 13 字片段（ChineseWebText）。',
          ),
        ),
      maxRepeatedLines: share
        .default(0.3)
        .describe(inBoth('Characters in repeated lines (Gopher).', '重复行的字符比例（Gopher）。')),
      maxRepeatedParagraphs: share
        .default(0.3)
        .describe(inBoth('Characters in repeated paragraphs (Gopher).', '重复段落的字符比例（Gopher）。')),
      maxEllipsisLines: share
        .default(0.3)
        .describe(inBoth('Lines that end in an ellipsis (Gopher).', '以省略号结尾的行（Gopher）。')),
      maxBulletLines: share
        .default(0.9)
        .describe(inBoth('Lines that begin with a bullet (Gopher).', '以项目符号开头的行（Gopher）。')),
      maxSymbolShare: share.default(0.15).describe(inBoth('Symbols among all characters.', '符号的比例。')),
      maxDigitShare: share.default(0.3).describe(inBoth('Digits among all characters.', '数字的比例。')),
      boilerplate: z
        .enum(['remove', 'keep'])
        .default('remove')
        .describe(
          inBoth(
            'Lines of navigation, copyright and the like are taken out before the rules.',
            '先去掉导航、版权声明之类的行，再检查各项。',
          ),
        ),
    })
    .describe(inBoth('Published limits that tell text from debris.', '按公开阈值区分正文与残渣。')),
  z
    .strictObject({
      use: z.literal('sensitive'),
      spam: z
        .boolean()
        .default(true)
        .describe(
          inBoth(
            'Pages of adverts, adult content, gambling and illegal offers, recognised by our own terms.',
            '按自有词表剔除广告、色情、赌博与违法交易页面。',
          ),
        ),
      lists: z
        .array(z.strictObject({ category: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, LOWER_CASE), path: text }))
        .default([])
        .describe(
          inBoth(
            'Word lists `{"category", "path"}`, one word a line; category names the reason.',
            '词表 `{"category", "path"}`，每行一词；category 即剔除原因的名称。',
          ),
        ),
      maxHitsPerLine: z
        .number()
        .min(0)
        .default(0.5)
        .describe(
          inBoth('Hits of the lists for each line (ChineseWebText).', '词表命中数与行数之比（ChineseWebText）。'),
        ),
    })
    .describe(inBoth('Spam and what word lists name.', '垃圾内容与词表所列内容。')),
  z
    .strictObject({
      use: z.literal('personal-data'),
      kinds: z
        .array(z.enum(PERSONAL_DATA))
        .min(1)
        .default([...PERSONAL_DATA])
        .describe(inBoth('What is masked.', '遮盖哪些种类。')),
      masks: z
        .strictObject({
          mobile: z.string().default('〈手机号〉'),
          landline: z.string().default('〈电话号码〉'),
          'identity-card': z.string().default('〈身份证号〉'),
          'bank-card': z.string().default('〈银行卡号〉'),
          email: z.string().default('〈电子邮箱〉'),
          account: z.string().default('〈账号〉'),
          address: z.string().default('〈地址〉'),
          passport: z.string().default('〈护照号〉'),
          plate: z.string().default('〈车牌〉'),
        })
        .prefault({})
        .describe(inBoth('What stands for each kind.', '各种类的替代文字。')),
    })
    .describe(
      inBoth(
        'Numbers and addresses of persons are masked; counts in `meta.masked`.',
        '遮盖个人号码与地址；计数写入 `meta.masked`。',
      ),
    ),
  z
    .strictObject({
      use: z.literal('quality'),
      model: text.describe(
        inBoth(
          'Folder of a classifier, from `tunan corpus train-quality`.',
          '分类器目录，由 `tunan corpus train-quality` 生成。',
        ),
      ),
      keep: text
        .default('high')
        .describe(inBoth('The label whose probability becomes `meta.quality`.', '其概率写入 `meta.quality` 的标签。')),
      thresholds: z
        .record(z.string(), share)
        .default({})
        .describe(
          inBoth(
            'In place of the classifier’s own: rejected from this probability of the label on.',
            '代替分类器自带的阈值：某标签的概率达到该值即剔除。',
          ),
        ),
      hidden: z
        .array(text)
        .optional()
        .describe(
          inBoth(
            'Labels for which a long document is rejected where a fifth of its parts have them; `advert` and `unsafe` by default.',
            '长文档中五分之一的部分属于这些标签即剔除；缺省为 `advert` 与 `unsafe`。',
          ),
        ),
    })
    .describe(inBoth('A trained classifier judges the text.', '由训练好的分类器判断文本。')),
  z
    .strictObject({
      use: z.literal('perplexity'),
      model: text.describe(
        inBoth(
          'Folder of a model, from `tunan corpus train-perplexity`.',
          '模型目录，由 `tunan corpus train-perplexity` 生成。',
        ),
      ),
      drop: z
        .array(z.enum(['head', 'middle', 'tail']))
        .default([])
        .describe(inBoth('Buckets that are dropped.', '剔除哪几档。')),
    })
    .describe(inBoth('How expected a text is under a character n-gram model.', '文本在字符 n 元模型下的意外程度。')),
  z
    .strictObject({
      use: z.literal('decontaminate'),
      sets: z
        .array(
          z.strictObject({
            name: z
              .string()
              .regex(/^[a-z0-9][a-z0-9-]*$/, LOWER_CASE)
              .describe(inBoth('Names the reason.', '即剔除原因的名称。')),
            paths: z.array(text).min(1).describe(inBoth('JSON lines.', 'JSON 行文件。')),
            fields: z
              .array(text)
              .min(1)
              .describe(inBoth('Fields with text; `a.b` is field b inside a.', '文本字段；`a.b` 指 a 中的字段 b。')),
          }),
        )
        .min(1)
        .describe(inBoth('Evaluation sets.', '评测集。')),
      ngram: z
        .int()
        .min(5)
        .max(64)
        .default(13)
        .describe(inBoth('Characters in an n-gram (GPT-3: 13).', '片段的字数（GPT-3：13）。')),
      minGrams: z
        .int()
        .min(1)
        .default(1)
        .describe(
          inBoth('Least n-grams of one item that a document shares with it.', '文档与同一题至少共有的片段数。'),
        ),
      minShare: share
        .default(0.5)
        .describe(
          inBoth(
            'And this share of all that the item has (or 100 of them); n-grams that five items have count for none.',
            '并达到该题全部片段的这一比例（或 100 个）；五题以上共有的片段不计。',
          ),
        ),
    })
    .describe(inBoth('What holds text of an evaluation set is dropped.', '剔除含有评测集文本的文档。')),
]);

export const corpusStageSchema = z.discriminatedUnion('use', [
  z
    .strictObject({ use: z.literal('exact-duplicates') })
    .describe(inBoth('Of equal texts the first is kept.', '相同的文本只留第一篇。')),
  z
    .strictObject({
      use: z.literal('near-duplicates'),
      ngram: z.int().min(1).max(32).default(5).describe(inBoth('Characters in a shingle.', '片段的字数。')),
      bands: z.int().min(1).max(256).default(24).describe(inBoth('Bands of MinHash values.', 'MinHash 的段数。')),
      rows: z.int().min(1).max(64).default(6).describe(inBoth('Values in a band.', '每段的值数。')),
      similarity: z
        .number()
        .gt(0)
        .max(1)
        .default(0.8)
        .describe(
          inBoth(
            'Two documents are near duplicates when the Jaccard similarity of their shingle sets is at least this.',
            '两篇文档片段集合的 Jaccard 相似度达到此值即为近似重复。',
          ),
        ),
      keep: z
        .enum(['best', 'first'])
        .optional()
        .describe(
          inBoth(
            'What is kept of near duplicates: `best` by quality, then length, then order; `first` in order. Absent: all are kept, and stand on one side of the split.',
            '近似重复保留哪篇：`best` 依次比质量、长度、次序；`first` 取最先的。缺省时全部保留，并划在同一侧。',
          ),
        ),
    })
    .describe(inBoth('Documents that are nearly equal.', '近似重复的文档。')),
  z
    .strictObject({
      use: z.literal('repeated-lines'),
      minDocuments: z
        .int()
        .min(2)
        .default(5)
        .describe(
          inBoth(
            'A line is taken out that stands on at least so many documents of a site,',
            '一行至少出现在同一网站的这么多篇文档中，',
          ),
        ),
      minShare: share.default(0.02).describe(inBoth('and on this share of them.', '并达到其中这一比例，即删去。')),
      minLeft: z
        .int()
        .min(1)
        .default(1)
        .describe(
          inBoth(
            'A document of which fewer content characters would be left is dropped.',
            '所剩字数少于此值的文档剔除。',
          ),
        ),
    })
    .describe(inBoth('Lines that repeat across the documents of a site.', '在同一网站的文档间重复的行。')),
]);

export type DocumentStageOptions = z.infer<typeof documentStageSchema>;
export type CorpusStageOptions = z.infer<typeof corpusStageSchema>;

/** Names in the order in which they may stand. */
export const DOCUMENT_STAGES: readonly string[] = documentStageSchema.options.map((o) => o.shape.use.value);
export const CORPUS_STAGES: readonly string[] = corpusStageSchema.options.map((o) => o.shape.use.value);

export function isDocumentStage(stage: DocumentStageOptions | CorpusStageOptions): stage is DocumentStageOptions {
  return DOCUMENT_STAGES.includes(stage.use);
}
