/**
 * What a run recipe may say, field by field. The descriptions are those of the reference (docs/run-recipe.md), in both languages.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';

const count = z.int().positive();

const dataSchema = z
  .array(
    z.strictObject({
      corpus: z
        .string()
        .describe(
          inBoth(
            'Directory of token shards, from `tunan corpus shard`.',
            '词元分片目录，由 `tunan corpus shard` 生成。',
          ),
        ),
      weight: z
        .number()
        .positive()
        .default(1)
        .describe(inBoth('Share of the samples, relative to the other sources.', '样本份额，相对于其他来源。')),
      maxEpochs: z
        .number()
        .positive()
        .optional()
        .describe(
          inBoth('How often the source may be passed through. Absent: without end.', '最多遍历几遍；缺省不限。'),
        ),
    }),
  )
  .min(1)
  .describe(inBoth('What is trained on.', '训练数据。'));

const batchRampSchema = z
  .strictObject({
    start: count.describe(inBoth('Samples a step at the beginning.', '起始时每步的样本数。')),
    increment: count.describe(inBoth('By which a step grows.', '每次增加的样本数。')),
    samples: count.describe(inBoth('Over how many samples the ramp goes.', '爬升阶段的样本总数。')),
  })
  .optional()
  .describe(inBoth('Smaller steps at the beginning. Absent: none.', '起始阶段采用较小的步；缺省不用。'));

const optimizerSchema = z
  .strictObject({
    kind: z
      .enum(['adamw', 'muon'])
      .default('adamw')
      .describe(
        inBoth(
          '`adamw` for everything, or `muon` for the matrices of the blocks and AdamW for embeddings, output matrix, norms and biases. Muon learns more from the same tokens.',
          '`adamw` 用于全部参数；`muon` 则以 Muon 更新各层的矩阵，以 AdamW 更新嵌入、输出矩阵、归一化与偏置。同样的词元，Muon 学得更多。',
        ),
      ),
    learningRate: z
      .number()
      .positive()
      .describe(inBoth('The peak of AdamW, with Muon too.', 'AdamW 的学习率峰值，用 Muon 时亦然。')),
    matrixLearningRate: z
      .number()
      .positive()
      .optional()
      .describe(
        inBoth(
          'The peak of Muon; it follows the same schedule. A rate suits every width. Absent: 0.02.',
          'Muon 的学习率峰值，与前者同步升降；同一数值适用于各种宽度。缺省为 0.02。',
        ),
      ),
    momentum: z
      .number()
      .min(0)
      .lt(1)
      .optional()
      .describe(inBoth('Of Muon. Absent: 0.95.', 'Muon 的动量；缺省为 0.95。')),
    minLearningRate: z
      .number()
      .nonnegative()
      .optional()
      .describe(inBoth('Where the decay ends. Absent: a tenth of the peak.', '衰减终点；缺省为峰值的十分之一。')),
    warmupSamples: z
      .int()
      .nonnegative()
      .optional()
      .describe(inBoth('Length of the warm-up in samples; or give warmupSteps.', '预热的样本数；或改给 warmupSteps。')),
    warmupSteps: z
      .int()
      .nonnegative()
      .optional()
      .describe(
        inBoth('Length of the warm-up in steps. Absent, both: no warm-up.', '预热的步数；两者皆缺省则不预热。'),
      ),
    decay: z
      .enum(['cosine', 'linear', 'constant', 'trapezoid'])
      .default('cosine')
      .describe(
        inBoth(
          'Shape of the decay; a trapezoid stays at the peak and falls in a line at the end.',
          '衰减的形状；`trapezoid`（梯形）先保持峰值，最后线性下降。',
        ),
      ),
    cooldown: z
      .number()
      .positive()
      .max(1)
      .optional()
      .describe(
        inBoth(
          'Share of the decay over which a trapezoid falls. Absent: 0.5.',
          '梯形的下降段占衰减长度的比例；缺省为 0.5。',
        ),
      ),
    decaySamples: count
      .optional()
      .describe(inBoth('Length of the decay. Absent: the whole run.', '衰减的样本数；缺省为整个训练。')),
    betas: z
      .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
      .default([0.9, 0.95])
      .describe(inBoth('Of AdamW.', 'AdamW 的两个系数。')),
    epsilon: z
      .number()
      .positive()
      .default(1e-8)
      .describe(inBoth('Of AdamW: keeps the divisor off 0.', 'AdamW 的除零保护。')),
    weightDecay: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe(inBoth('On matrices and embeddings alone.', '权重衰减，仅用于矩阵与嵌入。')),
    weightDecayShape: z
      .enum(['constant', 'linear'])
      .default('constant')
      .describe(
        inBoth('Whether the weight decay falls to 0 until the last step.', '权重衰减保持不变，或线性降到末步的 0。'),
      ),
    cautious: z
      .boolean()
      .default(false)
      .describe(
        inBoth(
          'Let a weight decay only where its update goes towards zero too.',
          '仅当更新方向也使权重趋近于零时才衰减该权重。',
        ),
      ),
    clip: z.number().positive().default(1).describe(inBoth('Largest norm of the gradient.', '梯度范数上限。')),
  })
  .describe(inBoth('The optimizer and its schedule.', '优化器及其学习率计划。'));

const taskEvaluationSchema = z
  .strictObject({
    steps: count.describe(inBoth('Every so many steps, and at the end.', '每隔多少步评测一次，结束时也评测。')),
    suite: z
      .string()
      .describe(
        inBoth(
          'Which tasks; `tunan train run` scores `zeroclue` and `poems`.',
          '任务集；`tunan train run` 可评测 `zeroclue` 与 `poems`。',
        ),
      ),
    data: z.string().describe(inBoth('Folder of the tasks, or the corpus of poems.', '任务数据目录，或诗歌语料。')),
    tasks: z
      .array(z.string())
      .min(1)
      .optional()
      .describe(inBoth('Some of them, by name. Absent: all.', '只取其中几项（任务名）；缺省为全部。')),
    limit: count.default(100).describe(inBoth('Examples of each task.', '每项任务的样例数。')),
  })
  .optional()
  .describe(inBoth('Tasks that are scored while the model learns.', '训练过程中评测的任务。'));

const share = z.number().min(0).max(1);

const prefixSchema = z
  .strictObject({
    least: share.default(0).describe(inBoth('Smallest share of a document.', '占文档的最小比例。')),
    most: share
      .default(1)
      .describe(inBoth('Largest share; drawn uniformly for each document.', '最大比例；每篇文档均匀抽取。')),
    mask: z
      .strictObject({
        part: z
          .enum(['All', 'Prefix', 'Target'])
          .describe(
            inBoth(
              'Of which tokens: those of the whole document, of the prefix, or behind it. Masked tokens of the prefix are predicted too.',
              '替换哪些词元：整篇文档、前缀，或前缀之后。前缀中被替换的词元也要预测。',
            ),
          ),
        probability: share.default(0.15).describe(inBoth('Of each token.', '每个词元被替换的概率。')),
      })
      .optional()
      .describe(
        inBoth(
          'Input tokens replaced by `<mask>`, under the names of Yuan 1.0. Absent: none.',
          '把输入词元替换为 `<mask>`，名称沿用源 1.0；缺省不替换。',
        ),
      ),
  })
  .optional()
  .describe(
    inBoth(
      'Of `plm`: how much of each document is prefix, read with attention in both directions and not predicted.',
      '用于 `plm`：每篇文档有多少作为前缀；前缀内双向注意，且不预测。',
    ),
  );

const loraSchema = z
  .strictObject({
    rank: count.default(16).describe(inBoth('What an adapted map is narrowed to.', '适配器的秩。')),
    alpha: z
      .number()
      .positive()
      .optional()
      .describe(
        inBoth(
          'What is added is scaled by alpha / rank. Absent: twice the rank.',
          '所加部分的缩放为 alpha / rank；缺省为秩的两倍。',
        ),
      ),
    targets: z
      .array(z.string())
      .min(1)
      .default(['all'])
      .describe(
        inBoth(
          '`all`, `attention`, `mlp`, or maps by their names in the files, such as `q_proj`.',
          '`all`、`attention`、`mlp`，或按文件中的名称指定映射，如 `q_proj`。',
        ),
      ),
    rankStabilized: z
      .boolean()
      .default(false)
      .describe(inBoth('Scale by alpha / sqrt(rank) instead (rsLoRA).', '改以 alpha / sqrt(rank) 缩放（rsLoRA）。')),
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe(
        inBoth('Share of its inputs that the adapter does not see at a step.', '训练时适配器输入的随机丢弃比例。'),
      ),
  })
  .optional()
  .describe(
    inBoth(
      'Train a low-rank adapter beside the weights of `--from`, which stay as they are. Checkpoints are then adapters in the form of PEFT. Absent: all weights are trained.',
      '在 `--from` 的权重旁训练低秩适配器，权重本身不变；检查点即 PEFT 格式的适配器。缺省训练全部权重。',
    ),
  );

const preferenceSchema = z
  .strictObject({
    beta: z
      .number()
      .positive()
      .default(0.1)
      .describe(inBoth('How much it costs to leave the model that the run begins with.', '偏离起始模型的代价系数。')),
    labelSmoothing: z
      .number()
      .min(0)
      .lt(0.5)
      .default(0)
      .describe(
        inBoth('Share of the pairs that is taken to be labelled the wrong way round.', '假定标反的偏好对所占的比例。'),
      ),
  })
  .optional()
  .describe(
    inBoth(
      'Of `tunan train tune` on pairs of answers alone: learn which of the two is preferred (DPO).',
      '仅用于 `tunan train tune` 以偏好对微调：学习两个回答中更好的一个（DPO）。',
    ),
  );

export const recipeSchema = z.strictObject({
  description: z.string().optional().describe(inBoth('For people.', '说明文字，供人阅读。')),
  model: z
    .union([z.string(), z.record(z.string(), z.unknown())])
    .describe(
      inBoth(
        'Name of a model recipe, path of a JSON file, or the config itself. With `--from` the model is that of the directory. Its vocabularySize may be left out: the size of the tokenizer, padded to a multiple of 128.',
        '模型配方的名称、JSON 文件的路径，或配置本身。用 `--from` 时以该目录的模型为准。vocabularySize 可省略：取分词器大小，补齐为 128 的倍数。',
      ),
    ),
  data: dataSchema,
  lora: loraSchema,
  preference: preferenceSchema,
  objective: z
    .enum(['lm', 'plm'])
    .default('lm')
    .describe(
      inBoth(
        "`lm`: a causal language model. `plm`: a prefix language model, Yuan 1.0's second kind; the model remembers it, and prompts are then read as prefixes.",
        '`lm`：因果语言模型；`plm`：前缀语言模型，即源 1.0 的第二种。模型会记住这一点，之后以前缀方式读取提示。',
      ),
    ),
  prefix: prefixSchema,
  packing: z
    .enum(['stream', 'documents'])
    .default('stream')
    .describe(
      inBoth(
        '`stream`: documents end to end, cut every T tokens. `documents`: rows of whole documents, each with the `<eod>` that begins it; what stays empty is padding, and a document longer than T takes several rows.',
        '`stream`：文档首尾相接，每 T 个词元切一段；`documents`：每行由完整文档组成，均以 `<eod>` 开头，空余处填充；长于 T 的文档占数行。',
      ),
    ),
  attention: z
    .enum(['row', 'document'])
    .default('row')
    .describe(
      inBoth(
        '`row`: a position sees everything before it in its sample. `document`: only what is of its own document; positions count from 0 at each `<eod>`.',
        '`row`：可见样本内之前的全部内容；`document`：只见本文档，位置自每个 `<eod>` 起从 0 计。',
      ),
    ),
  sequenceLength: count.describe(inBoth('Tokens a sample (T).', '每个样本的词元数（T）。')),
  microBatch: count.describe(inBoth('Samples that go through the model at once.', '一次送入模型的样本数。')),
  globalBatch: count.describe(
    inBoth(
      'Samples a step; more than the micro batch means that gradients are added up.',
      '每步的样本数；大于 microBatch 时累积梯度。',
    ),
  ),
  batchRamp: batchRampSchema,
  steps: count.optional().describe(inBoth('Length of the run; or give tokens.', '训练步数；或改给 tokens。')),
  tokens: count.optional().describe(inBoth('Length of the run in tokens.', '训练的词元总数。')),
  optimizer: optimizerSchema,
  skipSpikes: z
    .strictObject({
      deviations: z
        .number()
        .positive()
        .default(6)
        .describe(inBoth('Standard deviations above the mean.', '高于均值多少个标准差。')),
      window: z.int().min(2).default(128).describe(inBoth('Steps of the mean.', '取最近多少步。')),
    })
    .optional()
    .describe(
      inBoth(
        "Make no update at a step whose loss or gradient norm is that far above those of the steps before (the rule of OLMo-core's SkipStepAdamW). Its samples count as seen, and log.jsonl says `skipped`. Absent: every step updates.",
        '损失或梯度范数远高于此前各步时，该步不更新权重（即 OLMo-core 的 SkipStepAdamW 规则）；其样本仍计为已见，log.jsonl 中注明 `skipped`。缺省每步都更新。',
      ),
    ),
  dropout: z.number().min(0).lt(1).optional().describe(inBoth("Instead of the model's.", '替换模型的 dropout。')),
  precision: z
    .enum(['auto', 'float32', 'bfloat16', 'float16'])
    .default('auto')
    .describe(
      inBoth(
        'Of the products; weights stay float32. bfloat16 is used only where the device has instructions for it, auto uses it there. float16, with dynamic loss scaling, is for GPUs without bfloat16; on the CPU it is slower than float32, and there to try a recipe.',
        '乘法的精度；权重始终为 float32。仅当设备有 bfloat16 指令时才用 bfloat16，auto 即在此时采用。float16 配合动态损失缩放，用于不支持 bfloat16 的 GPU；在 CPU 上慢于 float32，仅供检验配方。',
      ),
    ),
  lossScale: z
    .strictObject({
      initial: z
        .number()
        .min(1)
        .default(2 ** 16)
        .describe(inBoth('At the first step; a power of two loses no digits.', '首步的缩放；取 2 的幂则不损失精度。')),
      growAfter: count
        .default(2000)
        .describe(inBoth('Steps without overflow in a row, after which it is doubled.', '连续多少步未溢出后加倍。')),
    })
    .optional()
    .describe(
      inBoth(
        'Of `float16`: what the loss is multiplied by, so that small gradients are not lost (arXiv 1710.03740). Where a gradient overflows, the step makes no update and the scale is halved; log.jsonl has the scale of every step.',
        '用于 `float16`：损失所乘的系数，使小梯度不致丢失（arXiv 1710.03740）。梯度溢出的步不更新权重，缩放减半；log.jsonl 记录每步的缩放。',
      ),
    ),
  recomputation: z
    .union([z.enum(['none', 'selective', 'full']), z.boolean()])
    .transform((value) => (typeof value === 'string' ? value : value ? 'full' : 'none'))
    .default('none')
    .describe(
      inBoth(
        "What is run again in the backward pass. `none`: nothing. `selective`: the norms of the blocks and GELU or SwiGLU, beside attention's scores (arXiv 2205.05198), which its kernel never keeps: less memory for next to no work. `full`, or `true`: the blocks, of which the inputs alone are kept: least memory, a third more work.",
        '反向时重算什么。`none`：不重算；`selective`：各层的归一化与 GELU 或 SwiGLU，以及注意力得分（arXiv 2205.05198；此处的内核从不保存得分）：省内存，几乎不增加计算；`full` 或 `true`：整层，只保留其输入，最省内存，多三分之一的计算。',
      ),
    ),
  parallel: z
    .strictObject({
      tensor: count
        .default(1)
        .describe(inBoth('Processes that share every matrix product.', '共同完成每个矩阵乘法的进程数（张量并行）。')),
      pipeline: count
        .default(1)
        .describe(inBoth('Stages of layers one behind the other.', '按层前后相接的段数（流水线并行）。')),
      chunks: count
        .default(1)
        .describe(
          inBoth(
            'Pieces of a stage, taken from several places of the model (interleaved): less waiting, more messages.',
            '每段由模型中几处的层组成（交错调度）：等待更少，通信更多。',
          ),
        ),
      sequenceParallel: z
        .boolean()
        .default(false)
        .describe(
          inBoth(
            'Divide norms, dropout and the residual stream among the processes of `tensor` too, by positions: less memory for the same traffic.',
            '`tensor` 的各进程也按位置分担归一化、dropout 与残差流：通信量不变，更省内存。',
          ),
        ),
    })
    .default({ tensor: 1, pipeline: 1, chunks: 1, sequenceParallel: false })
    .describe(
      inBoth(
        'How processes hold one copy of the model together; the names are those of `tunan train plan`. Processes beyond tensor x pipeline are further copies. A checkpoint can be gone on with in any layout.',
        '若干进程如何共同持有一份模型，名称与 `tunan train plan` 相同；多于 tensor × pipeline 的进程各持又一份模型。检查点可在任何布局下继续。',
      ),
    ),
  seed: z
    .int()
    .nonnegative()
    .default(1)
    .describe(inBoth('Of weights, data order and dropout.', '权重、数据次序与 dropout 的种子。')),
  device: z
    .union([z.enum(['cpu', 'cuda']), z.templateLiteral(['cuda:', z.int().nonnegative()])])
    .default('cpu')
    .describe(inBoth('`cpu`, `cuda` or `cuda:N`.', '`cpu`、`cuda` 或 `cuda:N`。')),
  threads: count
    .optional()
    .describe(inBoth('Threads of the engine. Absent: all processors.', '计算线程数；缺省用全部处理器。')),
  evaluation: z
    .strictObject({
      every: count.describe(inBoth('Every so many steps, and at the end.', '每隔多少步评测一次，结束时也评测。')),
      windows: count
        .default(64)
        .describe(inBoth('Windows of T tokens of each source.', '每个来源取多少个长为 T 的窗口。')),
    })
    .optional()
    .describe(inBoth('Loss on the validation shards.', '在验证分片上计算损失。')),
  evaluateEvery: taskEvaluationSchema,
  promised: z
    .strictObject({
      loss: z.number().describe(inBoth('Nats a token on the validation shards.', '验证分片上每词元的损失（nat）。')),
      low: z.number().describe(inBoth('Less would be a surprise.', '低于此值属意外。')),
      high: z.number().describe(inBoth('More would be a surprise.', '高于此值属意外。')),
      curve: z
        .array(z.strictObject({ tokens: z.number(), loss: z.number() }))
        .max(1_000)
        .optional()
        .describe(
          inBoth(
            'What the scaling law expects of runs that end after so many tokens; the page of runs draws it.',
            '缩放律对训练到若干词元即结束的预期损失，供训练页面绘制。',
          ),
        ),
    })
    .optional()
    .describe(
      inBoth(
        'What `tunan train size` promised for the end of this run; the report compares.',
        '`tunan train size` 对训练结束时的预期，供报告对照。',
      ),
    ),
  checkpoint: z
    .strictObject({
      every: count.describe(
        inBoth(
          'Every so many steps, before tasks are scored, and at the end.',
          '每隔多少步保存一次；任务评测之前与结束时也保存。',
        ),
      ),
      keep: count.default(2).describe(inBoth('How many of the last ones stay.', '保留最近的几个。')),
      background: z
        .boolean()
        .default(true)
        .describe(
          inBoth(
            'Go on training while a thread writes a copy of weights and optimizer, for which there must be memory. `false`: wait for the disk, without a copy.',
            '由后台线程写出权重与优化器的副本，训练同时继续，需有容纳副本的内存；`false` 则等待写盘，不作副本。',
          ),
        ),
    })
    .default({ every: 500, keep: 2, background: true })
    .describe(inBoth('What a stopped run goes on from.', '中断后由此继续。')),
});

export type RunRecipe = z.input<typeof recipeSchema>;
export type ParsedRecipe = z.output<typeof recipeSchema>;
