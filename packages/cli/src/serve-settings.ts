/** What a command line of `tunan serve` says of the server itself: who may call, what is checked, marked, kept and logged. */
import { isIP } from 'node:net';
import { UsageError } from './errors.ts';
import { text } from './language.ts';
import type { ServeSettings } from './serve-models.ts';

interface Values {
  readonly accounts: string | undefined;
  readonly 'audit-days': number;
  readonly open: boolean;
  readonly 'api-key': string | undefined;
  readonly 'cors-origin': string | undefined;
  readonly safety: string | undefined;
  readonly moderation: string | undefined;
  readonly data: string | undefined;
  readonly 'response-days': number | undefined;
  readonly workspace: string | undefined;
  readonly otlp: string | undefined;
  readonly study: readonly string[] | undefined;
  readonly 'content-mark': string | undefined;
  readonly 'content-notice': boolean;
  readonly 'trusted-proxy': string | undefined;
  readonly 'body-limit': number | undefined;
  readonly 'drain-seconds': number | undefined;
  readonly 'log-requests': boolean;
}

/** @throws UsageError for a number that is none of the kind, or an origin that is none */
export function readServeSettings(values: Values): ServeSettings {
  const body = positive('body-limit', values['body-limit'], false);
  const drain = values['drain-seconds'];
  if (drain !== undefined && drain < 0) {
    throw new UsageError(text('--drain-seconds must be at least 0', '--drain-seconds 至少为 0'));
  }
  const corsOrigins = listOf(values['cors-origin']);
  const wrong = corsOrigins.find((origin) => origin !== '*' && !/^[a-z][a-z\d+.-]*:\/\/[^/\s]+$/i.test(origin));
  if (wrong !== undefined) {
    throw new UsageError(
      text(
        `--cors-origin '${wrong}' is no origin: give scheme and host, such as https://example.org, or *`,
        `--cors-origin “${wrong}”不是来源：请给出协议与主机，例如 https://example.org，或 *`,
      ),
    );
  }
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces, OTEL_EXPORTER_OTLP_ENDPOINT: collector } = process.env;
  return {
    bodyLimit: body === undefined ? undefined : Math.round(body * 2 ** 20),
    drainMilliseconds: drain === undefined ? undefined : drain * 1000,
    apiKeys: listOf(values['api-key'] ?? process.env.TUNAN_API_KEY),
    adminKey: process.env.TUNAN_ADMIN_KEY?.trim() || undefined,
    corsOrigins,
    safety: values.safety,
    moderation: values.moderation,
    data: values.data,
    responseDays: readDays(values['response-days'], values.data),
    studies: values.study ?? [],
    workspace: values.workspace,
    otlp: values.otlp ?? (traces || collector || undefined),
    contentMark: readContentMark(values['content-mark'], values['content-notice']),
    trustedProxies: readProxies(values['trusted-proxy']),
    logRequests: values['log-requests'],
    accounts: values.accounts ?? (process.env.TUNAN_ACCOUNTS || undefined),
    auditDays: positive('audit-days', values['audit-days'], true),
    open: values.open,
  };
}

/** @throws UsageError */
function readDays(days: number | undefined, data: string | undefined): number | undefined {
  if (days === undefined || days === 0) return days;
  if (days < 0 || !Number.isFinite(days)) {
    throw new UsageError(
      text(`--response-days must be at least 0, not ${days}`, `--response-days 至少为 0，而不是 ${days}`),
    );
  }
  if (data !== undefined) return days;
  throw new UsageError(
    text(
      '--response-days needs a folder: give --data DIR, or 0 to keep no responses',
      '--response-days 需要目录：请给出 --data DIR，或用 0 表示不保留应答',
    ),
  );
}

/** @throws UsageError for a notice without a mark */
function readContentMark(producer: string | undefined, notice: boolean): ServeSettings['contentMark'] {
  if (producer !== undefined && producer.trim() !== '') return { producer, notice };
  if (producer === undefined && !notice) return undefined;
  throw new UsageError(text('say who serves: --content-mark PRODUCER', '请说明服务提供者：--content-mark PRODUCER'));
}

/** @throws UsageError for what is neither an address nor a network */
function readProxies(given: string | undefined): string[] {
  const proxies = listOf(given);
  const wrong = proxies.find((proxy) => {
    const [address = '', bits, ...more] = proxy.split('/');
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!;
    return most < 0 || more.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most));
  });
  if (wrong === undefined) return proxies;
  throw new UsageError(
    text(
      `--trusted-proxy '${wrong}' is neither an address nor a network: write 10.0.0.5 or 10.0.0.0/8`,
      `--trusted-proxy “${wrong}”既不是地址也不是网段：请写作 10.0.0.5 或 10.0.0.0/8`,
    ),
  );
}

export const listOf = (given: string | undefined): string[] =>
  (given ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** @throws UsageError for a number that is none of the kind */
export function positive(flag: string, value: number | undefined, whole: boolean): number | undefined {
  if (value === undefined || (value > 0 && (!whole || Number.isInteger(value)))) return value;
  const kind = whole ? text('a whole number above 0', '大于 0 的整数') : text('a number above 0', '大于 0 的数');
  throw new UsageError(text(`--${flag} must be ${kind}, not ${value}`, `--${flag} 应为${kind}，而不是 ${value}`));
}
