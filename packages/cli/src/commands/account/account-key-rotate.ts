/** `tunan account key rotate` */
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: { key: { help: text('prefix or id of the key', '密钥的前缀或编号') } },
  options: {
    ...accountsOption,
    overlap: {
      type: 'number',
      value: 'HOURS',
      default: 24,
      help: text('how long the old key counts on; 0 ends it at once', '旧密钥继续有效多少小时；0 表示立即失效'),
    },
  },
  examples: ['tunan account key rotate sk-tunan-1f0cAb23 --overlap 72 --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, key: named, overlap }) =>
    await withAccounts(place, async ({ keys }) => {
      const { key, text: made } = await keys.rotate(named, Math.round(overlap * 3600));
      return { data: { key: made, details: key }, lines: [`${made} (${text('told this once', '只显示这一次')})`] };
    }),
});
