/** `tunan account suspend` and its undoing, `tunan account reinstate` */
import { readWhose, whoseAccount, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

const suspension = (verb: 'suspend' | 'reinstate', lineOf: (name: string) => string) =>
  defineCommand({
    ...whoseAccount,
    examples: [
      `tunan account ${verb} li@example.org --accounts accounts.sqlite`,
      `tunan account ${verb} --organisation 图南大学 --accounts accounts.sqlite`,
    ],
    reports: true,
    run: async ({ accounts: place, ...given }) => {
      const whose = readWhose(given);
      return await withAccounts(place, async ({ members }) => {
        const changed =
          'organisation' in whose
            ? { organisation: await members[`${verb}Organisation`](whose.organisation) }
            : { account: await members[verb](whose.account) };
        const name = 'organisation' in changed ? changed.organisation.name : changed.account.email;
        return { data: changed, lines: [lineOf(name)] };
      });
    },
  });

export const suspend = suspension('suspend', (name) =>
  text(
    `${name} is suspended: keys and sign-ins are refused, answers that run end`,
    `已停用 ${name}：密钥与登录均被拒绝，正在进行的回答将中止`,
  ),
);

export const reinstate = suspension('reinstate', (name) =>
  text(
    `${name} is taken again: keys work, and who was signed out may sign in`,
    `已恢复 ${name}：密钥可用，成员可重新登录`,
  ),
);
