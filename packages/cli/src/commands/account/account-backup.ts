/** `tunan account backup` */
import { accountsOption, readAccountsPlace, tellBackup } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: {},
  options: {
    ...accountsOption,
    out: { type: 'string', value: 'FILE', required: true, help: text('JSON lines', 'JSON 行文件') },
  },
  examples: ['tunan account backup --accounts accounts.sqlite --out accounts.jsonl'],
  reports: true,
  run: async ({ accounts: place, out }) => {
    const { openMigrated, writeBackup } = await import('@tunan/api');
    await using database = await openMigrated(readAccountsPlace(place), { mustExist: true }, tellBackup);
    const rows = await writeBackup(database, out);
    const line = text(
      `${out}: ${rows} rows; keep the secret of the server too, without it no key works`,
      `${out}：${rows} 行；请一并保存服务器密钥，没有它任何 API 密钥都无法使用`,
    );
    return { data: { file: out, rows }, lines: [line] };
  },
});
