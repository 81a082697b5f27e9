/** `tunan app measure` */
import type { App } from '@tunan/protocol';
import { findApp, galleryApps } from '../../apps/find-app.ts';
import { defineCommand, type Report } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { openForAnswers } from '../../generate/open-engine.ts';
import { spoken, text } from '../../language.ts';
import {
  adapterOption,
  anyBaseOption,
  engineOptions,
  modelOptions,
  promptOptions,
  weightsOptions,
} from '../../model-options.ts';
import { isAddress, readAdapterSource } from '../../open-models.ts';
import { ProgressLine } from '../../progress.ts';
import { positive } from '../../serve-settings.ts';
import { StopSignal } from '../../stop-signal.ts';
import { alignedTable } from '../../table.ts';

/** Runs at a time: as many sequences as share a step. */
const AT_ONCE = 8;

export default defineCommand({
  positionals: {
    model: { help: text('model directory, .gguf file, or address of a server', '模型目录、.gguf 文件，或服务地址') },
  },
  options: {
    app: {
      type: 'strings',
      value: 'APP',
      help: text(
        'applications to measure, names or files (default: all of the gallery that have a measure)',
        '要衡量的应用，名字或文件（默认为应用库中全部写有 measure 的应用）',
      ),
    },
    data: {
      type: 'string',
      value: 'DIR',
      help: text(
        'folder with FewCLUE (fewclue/eprstmt/test_public.json …) and classical-modern-pairs.jsonl; forms need none',
        '含有 FewCLUE（fewclue/eprstmt/test_public.json 等）与 classical-modern-pairs.jsonl 的目录；衡量形式不需要',
      ),
    },
    items: { type: 'number', value: 'N', default: 100, help: text('answers for each', '每个应用的回答数') },
    seed: {
      type: 'number',
      value: 'N',
      default: 1,
      help: text('the same seed gives the same answers', '相同种子得到相同回答'),
    },
    out: {
      type: 'string',
      value: 'FILE',
      help: text(
        'where what was measured goes (default: app-quality.json in the model directory, where tunan serve finds it)',
        '结果文件（默认为模型目录中的 app-quality.json，tunan serve 由此读取）',
      ),
    },
    adapter: adapterOption,
    ...anyBaseOption,
    ...engineOptions,
    ...modelOptions,
    ...weightsOptions,
    ...promptOptions,
  },
  examples: [
    'tunan app measure runs/quickstart/model --data data',
    'tunan app measure runs/quickstart/model --app couplet regulated-verse --items 200',
  ],
  reports: true,
  run: async (values): Promise<Report> => {
    const { qualityPlace, writeQuality } = await import('@tunan/applications');
    const { measureApp } = await import('@tunan/evaluation');
    const items = positive('items', values.items, true)!;
    const measuredPlace = values.adapter === undefined ? values.model : readAdapterSource(values.adapter).directory;
    const out = values.out ?? (isAddress(measuredPlace) ? undefined : qualityPlace(await placeOf(measuredPlace)));
    if (out === undefined) {
      throw new UsageError(
        text(
          'of a server say where the result goes, with --out FILE',
          '对服务进行衡量时，请用 --out FILE 指定结果文件',
        ),
      );
    }
    const apps = await chosen(values.app, values.data);
    const opened = await openForAnswers(values, AT_ONCE, AT_ONCE);
    using _engine = opened.engine;
    using stop = new StopSignal();
    const progress = new ProgressLine();
    const today = new Date().toISOString().slice(0, 10);
    const measured = [];
    for (const app of apps) {
      const onAnswer = (done: number, all: number) => progress.show(`${spoken(app.title)}: ${done}/${all}`);
      const options = { data: values.data, items, seed: values.seed, parallel: AT_ONCE, today, onAnswer };
      const found = await measureApp(app, opened.answering, { ...options, signal: stop.signal });
      // Written one by one: what was measured before a stop is kept.
      writeQuality(out, [found.measured]);
      measured.push({ ...found.measured, attempts: found.attempts, shortened: found.shortened });
    }
    progress.end();
    return { data: { model: opened.name, file: out, measured }, lines: [...tableOf(measured), out] };
  },
});

/** @throws UsageError where nothing is left to measure */
async function chosen(names: readonly string[] | undefined, data: string | undefined): Promise<App[]> {
  if (names !== undefined) return await Promise.all(names.map(findApp));
  const all = (await galleryApps()).filter(({ measure }) => measure !== undefined);
  return data === undefined ? all.filter(({ measure }) => measure === 'form') : all;
}

async function placeOf(model: string): Promise<string> {
  const { ggufOf } = await import('@tunan/inference');
  return ggufOf(model) ?? model;
}

interface Measured {
  readonly app: string;
  readonly measure: string;
  readonly metric: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly baseline?: number | undefined;
  readonly first_draw?: number | undefined;
  readonly free_draw?: number | undefined;
  readonly items: number;
  readonly attempts: number;
}

function tableOf(measured: readonly Measured[]): string[] {
  const heads = [
    text('application', '应用'),
    text('set', '数据'),
    text('metric', '指标'),
    text('value', '值'),
    text('95 %', '95% 区间'),
    text('without a model', '不用模型'),
    text('first draw', '首次'),
    text('not imposed', '不约束'),
    text('answers', '回答数'),
    text('attempts', '尝试数'),
  ];
  const share = (value: number | undefined) => value?.toFixed(3) ?? '–';
  const rows = measured.map(({ app, measure, metric, value, low, high, baseline, ...more }) => [
    ...[app, measure, metric, value.toFixed(3), `${low.toFixed(3)}–${high.toFixed(3)}`, share(baseline)],
    ...[share(more.first_draw), share(more.free_draw), String(more.items), String(more.attempts)],
  ]);
  return alignedTable(heads, rows);
}
