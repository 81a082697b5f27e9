/** `tunan account forget-secret` */
import { accountsOption, readAccountsPlace, tellBackup } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: {},
  options: accountsOption,
  examples: ['tunan account forget-secret --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place }) => {
    const { forgetServerSecret, openMigrated } = await import('@tunan/api');
    await using database = await openMigrated(readAccountsPlace(place), { mustExist: true }, tellBackup);
    const keys = await forgetServerSecret(database, Date.now());
    const line = text(
      `${keys} keys are revoked, sessions and second factors gone; the next start takes the secret that is there, or makes one`,
      `已吊销 ${keys} 个密钥，登录与两步验证均已清除；下次启动会采用现有的服务器密钥，或新建一个`,
    );
    return { data: { revoked: keys }, lines: [line] };
  },
});
