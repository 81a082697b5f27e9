/** `tunan account restore` */
import { accountsOption, readAccountsPlace } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: { backup: { help: text('file of account backup', 'account backup 的文件') } },
  options: accountsOption,
  examples: ['tunan account restore accounts.jsonl --accounts postgres://tunan@localhost/tunan'],
  reports: true,
  run: async ({ accounts: place, backup }) => {
    const { openDatabase, recordRestore, restoreBackup } = await import('@tunan/api');
    await using database = await openDatabase(readAccountsPlace(place));
    const rows = await restoreBackup(database, backup);
    await recordRestore(database, rows);
    const secret = database.kind === 'sqlite' ? `${database.name}.secret` : 'TUNAN_ACCOUNTS_SECRET';
    const line = text(
      `${database.name}: ${rows} rows; put the secret of the server back too (${secret})`,
      `${database.name}：${rows} 行；请把服务器密钥也放回（${secret}）`,
    );
    return { data: { database: database.name, rows }, lines: [line] };
  },
});
