/** `tunan study new` */
import path from 'node:path';
import type { MadeStudy } from '@tunan/evaluation';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { openForAnswers } from '../generate/open-engine.ts';
import { text } from '../language.ts';
import { engineOptions, modelOptions, promptOptions, weightsOptions } from '../model-options.ts';
import { ProgressLine } from '../progress.ts';
import { StopSignal } from '../stop-signal.ts';
import { readConsent, readDesign, readTemplates, within } from '../study-options.ts';
import { alignedTable } from '../table.ts';

/** Sequences that are computed at once, and that may wait: eight prompts with all their tries. */
const BATCH = 16;
const WAITING = 1024;

export default defineCommand({
  positionals: {},
  options: {
    human: {
      type: 'strings',
      value: 'FILE',
      required: true,
      help: text(
        'texts by people: JSON lines with kind (news, poem, couplet, dialogue, novel), prompt, text and source',
        '人写的文本：JSON 行，含 kind（news、poem、couplet、dialogue、novel）、prompt、text、source',
      ),
    },
    model: {
      type: 'string',
      value: 'DIR',
      required: true,
      help: text(
        'model directory, .gguf file, or address of a server, that writes to the same prompts',
        '据同样的 prompt 写作的模型：目录、.gguf 文件或服务地址',
      ),
    },
    out: {
      type: 'string',
      value: 'DIR',
      required: true,
      help: text('new folder for the study', '研究的新目录'),
    },
    by: {
      type: 'string',
      value: 'TEXT',
      required: true,
      help: text(
        'who runs the study and how they are reached; judges read it before they agree',
        '研究者与联系方式，评审者在同意之前会看到',
      ),
    },
    corpus: {
      type: 'string',
      value: 'DIR',
      help: text(
        'the corpus that the model was trained on: copies of it, and human texts that stand in it, are left out (default: not checked, and the report says so)',
        '模型训练所用的语料目录：去掉照抄其中的文本，以及其中已有的人写文本（默认不检查，报告会注明）',
      ),
    },
    design: {
      type: 'string',
      value: 'HOW',
      default: 'single',
      help: text(
        'single: one text, human or machine; pair: two texts, which one is human',
        'single：单篇，判断人写还是机器写；pair：两篇，判断哪篇是人写的',
      ),
    },
    judges: { type: 'number', value: 'N', default: 50, help: text('judges that are planned', '计划的评审人数') },
    texts: { type: 'number', value: 'N', default: 30, help: text('texts for each judge', '每人判断的篇数') },
    checks: {
      type: 'number',
      value: 'N',
      default: 2,
      help: text('checks of attention for each judge', '每人的注意力检查题数'),
    },
    title: { type: 'string', value: 'TEXT', help: text('what judges read above the study', '评审页面上的标题') },
    consent: {
      type: 'string',
      value: 'FILE',
      help: text(
        'what judges agree to, in place of our text: JSON {"zh": …, "en": …}',
        '知情同意书，替换自带的：JSON {"zh": …, "en": …}',
      ),
    },
    invitations: {
      type: 'boolean',
      help: text(
        'each judge needs a code of their own, which works once: invitations.txt has them',
        '每位评审者须有自己的邀请码，只能用一次；见 invitations.txt',
      ),
    },
    pilot: {
      type: 'boolean',
      help: text('makes the study even if it is too small to show anything', '即使规模不足以得出结论，也建立研究'),
    },
    limit: {
      type: 'number',
      value: 'P',
      default: 0.55,
      help: text('accuracy that people are to be shown to stay below', '要证明正确率低于此值'),
    },
    power: { type: 'number', value: 'P', default: 0.8, help: text('chance to show it', '证明成功的把握') },
    tries: {
      type: 'number',
      value: 'N',
      default: 8,
      help: text(
        'texts that the model writes to each prompt, to choose one of',
        '模型对每个 prompt 写的篇数，从中取一',
      ),
    },
    band: {
      type: 'number',
      value: 'P',
      default: 0.2,
      help: text('by how much the lengths of the two may differ, a share', '两方长度最多相差的比例'),
    },
    template: {
      type: 'strings',
      value: 'KIND=TEXT',
      help: text(
        "what the model goes on from, such as 'news={prompt}\\n'; several (default: by kind, see the guide)",
        "模型续写的开头，例如 'news={prompt}\\n'；可给出多个（默认按类别，见指南）",
      ),
    },
    temperature: {
      type: 'number',
      value: 'T',
      default: 0.9,
      help: text('of the drawing of tokens', '采样温度'),
    },
    'top-p': {
      type: 'number',
      value: 'P',
      default: 0.95,
      help: text('share of the mass that is kept', '保留的概率总量'),
    },
    'reading-rate': {
      type: 'number',
      value: 'N',
      default: 20,
      help: text(
        'characters a second that nobody reads faster than: answers that come sooner are not taken',
        '无人能快过的阅读速度，每秒字数：更早的回答不予接受',
      ),
    },
    'shortest-seconds': {
      type: 'number',
      value: 'S',
      default: 2,
      help: text('least seconds for any text', '任何文本的最短秒数'),
    },
    seed: {
      type: 'number',
      value: 'N',
      default: 1,
      help: text('the same seed gives the same texts and orders', '相同种子给出相同的文本与次序'),
    },
    ...engineOptions,
    ...modelOptions,
    ...weightsOptions,
    ...promptOptions,
  },
  examples: [
    'tunan study new --human poems.jsonl --model runs/quickstart/model --corpus runs/quickstart/corpus --by "某某大学 张三 study@example.org" --out runs/study',
    'tunan study new --human news.jsonl novels.jsonl --model http://127.0.0.1:8000/v1 --design pair --judges 80 --by study@example.org --out runs/pairs',
  ],
  reports: true,
  run: async (values) => {
    const { human, model, out, by, corpus, title } = values;
    if (by.trim() === '') throw new UsageError(text('say who runs the study: --by', '请用 --by 写明研究者'));
    const options = {
      ...{ humans: human, by: by.trim(), pilot: values.pilot, invitations: values.invitations },
      design: readDesign(values.design),
      consent: readConsent(values.consent),
      templates: readTemplates(values.template),
      title: {
        zh: title ?? '这是人写的，还是机器写的？',
        en: title ?? 'Written by a person, or by a machine?',
      },
      judges: within('judges', values.judges, [1, 10_000]),
      each: within('texts', values.texts, [2, 500]),
      checks: within('checks', values.checks, [0, 20]),
      tries: within('tries', values.tries, [1, 64]),
      band: within('band', values.band, [0, 1], false),
      temperature: within('temperature', values.temperature, [0, 100], false),
      topP: within('top-p', values['top-p'], [0, 1], false),
      readingRate: within('reading-rate', values['reading-rate'], [0.1, 10_000], false),
      shortestSeconds: within('shortest-seconds', values['shortest-seconds'], [0, 600], false),
      seed: within('seed', values.seed, [0, 2 ** 31]),
      claim: {
        limit: within('limit', values.limit, [0.501, 0.999], false),
        ...{ truth: 0.5, power: within('power', values.power, [0.5, 0.999], false) },
      },
    };
    const [{ makeStudy }, { openCorpus }] = await Promise.all([import('@tunan/evaluation'), import('@tunan/corpus')]);
    const opened = corpus === undefined ? undefined : openCorpus(corpus);
    using stop = new StopSignal();
    const progress = new ProgressLine();
    const made = await makeStudy(out, {
      ...{ ...options, signal: stop.signal },
      open: () => openForAnswers({ ...values, model, 'any-base': false }, BATCH, WAITING),
      corpus: opened && {
        name: path.basename(path.resolve(corpus!)),
        documents: async function* () {
          for await (const { text: document } of opened.documents('train')) yield document;
        },
      },
      onProgress: (stage, done, of) =>
        progress.show(
          stage === 'write'
            ? text(`the model writes: ${done} of ${of} prompts`, `模型写作：${done}/${of}`)
            : text(`searching the corpus: ${done} documents`, `检索语料：${done} 篇`),
        ),
    });
    progress.end();
    return { data: dataOf(out, made), lines: linesOf(out, made) };
  },
});

const dataOf = (out: string, { study, texts, search, plan, invitations }: MadeStudy) => ({
  ...{ out, id: study.id, design: study.design, texts, search: search ?? null, plan },
  invitations: invitations.length,
});

function linesOf(out: string, { study, texts, search, plan, invitations }: MadeStudy): string[] {
  const rows = Object.entries(texts).map(([kind, { given, known, unmatched, used }]) => [
    kind,
    ...[given, known, unmatched, used].map(String),
  ]);
  const heads = [
    text('kind', '类别'),
    text('human texts', '人写文本'),
    text('in the training text', '训练语料中有'),
    text('no fitting text of the model', '无相称的机器文本'),
    text('used', '采用'),
  ];
  const checked =
    search === undefined
      ? text(
          'nobody has looked whether texts stand in the training text: give --corpus where there is one',
          '未检查文本是否在训练语料中：若有语料，请给出 --corpus',
        )
      : text(
          `${search.copies} of ${search.candidates} texts of the model were copies of the ${search.documents} documents`,
          `模型所写的 ${search.candidates} 篇中有 ${search.copies} 篇照抄了语料（共 ${search.documents} 篇文档）`,
        );
  const power = Math.round(100 * plan.power);
  return [
    ...alignedTable(heads, rows),
    checked,
    text(
      `${plan.judges} judges × ${plan.each} texts are worth about ${plan.independent} independent judgements: a chance of ${power} % to show less than ${Math.round(100 * plan.claim.limit)} % right (${plan.needed} are needed for ${Math.round(100 * plan.claim.power)} %)`,
      `${plan.judges} 人 × ${plan.each} 篇约合 ${plan.independent} 个独立判断：有 ${power} % 的把握证明正确率低于 ${Math.round(100 * plan.claim.limit)} %（达到 ${Math.round(100 * plan.claim.power)} % 需要 ${plan.needed} 个）`,
    ),
    ...(invitations.length > 0
      ? [
          text(
            `${invitations.length} invitations: ${out}/invitations.txt`,
            `邀请码 ${invitations.length} 个：${out}/invitations.txt`,
          ),
        ]
      : []),
    text(
      `study ${study.id} in ${out}; judges get the link ADDRESS/#/study/${study.id} of: tunan study serve ${out}`,
      `研究 ${study.id} 已建于 ${out}；用 tunan study serve ${out} 提供，评审链接为 地址/#/study/${study.id}`,
    ),
  ];
}
