/**
 * The open API of Yuan 1.0 as its own clients speak it: two GET routes, a token in a header, one form of reply with status 200 always.
 *
 * A client asks, gets the number of its request, and asks for the result until it is there. The prompt stands in the address.
 */
import type { Said } from '@tunan/files';
import { z } from 'zod';
import { optional } from './field.ts';
import { inBoth } from './mistakes/said.ts';

export const YUAN_SUBMIT = '/v1/interface/api/infer/getRequestId';
export const YUAN_RESULT = '/v1/interface/api/result';

/** Longest address that is taken, bytes: about 10 000 Chinese characters, each nine bytes of it. */
export const YUAN_ADDRESS_BYTES = 96 * 2 ** 10;

/** In an address everything is text; an empty one is the same as none. */
function number(schema: z.ZodNumber, fallback: number, en: string, zh: string) {
  const given = z.union([z.literal(''), z.coerce.number().pipe(schema)]).optional();
  return given.transform((value) => (value === undefined || value === '' ? fallback : value)).describe(inBoth(en, zh));
}

export const yuanSubmitSchema = z.object({
  engine: optional(
    z.string(),
    'Engine of the original, such as base_10B; the operator says which model it is.',
    '原接口的引擎名，例如 base_10B；由运营者对应到模型。',
  ),
  account: z.string().max(200).describe(inBoth('Who asks.', '账户。')),
  data: z.string().describe(inBoth('The whole prompt, examples included.', '完整的提示，含示例。')),
  temperature: number(z.number().min(0).max(2), 0.9, '0 takes the likeliest token.', '0 表示取最可能的词元。'),
  topP: number(z.number().min(0).max(1), 0.9, '0 is off.', '0 为关闭。'),
  topK: number(z.int().min(0), 1, '0 is off.', '0 为关闭。'),
  tokensToGenerate: number(z.int().min(0), 100, 'Most tokens of the answer.', '回答的最多词元数。'),
  type: optional(z.string(), 'api; not used.', 'api，不使用。'),
  frequencyPenalty: number(z.number().min(0).max(100), 1.2, 'At most 1 is off.', '不大于 1 为关闭。'),
  responsePenalty: number(z.number().min(0).max(100), 1.2, 'At most 1 is off.', '不大于 1 为关闭。'),
  noRepeatNgramSize: number(z.int().max(1024), 2, 'Below 1 is off.', '小于 1 为关闭。'),
});

export const yuanResultSchema = z.object({
  account: z.string().max(200).describe(inBoth('Who asked.', '账户。')),
  requestId: z.string().describe(inBoth('What the first route answered.', '第一个路由给出的编号。')),
});

export const yuanReplySchema = z.object({
  flag: z.boolean().describe(inBoth('Whether all is well so far.', '是否正常。')),
  errCode: z.string().nullable().describe(inBoth('What is wrong; null while flag is true.', '错误码，正常时为 null。')),
  errMessage: z.string().nullable().describe(inBoth('The same in words.', '错误说明。')),
  exceptionMsg: z.string().nullable().describe(inBoth('null, or more about it.', 'null，或更多说明。')),
  resData: z
    .string()
    .nullable()
    .describe(
      inBoth(
        'The number of the request (32 hexadecimal digits), then the text; null while it is being made.',
        '请求编号（32 位十六进制数字），其后为生成的文本；生成期间为 null。',
      ),
    ),
});

export type YuanSubmit = z.output<typeof yuanSubmitSchema>;
export type YuanReply = z.infer<typeof yuanReplySchema>;

/** The first is the original's; what else it answered is not known, these are ours. */
export const YUAN_ERRORS = {
  IBASE_TOKEN_ERROR: { en: 'the token does not verify', zh: 'token验签失败' },
  IBASE_PARAM_ERROR: { en: 'a parameter is missing or has a wrong value', zh: '参数缺失或有误' },
  IBASE_REQUEST_NOT_FOUND: { en: 'there is no such request, or no longer', zh: '没有该请求，或已过期' },
  IBASE_LIMIT_ERROR: { en: 'a limit of the account is reached', zh: '已达到账户限额' },
  IBASE_BUSY: { en: 'too many requests are waiting: ask again later', zh: '排队的请求太多，请稍后再试' },
  IBASE_SYSTEM_ERROR: { en: 'the server failed', zh: '服务器出错' },
} as const satisfies Readonly<Record<string, Said>>;
export type YuanErrorCode = keyof typeof YUAN_ERRORS;

/** The day in the original's clock: YYYY-MM-DD in Asia/Shanghai. @param milliseconds since 1970 */
function yuanDay(milliseconds: number): string {
  // China has no summer time.
  return new Date(milliseconds + 8 * 3_600_000).toISOString().slice(0, 10);
}

/** What the md5 of the header `token` is of. */
export const yuanTokenText = (account: string, phone: string, milliseconds: number): string =>
  account + phone + yuanDay(milliseconds);
