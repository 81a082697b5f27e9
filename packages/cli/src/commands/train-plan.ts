/** `tunan train plan` */
import path from 'node:path';
import { makeFolder, writeWhole } from '@tunan/files';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { planLines } from '../plan-lines.ts';
import { findRecipe, recipesHome } from '../recipes.ts';

export default defineCommand({
  positionals: {
    recipe: {
      optional: true,
      help: text(
        'name of a run recipe, or the path of a .json file: its model, batch and tokens',
        '训练配方名，或 .json 文件路径：取其模型、批量与词元数',
      ),
    },
  },
  options: {
    gpus: { type: 'number', value: 'N', required: true, help: text('how many devices there are', '设备数') },
    gpu: {
      type: 'string',
      value: 'NAME',
      default: 'a100-80g',
      help: text(
        'a100-40g, a100-80g, h100 or h200; cpu: processes of this machine, which is measured first',
        'a100-40g、a100-80g、h100 或 h200；cpu 为本机进程，先实测本机',
      ),
    },
    params: {
      type: 'number',
      value: 'N',
      help: text(
        'instead of a recipe: suggest shapes of about so many parameters',
        '不用配方：建议约此参数量的模型形状',
      ),
    },
    tokens: {
      type: 'number',
      value: 'N',
      help: text('to train on (default: those of the recipe)', '训练词元数（默认取自配方）'),
    },
    vocabulary: {
      type: 'number',
      value: 'N',
      help: text(
        'entries of the tokenizer, where the recipe leaves them to its data',
        '分词器的词元数：配方未写明词表、由数据决定时须给出',
      ),
    },
    batch: {
      type: 'number',
      value: 'N',
      help: text('samples a step (default: that of the recipe)', '每步样本数（默认取自配方）'),
    },
    layout: {
      type: 'string',
      value: 'D,T,P',
      help: text(
        'judge this layout (data, tensor, pipeline) beside the best',
        '评估此布局（数据、张量、流水线）并与最佳者并列',
      ),
    },
    runtime: {
      type: 'string',
      value: 'NAME',
      default: 'tunan',
      help: text(
        'what the training program overlaps and fuses: tunan, megatron-2021, megatron-2022, megatron-2024, deepspeed',
        '训练程序的重叠与融合：tunan、megatron-2021、megatron-2022、megatron-2024、deepspeed',
      ),
    },
    price: { type: 'number', value: 'DOLLARS', help: text('of a device hour', '每设备小时的价格（美元）') },
    out: {
      type: 'string',
      value: 'FILE',
      help: text('write a page with charts and the timeline of a step', '写出带图表与单步时间线的页面'),
    },
  },
  examples: [
    'tunan train plan yuan-245b --gpus 2128 --gpu a100-40g --layout 7,8,38 --out runs/plan.html',
    'tunan train plan --params 13e9 --tokens 300e9 --gpus 256 --gpu h100',
  ],
  reports: true,
  run: async (options) => {
    const { recipe: name, gpus, gpu, params, out } = options;
    if ((name === undefined) === (params === undefined)) {
      throw new UsageError(text('give a RECIPE or --params, one of both', '须给出 RECIPE 或 --params，且只给其一'));
    }
    const [{ planFrom }, { planPage }] = await Promise.all([
      import('@tunan/training/planner'),
      import('@tunan/evaluation'),
    ]);
    const plan = await planFrom({
      ...options,
      recipe: name === undefined ? undefined : { file: findRecipe('run', name), home: recipesHome },
      devices: gpus,
      device: gpu,
      parameters: params,
      globalBatch: options.batch,
    });
    const lines = planLines(plan);
    if (out !== undefined) {
      makeFolder(path.dirname(out));
      writeWhole(out, planPage(plan));
      lines.push(text(`charts and the timeline of a step: ${out}`, `图表与单步时间线：${out}`));
    }
    return { data: { ...plan, page: out }, lines };
  },
});
