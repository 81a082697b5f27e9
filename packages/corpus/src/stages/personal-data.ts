/**
 * Stage `personal-data`: what a person could be reached or known by (@tunan/page/personal-data) is replaced by a mask; meta.masked counts
 * the masks of each kind.
 */

import { findPersonalData, PERSONAL_DATA, type PersonalDataKind } from '@tunan/page/personal-data';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { DocumentStage } from '../document.ts';
import { documentStage } from '../stage.ts';

const schema = z
  .strictObject({
    use: z.literal('personal-data'),
    kinds: z
      .array(z.enum(PERSONAL_DATA))
      .min(1)
      .default([...PERSONAL_DATA])
      .describe(inBoth('What is masked.', '遮盖哪些种类。')),
    masks: z
      .strictObject({
        mobile: z.string().default('〈手机号〉'),
        landline: z.string().default('〈电话号码〉'),
        'identity-card': z.string().default('〈身份证号〉'),
        'bank-card': z.string().default('〈银行卡号〉'),
        email: z.string().default('〈电子邮箱〉'),
        account: z.string().default('〈账号〉'),
        address: z.string().default('〈地址〉'),
        passport: z.string().default('〈护照号〉'),
        plate: z.string().default('〈车牌〉'),
      })
      .prefault({})
      .describe(inBoth('What stands for each kind.', '各种类的替代文字。')),
  })
  .describe(
    inBoth(
      'Numbers and addresses of persons are masked; counts in `meta.masked`.',
      '遮盖个人号码与地址；计数写入 `meta.masked`。',
    ),
  );

type Options = z.infer<typeof schema>;

function prepare({ kinds, masks }: Options): DocumentStage {
  return (draft) => {
    const counts = new Map<PersonalDataKind, number>();
    const mask = (text: string) => {
      let masked = '';
      let from = 0;
      for (const { kind, begin, end } of findPersonalData(text, kinds)) {
        masked += text.slice(from, begin) + masks[kind];
        from = end;
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      }
      return masked + text.slice(from);
    };
    const title = mask(draft.title);
    const body = mask(draft.body);
    if (counts.size === 0) return draft;
    const masked = kinds.filter((kind) => counts.has(kind)).map((kind) => `${kind}:${counts.get(kind)}`);
    return { ...draft, title, body, meta: { ...draft.meta, masked: masked.join(',') } };
  };
}

export const personalDataStage = documentStage({
  label: { zh: '个人信息', en: 'Personal data masked' },
  names: {
    masked: { zh: '已遮盖（处）', en: 'masked, in places' },
    mobile: { zh: '手机号', en: 'mobile number' },
    landline: { zh: '电话号码', en: 'telephone number' },
    'identity-card': { zh: '身份证号', en: 'identity card' },
    'bank-card': { zh: '银行卡号', en: 'bank card' },
    email: { zh: '电子邮箱', en: 'e-mail address' },
    account: { zh: '账号', en: 'account' },
    address: { zh: '地址', en: 'address' },
    passport: { zh: '护照号', en: 'passport' },
    plate: { zh: '车牌', en: 'number plate' },
  },
  meta: {
    masked: '已遮盖的个人信息 personal data that was masked, as `kind:count`, joined by commas',
  },
  schema,
  prepare,
});
