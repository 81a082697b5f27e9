/** `tunan account key revoke` */
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: { key: { help: text('prefix or id of the key', '密钥的前缀或编号') } },
  options: accountsOption,
  examples: ['tunan account key revoke sk-tunan-1f0cAb23 --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, key: named }) =>
    await withAccounts(place, async ({ keys }) => {
      const key = await keys.revoke(named);
      return { data: key, lines: [text(`${key.prefix}… is revoked`, `已吊销 ${key.prefix}…`)] };
    }),
});
