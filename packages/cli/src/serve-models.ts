/** Serves models over HTTP, with the page of the playground, until the process is asked to stop. */
import path from 'node:path';
import type { Accounts, ContentMark, Ledger, RequestEntry, Safety, Workspace, YuanAccounts } from '@tunan/api';
import type { ModelPool } from '@tunan/inference';
import { tellBackup } from './accounts-place.ts';
import { openApps } from './apps/serve-apps.ts';
import { text } from './language.ts';
import { type ModelSource, preloadModels } from './open-models.ts';
import type { StopSignal } from './stop-signal.ts';
import { studyLink } from './study-link.ts';
import { readYuanEngines } from './yuan-options.ts';

export interface ServedModels {
  /** Opens them, without loading: that takes long, and comes when all else is known to be right. They are closed at the end. */
  readonly open: () => Promise<ModelPool>;
  /** Where they are, for what was measured of them. */
  /** Models and adapters beside which it may stand how good applications are with them. */
  readonly measured: readonly ModelSource[];
  /** Names of models to load before the server listens; `all`; the only one of this machine when absent. */
  readonly preload?: readonly string[] | undefined;
  readonly host: string;
  /** The port, and whether any free one will do when it is taken. */
  readonly port: number;
  readonly portMayChange?: boolean;
  readonly settings?: ServeSettings;
}

/** What an operator may choose; absent is the default of the server. */
export interface ServeSettings {
  readonly bodyLimit?: number | undefined;
  readonly drainMilliseconds?: number | undefined;
  readonly apiKeys?: readonly string[];
  /** For `/admin` where there are no accounts. */
  readonly adminKey?: string | undefined;
  readonly corsOrigins?: readonly string[];
  /** The file of the policy by which texts are checked. */
  readonly safety?: string | undefined;
  /** A directory of a classifier. */
  readonly moderation?: string | undefined;
  /** A folder for files, batches and responses. */
  readonly data?: string | undefined;
  /** How long responses are kept in that folder; 0 keeps none, there or anywhere; 30 when absent. */
  readonly responseDays?: number | undefined;
  /** Folders of studies. */
  readonly studies?: readonly string[];
  /** A folder whose corpora, runs and evaluations admins see on the page. */
  readonly workspace?: string | undefined;
  /** The collector of OpenTelemetry that is sent traces. */
  readonly otlp?: string | undefined;
  readonly contentMark?: ContentMark | undefined;
  readonly trustedProxies?: readonly string[];
  /** A JSON line on standard error for each request. */
  readonly logRequests?: boolean;
  /** Where accounts are kept: a file, or the URL of PostgreSQL. None: no accounts. */
  readonly accounts?: string | undefined;
  /** How long it is kept who changed what about them. */
  readonly auditDays?: number | undefined;
  /** Of Yuan's own protocol; engines as `ENGINE=NAME`. */
  readonly yuanEngines?: readonly string[];
  readonly yuanAccounts?: YuanAccounts | undefined;
  /** A wider address may be used by everyone. */
  readonly open?: boolean;
}

/**
 * What the operator has asked for is looked at first and models are loaded last, so that a mistake is told at once. Prints the address, and
 * returns when `stop` was asked for and running requests have ended.
 */
export async function serveModels(served: ServedModels, stop: StopSignal): Promise<void> {
  const { host, port, portMayChange = false } = served;
  const { ApiError, BatchStore, Moderation, OpenStudy, requireAddress, serve } = await import('@tunan/api');
  const { safety: policy, moderation: judge, data, responseDays, otlp, ...given } = served.settings ?? {};
  const {
    workspace: looked,
    logRequests = false,
    accounts: place,
    yuanEngines: engines = [],
    studies: folders = [],
    ...settings
  } = given;
  const guards = {
    apiKeys: settings.apiKeys,
    open: settings.open,
    hasAccounts: place !== undefined,
    hasWorkspace: looked !== undefined,
  };
  await requireAddress({ host, ...guards, port: portMayChange ? 0 : port });
  const page = await (await import('@tunan/playground')).pageFolder();
  const workspace = looked === undefined ? undefined : await openWorkspace(looked);
  await using safety = policy === undefined ? undefined : await openSafety(policy);
  const moderation = judge === undefined ? undefined : await Moderation.open(judge);
  using batches = data === undefined ? undefined : new BatchStore(data);
  using studies = new DisposableStack();
  const open = folders.map((folder) => studies.use(new OpenStudy(folder)));
  await using responses = await openResponses(data, responseDays);
  await using tracer = otlp === undefined ? undefined : await openTracing(otlp);
  using models = await served.open();
  const yuanEngines = readYuanEngines(engines, models.names);
  await using accounts = place === undefined ? undefined : await openAccounts(place, settings.auditDays);
  await using shelf = await openApps(accounts, data, served.measured);
  await using ledger = accounts === undefined ? undefined : await openLedger(accounts);
  await preloadModels(models, served.preload);
  const onRequest = (entry: RequestEntry) => void process.stderr.write(`${JSON.stringify(entry)}\n`);
  const options = {
    models,
    page,
    host,
    accounts,
    ledger,
    safety,
    moderation,
    batches,
    workspace,
    tracer,
    apps: shelf.apps,
    ...(open.length > 0 && { studies: open }),
    responses: responses?.store,
    yuanEngines,
    ...settings,
    ...(logRequests && { onRequest }),
  };
  const serving = await serve({ ...options, port }).catch((error: unknown) => {
    const taken = error instanceof ApiError && error.code === 'API_PORT_IN_USE';
    if (taken && portMayChange) return serve({ ...options, port: 0 });
    throw error;
  });
  const { url } = serving;
  const { names } = models;
  process.stdout.write(
    text(
      `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} served at ${url} (page: ${url}/, API: ${url}/v1/completions; Ctrl-C ends it)\n`,
      `${names.join('、')} 已在 ${url} 提供服务（页面：${url}/，API：${url}/v1/completions；Ctrl-C 结束）\n`,
    ),
  );
  for (const { info } of open) process.stdout.write(`${studyLink(info, url)}\n`);
  if (accounts === undefined && (settings.apiKeys ?? []).length === 0) tellOpen(host);
  await stop.wait();
  await serving.close();
}

/** With the names of stages and reasons, and the published rows, that other packages know. */
async function openWorkspace(folder: string): Promise<Workspace> {
  const [{ Workspace }, { labelOf }, { publishedRows }] = await Promise.all([
    import('@tunan/api'),
    import('@tunan/corpus'),
    import('@tunan/evaluation'),
  ]);
  const published = publishedRows.map(({ score, tasks, ...row }) => ({
    ...row,
    score: score / 100,
    tasks: Object.fromEntries(Object.entries(tasks).map(([task, percent]) => [task, percent / 100])),
  }));
  return new Workspace(folder, { labelOf, published });
}

/** The first admin's password is told here, and nowhere again. */
async function openAccounts(place: string, auditDays: number | undefined): Promise<Accounts> {
  const { Accounts } = await import('@tunan/api');
  const accounts = await Accounts.open(place, { onBackup: tellBackup, auditDays });
  const made = await accounts.members.addFirstAdmin();
  if (made === undefined) return accounts;
  const { email } = made.account;
  process.stdout.write(
    text(
      `first admin: ${email}, password ${made.password} (told this once; change it after signing in)\n`,
      `首位管理员：${email}，密码 ${made.password}（只显示这一次，登录后请更改）\n`,
    ),
  );
  return accounts;
}

/** A log that cannot be written is told once for each reason. */
async function openSafety(policy: string): Promise<Safety> {
  const { Safety } = await import('@tunan/api');
  return await Safety.open(policy, { onTrouble: tellOnce(text('audit log: ', '审计日志：')) });
}

const RESPONSE_DAYS = 30;

/** In the folder of the server; without one in its memory, for an hour. */
async function openResponses(data: string | undefined, days = RESPONSE_DAYS) {
  if (days === 0) return undefined;
  const { ResponseFolder, ResponseMemory } = await import('@tunan/api');
  if (data === undefined) return { store: new ResponseMemory(), [Symbol.asyncDispose]: async () => undefined };
  const onTrouble = tellOnce(text('old responses: ', '过期应答：'));
  const store = new ResponseFolder(path.join(data, 'responses'), { days, onTrouble });
  return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** What cannot be written down for now is told once for each reason, and not two thousand times a second. */
async function openLedger({ database }: Accounts): Promise<Ledger> {
  const { Ledger } = await import('@tunan/api');
  return await Ledger.open(database, { onTrouble: tellOnce(text('ledger: ', '账本：')) });
}

/** A collector that is away is told once for each reason. */
async function openTracing(endpoint: string) {
  const { Tracing } = await import('@tunan/api/tracing');
  return new Tracing(endpoint, tellOnce(text('traces: ', '追踪：')));
}

function tellOnce(what: string): (error: unknown) => void {
  let told = '';
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== told) process.stderr.write(`${what}${message}\n`);
    told = message;
  };
}

function tellOpen(host: string): void {
  process.stderr.write(
    text(
      `there are no accounts and no keys: whoever reaches ${host} may call (--accounts FILE switches accounts on)\n`,
      `没有账户也没有密钥：凡能连到 ${host} 的人都可调用（--accounts FILE 启用账户）\n`,
    ),
  );
}
