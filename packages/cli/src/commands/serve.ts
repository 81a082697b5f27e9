/** `tunan serve` */
import type { WorkerStatus } from '@tunan/inference';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import {
  anyBaseOption,
  engineOptions,
  modelOptions,
  promptOptions,
  readEngine,
  readPlace,
  weightsOptions,
} from '../model-options.ts';
import { isAddress, openModels, readAdapterSource, readModelSource } from '../open-models.ts';
import { serveModels } from '../serve-models.ts';
import { listOf, positive, readServeSettings } from '../serve-settings.ts';
import { requireShippedModel } from '../shipped-model.ts';
import { StopSignal } from '../stop-signal.ts';
import { readYuanAccounts } from '../yuan-options.ts';

export default defineCommand({
  positionals: {},
  options: {
    model: {
      type: 'strings',
      value: 'DIR',
      help: text(
        'model directory, .gguf file, or the address of an OpenAI-compatible server that runs it, NAME=URL,URL for several; NAME=DIR names it; several to serve several (default: models/tunan-tiny with its adapters, where it is)',
        '模型目录、.gguf 文件，或运行该模型的 OpenAI 兼容服务的地址，多个服务写作 NAME=URL,URL；NAME=DIR 为其命名；可给出多个（默认：已有的 models/tunan-tiny 及其适配器）',
      ),
    },
    adapter: {
      type: 'strings',
      value: 'NAME=DIR',
      help: text(
        'adapter (LoRA) served beside a model and asked for by NAME; NAME=DIR@MODEL where there are several models; several to serve several',
        '与模型一同提供服务的适配器（LoRA），以 NAME 调用；有多个模型时写作 NAME=DIR@MODEL；可给出多个',
      ),
    },
    ...anyBaseOption,
    name: {
      type: 'string',
      value: 'NAME',
      help: text(
        "the name of a single model in the API (default: its folder's)",
        '单个模型在 API 中的名字（默认为目录名）',
      ),
    },
    memory: {
      type: 'number',
      value: 'GIB',
      help: text(
        'memory that the models of this machine may take together, GiB; others are unloaded for the one that is asked for (default: 0.8 of what is free)',
        '本机各模型合计最多占用的内存，GiB；必要时为被请求的模型卸载其他模型（默认为空闲内存的 0.8）',
      ),
    },
    preload: {
      type: 'string',
      value: 'NAMES',
      help: text(
        'models to load at the start, between commas; all for all (default: the only one of this machine; of several each on its first request)',
        '启动时载入的模型，逗号分隔；all 表示全部（默认：本机只有一个模型时载入它，多个时各在首个请求时载入）',
      ),
    },
    'unload-after': {
      type: 'number',
      value: 'MIN',
      help: text(
        'minutes after which an idle model is unloaded (default: only where memory is needed)',
        '模型空闲多少分钟后卸载（默认仅在需要内存时）',
      ),
    },
    host: {
      type: 'string',
      value: 'ADDRESS',
      default: '127.0.0.1',
      help: text(
        'address to listen on; 0.0.0.0 for all, and then with --accounts or --api-key',
        '监听地址；0.0.0.0 表示全部，此时须有 --accounts 或 --api-key',
      ),
    },
    port: { type: 'number', value: 'N', default: 8000, help: text('0 takes any free one', '0 表示任取空闲端口') },
    'api-key': {
      type: 'string',
      value: 'KEYS',
      help: text(
        'keys of which callers of /v1 send one, between commas; better in TUNAN_API_KEY',
        '调用 /v1 须发送的密钥，逗号分隔；更宜放在环境变量 TUNAN_API_KEY',
      ),
    },
    accounts: {
      type: 'string',
      value: 'PLACE',
      help: text(
        'switches accounts on: a file, made where there is none, or the URL of PostgreSQL; TUNAN_ACCOUNTS does the same',
        '启用账户：一个文件（没有时新建），或 PostgreSQL 的 URL；也可用环境变量 TUNAN_ACCOUNTS',
      ),
    },
    'audit-days': {
      type: 'number',
      value: 'DAYS',
      default: 730,
      help: text(
        'with --accounts: how long it is kept who changed what about accounts (account audit)',
        '启用账户时：账户变更记录（account audit）保留多少天',
      ),
    },
    open: {
      type: 'boolean',
      help: text(
        'a wider address may be used by everyone who reaches it, without accounts and keys',
        '允许对外地址在没有账户与密钥时任人使用',
      ),
    },
    'yuan-engine': {
      type: 'strings',
      value: 'ENGINE=NAME',
      help: text(
        "the model of an engine of Yuan 1.0's own protocol, such as base_10B=NAME; several (default: the model of that name, or the only one)",
        '源 1.0 原协议中某引擎对应的模型，例如 base_10B=NAME；可给出多个（默认为同名模型，或唯一的模型）',
      ),
    },
    'yuan-accounts': {
      type: 'string',
      value: 'FILE',
      help: text(
        "where keys or accounts are on: who may call by Yuan's own protocol, a JSON file of accounts and telephone numbers, or stored for those of --accounts (default: nobody)",
        '启用密钥或账户时，谁可用源 1.0 原协议调用：含账户与电话号码的 JSON 文件，或写 stored 表示 --accounts 中的（默认无人）',
      ),
    },
    safety: {
      type: 'string',
      value: 'POLICY',
      help: text(
        'checks prompts and answers by this JSON file: word lists, personal data, a classifier',
        '按此 JSON 文件检查提示与回答：词表、个人信息、分类器',
      ),
    },
    data: {
      type: 'string',
      value: 'DIR',
      help: text(
        'folder for the files, batches, responses and applications of callers; one server holds it (default: no /v1/files and /v1/batches, responses for an hour in memory, own applications until the server ends)',
        '存放调用者的文件、批处理、应答与应用的目录，由一个服务独占（默认不提供 /v1/files 与 /v1/batches，应答在内存中保留一小时，自有应用保留到服务结束）',
      ),
    },
    'response-days': {
      type: 'number',
      value: 'N',
      help: text(
        'how long responses of /v1/responses are kept in --data (default 30); 0 keeps none, in memory neither',
        '/v1/responses 的应答在 --data 中保留的天数（默认 30）；0 表示不保留，内存中也不保留',
      ),
    },
    moderation: {
      type: 'string',
      value: 'DIR',
      help: text(
        'classifier that answers /v1/moderations; its labels with a threshold are the categories (default: no such route)',
        '应答 /v1/moderations 的分类器；其带阈值的标签即为类别（默认不提供该路由）',
      ),
    },
    study: {
      type: 'strings',
      value: 'DIR',
      help: text(
        'study of tunan study new, whose judges get the link that is printed; several for several studies',
        'tunan study new 建立的研究，启动时给出评审链接；可给出多个',
      ),
    },
    workspace: {
      type: 'string',
      value: 'DIR',
      help: text(
        'folder whose corpora, runs and evaluations admins see on the page, runs live; without --accounts on this machine alone',
        '管理员可在页面上查看其中语料、训练（实时）与评测的目录；不加 --accounts 时仅限本机',
      ),
    },
    'content-mark': {
      type: 'string',
      value: 'PRODUCER',
      help: text(
        'marks every answer as generated content of PRODUCER, in its field AIGC (GB 45438-2025)',
        '在每个回答的 AIGC 字段标识其为 PRODUCER 生成的内容（GB 45438-2025）',
      ),
    },
    'content-notice': {
      type: 'boolean',
      help: text(
        'ends every generated text with a visible notice as well; with --content-mark',
        '并在每段生成文本末尾加可见提示；与 --content-mark 同用',
      ),
    },
    'trusted-proxy': {
      type: 'string',
      value: 'ADDRESSES',
      help: text(
        'proxies in front, addresses or networks between commas, whose X-Forwarded-For and -Proto are believed',
        '前置代理的地址或网段，逗号分隔；只采信它们的 X-Forwarded-For 与 -Proto',
      ),
    },
    'cors-origin': {
      type: 'string',
      value: 'ORIGINS',
      help: text(
        'origins whose pages may call, between commas; * for all',
        '允许其网页调用的来源，逗号分隔；* 表示全部',
      ),
    },
    'batch-size': {
      type: 'number',
      value: 'N',
      help: text('sequences computed at once (default 16)', '同时计算的序列数（默认 16）'),
    },
    'queue-size': {
      type: 'number',
      value: 'N',
      help: text('sequences that may wait (default 256)', '可以等待的序列数（默认 256）'),
    },
    'wait-seconds': {
      type: 'number',
      value: 'S',
      default: 300,
      help: text('how long a request may wait for its turn', '请求至多排队多少秒'),
    },
    'body-limit': {
      type: 'number',
      value: 'MIB',
      help: text('largest body of a request, MiB (default 4)', '请求体的上限，MiB（默认 4）'),
    },
    'drain-seconds': {
      type: 'number',
      value: 'S',
      help: text(
        'how long running answers may go on when it stops (default 10)',
        '停止时等待进行中的回答多少秒（默认 10）',
      ),
    },
    'upstream-timeout': {
      type: 'number',
      value: 'S',
      help: text(
        'longest silence of a server behind, in seconds (default 120); its key goes into TUNAN_UPSTREAM_KEY',
        '上游服务最长多少秒没有消息（默认 120）；其密钥放在 TUNAN_UPSTREAM_KEY',
      ),
    },
    'upstream-connect-timeout': {
      type: 'number',
      value: 'S',
      help: text('longest wait for a connection to it (default 5)', '与上游服务建立连接最多等待多少秒（默认 5）'),
    },
    'upstream-first-timeout': {
      type: 'number',
      value: 'S',
      help: text(
        'longest wait for its first token (default: as its longest silence)',
        '等待其首个词元最多多少秒（默认与最长静默相同）',
      ),
    },
    'upstream-total-timeout': {
      type: 'number',
      value: 'S',
      help: text('longest time of a whole answer of it (default: none)', '其一次完整回答最多多少秒（默认不限）'),
    },
    'upstream-sequences': {
      type: 'number',
      value: 'N',
      help: text(
        'sequences that one server behind is given at a time (default 256)',
        '同时交给一个上游服务的序列数（默认 256）',
      ),
    },
    'log-requests': {
      type: 'boolean',
      help: text(
        'a JSON line on standard error for each request, without its texts',
        '每个请求在标准错误输出一行 JSON，不含文本',
      ),
    },
    otlp: {
      type: 'string',
      value: 'URL',
      help: text(
        'sends traces of requests, without their texts, to a collector of OpenTelemetry by OTLP over HTTP, such as http://127.0.0.1:4318; OTEL_EXPORTER_OTLP_ENDPOINT does the same',
        '以 OTLP/HTTP 向 OpenTelemetry 收集器发送请求追踪（不含文本），例如 http://127.0.0.1:4318；也可用环境变量 OTEL_EXPORTER_OTLP_ENDPOINT',
      ),
    },
    ...engineOptions,
    ...modelOptions,
    ...weightsOptions,
    ...promptOptions,
  },
  examples: [
    'tunan serve',
    'tunan serve --model runs/quickstart/model',
    'tunan serve --model runs/quickstart/model --port 0 --dtype bfloat16',
    'tunan serve --model poems=poems-q8_0.gguf --batch-size 32',
    'tunan serve --model runs/quickstart/model --accounts accounts.sqlite --host 0.0.0.0',
    'tunan serve --model runs/quickstart/model --safety policy.json --content-mark 某某大学',
    'TUNAN_API_KEY=secret tunan serve --model runs/quickstart/model --host 0.0.0.0 --log-requests',
    'tunan serve --model poems=runs/poems/model --model essays=runs/essays/model --memory 8 --preload poems',
    'tunan serve --model base=runs/base/model --adapter riddles=runs/riddles/adapter --adapter poems=runs/poems/adapter',
    'tunan serve --model poems=runs/quickstart/model --model big=http://127.0.0.1:8001/v1,http://127.0.0.1:8002/v1',
  ],
  reports: false,
  run: async ({ model: given, name, host, port, ...values }) => {
    const settings = readServeSettings(values);
    const yuanAccounts = readYuanAccounts(values['yuan-accounts'], settings.accounts);
    const limits = {
      batchSize: positive('batch-size', values['batch-size'], true),
      waitingSize: positive('queue-size', values['queue-size'], true),
      waitSeconds: positive('wait-seconds', values['wait-seconds'], false),
    };
    const remote = {
      timeoutSeconds: positive('upstream-timeout', values['upstream-timeout'], false),
      connectSeconds: positive('upstream-connect-timeout', values['upstream-connect-timeout'], false),
      firstTokenSeconds: positive('upstream-first-timeout', values['upstream-first-timeout'], false),
      totalSeconds: positive('upstream-total-timeout', values['upstream-total-timeout'], false),
      sequencesPerWorker: positive('upstream-sequences', values['upstream-sequences'], true),
      waitingSize: limits.waitingSize,
      waitSeconds: limits.waitSeconds,
      onWorker: tellWorker,
    };
    const shipped = given === undefined ? await requireShippedModel('--model') : undefined;
    const sources = readSources(given ?? [shipped!.directory], name);
    const { engine, cacheBytes, llamaCpp } = readEngine(values);
    const { ggufOf } = await import('@tunan/inference');
    const needsTorch = sources.some(({ source }) => !isAddress(source) && ggufOf(source, engine) === undefined);
    const torch = { ...limits, cacheBytes, ...(needsTorch && (await readPlace(values))) };
    const options = { engine, torch, llamaCpp: { ...limits, cacheBytes, ...llamaCpp }, remote };
    const memory = positive('memory', values.memory, false);
    const minutes = positive('unload-after', values['unload-after'], false);
    const adapters = [...(shipped?.adapters ?? []), ...(values.adapter ?? []).map(readAdapterSource)];
    const open = () =>
      openModels(sources, options, {
        keys: process.env.TUNAN_UPSTREAM_KEY,
        memoryBytes: memory === undefined ? undefined : memory * 2 ** 30,
        idleSeconds: minutes === undefined ? undefined : minutes * 60,
        waitSeconds: limits.waitSeconds,
        adapters,
        anyBase: values['any-base'],
      });
    const preload = values.preload === undefined ? undefined : listOf(values.preload);
    using stop = new StopSignal();
    const yuan = { yuanAccounts, yuanEngines: values['yuan-engine'] ?? [] };
    const measured = [...sources, ...adapters.map(({ name, directory }) => ({ name, source: directory }))];
    await serveModels({ open, measured, preload, host, port, settings: { ...settings, ...yuan } }, stop);
    return undefined;
  },
});

/** A line on standard error for the operator. */
function tellWorker({ url, state, reason }: WorkerStatus): void {
  const line = {
    up: text(`${url} answers again`, `${url} 恢复应答`),
    down: text(`${url} is left out until it answers again: ${reason}`, `${url} 暂停使用，直到恢复应答：${reason}`),
    draining: text(`${url} gets no more requests`, `${url} 不再接收请求`),
  }[state];
  process.stderr.write(`${line}\n`);
}

/** @throws UsageError when `--name` is to name several */
function readSources(given: readonly string[], name: string | undefined) {
  const sources = given.map(readModelSource);
  if (name === undefined) return sources;
  const [only, ...others] = sources;
  if (only !== undefined && others.length === 0) return [{ ...only, name }];
  throw new UsageError(
    text(
      '--name names a single model; write --model NAME=DIR for each',
      '--name 只用于单个模型；请为每个写 --model NAME=DIR',
    ),
  );
}
