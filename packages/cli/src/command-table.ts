/** The commands that there are; each file is loaded only when its command is called. */
import type { Command } from './command.ts';
import { text } from './language.ts';

export interface CommandEntry {
  /** Noun and verb, as they are typed. */
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

export const commandTable: readonly CommandEntry[] = [
  {
    name: 'quickstart',
    summary: text(
      'raw text → corpus → model → scores → served, on this machine',
      '在本机完成：文本 → 语料 → 模型 → 评测 → 服务',
    ),
    load: async () => (await import('./commands/quickstart.ts')).default,
  },
  {
    name: 'corpus build',
    summary: text('raw text → clean corpus, by a recipe', '按配方从原始文本建成干净语料'),
    load: async () => (await import('./commands/corpus-build.ts')).default,
  },
  {
    name: 'corpus shard',
    summary: text('documents → token shards, ready for training', '文档 → 可供训练的词元分片'),
    load: async () => (await import('./commands/corpus-shard.ts')).default,
  },
  {
    name: 'corpus clean',
    summary: text('clean one page, and say what each stage decided', '清洗一个网页，并说明各阶段的决定'),
    load: async () => (await import('./commands/corpus-clean.ts')).default,
  },
  {
    name: 'corpus extract',
    summary: text('the main text of each page of a folder', '提取目录中每个网页的正文'),
    load: async () => (await import('./commands/corpus-extract.ts')).default,
  },
  {
    name: 'corpus update',
    summary: text('add a new crawl, without what is there already', '增补新数据，去掉已有的内容'),
    load: async () => (await import('./commands/corpus-update.ts')).default,
  },
  {
    name: 'corpus audit',
    summary: text('rate a random sample on a local page', '在本地页面上给随机样本评分'),
    load: async () => (await import('./commands/corpus-audit.ts')).default,
  },
  {
    name: 'corpus remove',
    summary: text('take documents out, as a take-down request asks', '按下架要求从语料中移除文档'),
    load: async () => (await import('./commands/corpus-remove.ts')).default,
  },
  {
    name: 'corpus report',
    summary: text('what a corpus holds and what was dropped, with the reasons', '语料内容与剔除原因的统计'),
    load: async () => (await import('./commands/corpus-report.ts')).default,
  },
  {
    name: 'corpus train-quality',
    summary: text('labelled documents → the quality classifier, with its report', '标注文档 → 质量分类器及其报告'),
    load: async () => (await import('./commands/corpus-train-quality.ts')).default,
  },
  {
    name: 'corpus train-perplexity',
    summary: text('good texts → the n-gram model of stage perplexity', '优质文本 → perplexity 阶段的 n 元模型'),
    load: async () => (await import('./commands/corpus-train-perplexity.ts')).default,
  },
  {
    name: 'tokenizer train',
    summary: text('train a byte-level BPE vocabulary on a corpus', '在语料上训练字节级 BPE 词表'),
    load: async () => (await import('./commands/tokenizer-train.ts')).default,
  },
  {
    name: 'tokenizer encode',
    summary: text('text → ids', '文本 → 编号'),
    load: async () => (await import('./commands/tokenizer-encode.ts')).default,
  },
  {
    name: 'tokenizer decode',
    summary: text('ids → text', '编号 → 文本'),
    load: async () => (await import('./commands/tokenizer-decode.ts')).default,
  },
  {
    name: 'train run',
    summary: text('train a model by a recipe, or go on with a run', '按配方训练模型，或继续训练'),
    load: async () => (await import('./commands/train-run.ts')).default,
  },
  {
    name: 'train tune',
    summary: text('a model adapted to examples of your own', '用自己的样例微调模型'),
    load: async () => (await import('./commands/train-tune.ts')).default,
  },
  {
    name: 'train size',
    summary: text('which size, batch and rate a run should have', '该用多大的模型、批量和学习率'),
    load: async () => (await import('./commands/train-size.ts')).default,
  },
  {
    name: 'train plan',
    summary: text(
      'layout, memory, days and cost of a run on many devices, before anything runs',
      '在开跑之前给出多设备训练的布局、显存、天数与费用',
    ),
    load: async () => (await import('./commands/train-plan.ts')).default,
  },
  {
    name: 'train report',
    summary: text('is the loss of a run normal?', '训练的损失是否正常'),
    load: async () => (await import('./commands/train-report.ts')).default,
  },
  {
    name: 'model generate',
    summary: text('continue a text', '续写文本'),
    load: async () => (await import('./commands/model-generate.ts')).default,
  },
  {
    name: 'model export',
    summary: text('a model as a file of other programs', '把模型导出为其他程序的文件'),
    load: async () => (await import('./commands/model-export.ts')).default,
  },
  {
    name: 'model import',
    summary: text('a GGUF as a model directory', '把 GGUF 读入为模型目录'),
    load: async () => (await import('./commands/model-import.ts')).default,
  },
  {
    name: 'model merge',
    summary: text('an adapter into the weights of its model', '把适配器并入模型权重'),
    load: async () => (await import('./commands/model-merge.ts')).default,
  },
  {
    name: 'model tokenizer',
    summary: text('the vocabulary of a model extended or exchanged', '扩充或更换模型的词表'),
    load: async () => (await import('./commands/model-tokenizer.ts')).default,
  },
  {
    name: 'eval run',
    summary: text('measure a model', '评测模型'),
    load: async () => (await import('./commands/eval-run.ts')).default,
  },
  {
    name: 'eval compare',
    summary: text('two models on the same examples, with tests', '两个模型在相同样例上的比较与检验'),
    load: async () => (await import('./commands/eval-compare.ts')).default,
  },
  {
    name: 'eval safety',
    summary: text(
      'what a model copies, what is unsafe, what it gives away',
      '模型的照抄、不安全文本与个人信息泄露检查',
    ),
    load: async () => (await import('./commands/eval-safety.ts')).default,
  },
  {
    name: 'study new',
    summary: text(
      'texts of people and of a model, for judges who are to tell them apart',
      '人写与模型所写的文本，供评审者辨别',
    ),
    load: async () => (await import('./commands/study-new.ts')).default,
  },
  {
    name: 'study serve',
    summary: text("the judges' page of a study, without any model", '提供研究的评审页面，不载入模型'),
    load: async () => (await import('./commands/study-serve.ts')).default,
  },
  {
    name: 'study report',
    summary: text(
      'how many judges were right, how sure that is, and what it hangs on',
      '评审者的正确率、其把握，以及与什么有关',
    ),
    load: async () => (await import('./commands/study-report.ts')).default,
  },
  {
    name: 'serve',
    summary: text('serve a model over HTTP, with a page to try it', '通过 HTTP 提供模型服务，并附试用页面'),
    load: async () => (await import('./commands/serve.ts')).default,
  },
  {
    name: 'account create',
    summary: text('an account, without an application', '新建账户，无需申请'),
    load: async () => (await import('./commands/account/account-create.ts')).default,
  },
  {
    name: 'account list',
    summary: text('accounts, and applications that wait', '账户，以及待审核的申请'),
    load: async () => (await import('./commands/account/account-list.ts')).default,
  },
  {
    name: 'account approve',
    summary: text('an application becomes an account', '批准申请，成为账户'),
    load: async () => (await import('./commands/account/account-approve.ts')).default,
  },
  {
    name: 'account reject',
    summary: text('turn an application down', '拒绝申请'),
    load: async () => (await import('./commands/account/account-reject.ts')).default,
  },
  {
    name: 'account role',
    summary: text('who reviews, and who is admin', '设定审核人与管理员'),
    load: async () => (await import('./commands/account/account-role.ts')).default,
  },
  {
    name: 'account reset',
    summary: text('a new password, for who has lost theirs', '重设密码'),
    load: async () => (await import('./commands/account/account-reset.ts')).default,
  },
  {
    name: 'account suspend',
    summary: text('refuse an account, or a whole organisation, until it is reinstated', '停用账户或整个机构，直至恢复'),
    load: async () => (await import('./commands/account/account-suspension.ts')).suspend,
  },
  {
    name: 'account reinstate',
    summary: text('take a suspended account, or organisation, again', '恢复已停用的账户或机构'),
    load: async () => (await import('./commands/account/account-suspension.ts')).reinstate,
  },
  {
    name: 'account remove',
    summary: text('take out an account, or a whole organisation', '移除账户或整个机构'),
    load: async () => (await import('./commands/account/account-remove.ts')).default,
  },
  {
    name: 'account key create',
    summary: text('an API key, shown once', '新建 API 密钥，只显示一次'),
    load: async () => (await import('./commands/account/account-key-create.ts')).default,
  },
  {
    name: 'account key list',
    summary: text('API keys of an account', '账户的 API 密钥'),
    load: async () => (await import('./commands/account/account-key-list.ts')).default,
  },
  {
    name: 'account key rotate',
    summary: text('a new key, the old one counts on for a while', '更换密钥，旧密钥继续有效一段时间'),
    load: async () => (await import('./commands/account/account-key-rotate.ts')).default,
  },
  {
    name: 'account key revoke',
    summary: text('end an API key at once', '立即吊销 API 密钥'),
    load: async () => (await import('./commands/account/account-key-revoke.ts')).default,
  },
  {
    name: 'account limit list',
    summary: text('the table of limits', '限额表'),
    load: async () => (await import('./commands/account/account-limit-list.ts')).default,
  },
  {
    name: 'account limit set',
    summary: text('a limit of an organisation, an account, a key, or of all', '为机构、账户、密钥或全部设定限额'),
    load: async () => (await import('./commands/account/account-limit-set.ts')).default,
  },
  {
    name: 'account limit remove',
    summary: text('take a line out of the table of limits', '从限额表中删除一行'),
    load: async () => (await import('./commands/account/account-limit-remove.ts')).default,
  },
  {
    name: 'account usage',
    summary: text('what was used, by day, key and model', '按天、密钥与模型统计用量'),
    load: async () => (await import('./commands/account/account-usage.ts')).default,
  },
  {
    name: 'account audit',
    summary: text('who changed what about accounts, and when', '谁在何时变更了账户的什么'),
    load: async () => (await import('./commands/account/account-audit.ts')).default,
  },
  {
    name: 'account backup',
    summary: text('all accounts and what they used, as one file', '把全部账户与用量存为一个文件'),
    load: async () => (await import('./commands/account/account-backup.ts')).default,
  },
  {
    name: 'account restore',
    summary: text('a backup into a new database', '把备份恢复到新的数据库'),
    load: async () => (await import('./commands/account/account-restore.ts')).default,
  },
  {
    name: 'account forget-secret',
    summary: text('go on without a lost secret: revokes all keys', '服务器密钥丢失后继续：吊销全部密钥'),
    load: async () => (await import('./commands/account/account-forget-secret.ts')).default,
  },
  {
    name: 'app list',
    summary: text('the applications of the gallery', '应用库中的应用'),
    load: async () => (await import('./commands/app/app-list.ts')).default,
  },
  {
    name: 'app run',
    summary: text('an application on an input, its answer checked', '对一个输入运行应用，并检查回答'),
    load: async () => (await import('./commands/app/app-run.ts')).default,
  },
  {
    name: 'app measure',
    summary: text('how good applications are with a model', '衡量应用在某模型上的质量'),
    load: async () => (await import('./commands/app/app-measure.ts')).default,
  },
  {
    name: 'app check',
    summary: text('what is wrong with the file of an application', '检查应用文件有无错误'),
    load: async () => (await import('./commands/app/app-check.ts')).default,
  },
  {
    name: 'app new',
    summary: text('begin an application of your own', '新建自己的应用'),
    load: async () => (await import('./commands/app/app-new.ts')).default,
  },
  {
    name: 'setup',
    summary: text('compile the libtorch addon, once', '编译 libtorch 原生扩展（一次即可）'),
    load: async () => (await import('./commands/setup.ts')).default,
  },
  {
    name: 'doctor',
    summary: text(
      'check this machine, with a fix for everything that is missing',
      '检查本机环境，并给出每项缺失的解决办法',
    ),
    load: async () => (await import('./commands/doctor.ts')).default,
  },
];
