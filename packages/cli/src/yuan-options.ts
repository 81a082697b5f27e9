/** What `tunan serve` is told of Yuan's own protocol: engines of the original, and whose tokens count. */
import { readFileSync } from 'node:fs';
import type { YuanAccounts } from '@tunan/api';
import { UsageError } from './errors.ts';
import { text } from './language.ts';

const STORED = 'stored';

/** `base_10B=NAME`, as often as there are engines. @param models names of those that are served @throws UsageError */
export function readYuanEngines(given: readonly string[], models: readonly string[]): ReadonlyMap<string, string> {
  const pairs = given.map((one) => {
    const [, engine, model] = /^([^=]+)=(.+)$/s.exec(one) ?? [];
    if (engine !== undefined && model !== undefined && models.includes(model)) return [engine, model] as const;
    throw new UsageError(
      text(
        `--yuan-engine '${one}': write ENGINE=NAME, such as base_10B=${models[0]}, with the name of a served model`,
        `--yuan-engine “${one}”：请写作 引擎=名称，例如 base_10B=${models[0]}，名称须是所服务的模型`,
      ),
    );
  });
  return new Map(pairs);
}

/** A JSON file of `[{"account": …, "phone": …}]`, or `stored`. @throws UsageError */
export function readYuanAccounts(given: string | undefined, accounts: string | undefined): YuanAccounts | undefined {
  if (given === undefined) return undefined;
  if (given === STORED) {
    if (accounts !== undefined) return STORED;
    throw new UsageError(
      text(
        '--yuan-accounts stored means the telephone numbers of --accounts: give that too, or a file',
        '--yuan-accounts stored 指 --accounts 中的电话号码：请一并给出 --accounts，或改用文件',
      ),
    );
  }
  return readList(given);
}

/** @throws UsageError */
function readList(file: string): ReadonlyMap<string, string> {
  const form = '[{"account": "…", "phone": "…"}]';
  try {
    const list: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(list) && list.length > 0 && list.every(isEntry)) {
      return new Map(list.map(({ account, phone }) => [account, phone]));
    }
    throw new Error(text(`it is not of the form ${form}`, `形式不是 ${form}`));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      text(
        `--yuan-accounts ${file}: ${why}; give a JSON file of the form ${form}, or the word ${STORED}`,
        `--yuan-accounts ${file}：${why}；应为形如 ${form} 的 JSON 文件，或写 ${STORED}`,
      ),
    );
  }
}

function isEntry(value: unknown): value is { readonly account: string; readonly phone: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { account, phone } = value as Readonly<Record<string, unknown>>;
  return typeof account === 'string' && account !== '' && typeof phone === 'string' && phone !== '';
}
