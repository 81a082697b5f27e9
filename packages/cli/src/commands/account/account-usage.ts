/** `tunan account usage` */
import { writeWhole } from '@tunan/files';
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { text } from '../../language.ts';
import { alignedTable } from '../../table.ts';

export default defineCommand({
  positionals: {},
  options: {
    ...accountsOption,
    from: { type: 'string', value: 'DATE', help: text('first day, in China', '起始日期（中国时间）') },
    to: { type: 'string', value: 'DATE', help: text('last day', '截止日期') },
    organisation: { type: 'string', value: 'NAME', help: text('of one organisation alone', '仅限一个机构') },
    account: { type: 'string', value: 'ADDRESS', help: text('of one account alone', '仅限一个账户') },
    key: { type: 'string', value: 'PREFIX', help: text('of one key alone', '仅限一个密钥') },
    model: { type: 'string', value: 'NAME', help: text('of one model alone', '仅限一个模型') },
    csv: { type: 'string', value: 'FILE', help: text('write CSV', '写出 CSV 文件') },
  },
  examples: [
    'tunan account usage --from 2026-11-01 --accounts accounts.sqlite',
    'tunan account usage --organisation 图南大学 --csv usage.csv --accounts accounts.sqlite',
  ],
  reports: true,
  run: async ({ accounts: place, from, to, organisation, account, key, model, csv }) => {
    for (const [flag, day] of Object.entries({ from, to })) requireDay(flag, day);
    const { totalOf, usageCsv, usageReport } = await import('@tunan/api');
    return await withAccounts(place, async ({ database, members, keys }) => {
      const organisationId = organisation === undefined ? undefined : (await members.findOrganisation(organisation)).id;
      const accountId = account === undefined ? undefined : (await members.find(account)).id;
      const keyId = key === undefined ? undefined : (await keys.find(key)).id;
      const rows = await usageReport(database, { from, to, organisationId, accountId, keyId, model });
      const total = totalOf(rows);
      if (csv !== undefined) writeWhole(csv, usageCsv(rows));
      const heads = [
        ...[text('day', '日期'), text('organisation', '机构'), text('key', '密钥'), text('model', '模型')],
        ...[text('requests', '请求'), text('prompt tokens', '提示词元'), text('answer tokens', '回答词元')],
      ];
      const numbers = (of: typeof total) => [of.requests, of.promptTokens, of.completionTokens].map(String);
      const lines = rows.map((row) => [row.day, row.organisation, `${row.keyPrefix}…`, row.model, ...numbers(row)]);
      const last = [text('all', '合计'), '', '', '', ...numbers(total)];
      const written = csv === undefined ? [] : [text(`${csv}: ${rows.length} rows`, `${csv}：${rows.length} 行`)];
      return { data: { rows, total }, lines: [...alignedTable(heads, [...lines, last]), ...written] };
    });
  },
});

function requireDay(flag: string, day: string | undefined): void {
  if (day === undefined || (/^\d{4}-\d\d-\d\d$/.test(day) && Number.isFinite(Date.parse(day)))) return;
  throw new UsageError(
    text(
      `--${flag} must be a date such as 2026-11-30, not '${day}'`,
      `--${flag} 应为日期，例如 2026-11-30，而不是“${day}”`,
    ),
  );
}
