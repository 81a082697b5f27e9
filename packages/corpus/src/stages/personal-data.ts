/**
 * Stage `personal-data`: numbers and addresses by which a person can be found are replaced by a mask; meta.masked counts them. Mobile
 * and landline numbers, resident identity numbers (GB 11643, check digit), bank cards (Luhn), e-mail addresses, accounts of
 * chat services, postal addresses down to the door. Years, ISBN, order numbers and the addresses of institutions in
 * running text stay: a number needs the right shape and no word before it that says what else it is.
 */
import type { DocumentStage } from '../document.ts';
import type { DocumentStageOptions } from '../recipe-stages.ts';

type Options = Extract<DocumentStageOptions, { use: 'personal-data' }>;
export type PersonalDataKind = Options['kinds'][number];

type Rule = {
  kind: PersonalDataKind;
  pattern: RegExp;
  /** What a line must have for the pattern to be tried. */
  needs: RegExp;
  isOne: (match: string, before: string) => boolean;
};

/** Digits that mean something else. */
const OTHER_NUMBER =
  /(?:isbn|issn|订单|单号|编号|流水|运单|快递|条码|条形码|货号|型号|批号|案号|文号|序号|备案|许可证|证书|专利|doi|版本|代码|邮编)[^\d\n]{0,8}$/i;
const PHONE_WORD = /(?:电话|電話|手机|手機|热线|熱線|传真|傳真|联系|聯繫|致电|拨打|tel|fax|phone|call)[^\d\n]{0,10}$/i;
const CARD_WORD = /(?:卡号|账号|帐号|账户|帐户|户头|银行|汇款|开户|储蓄|信用卡)[^\d\n]{0,16}$/;
const IDENTITY_WORD = /(?:身份证|身份證|证件)[^\d\n]{0,12}$/;

/** Seven digits that next to nothing parts. */
const NUMBER = /\d(?:[ ()（）–—－-]{0,2}\d){6}/;

const RULES: Rule[] = [
  {
    kind: 'email',
    needs: /@/,
    pattern: /(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}/g,
    isOne: (match) => /\.[A-Za-z]{2,24}$/.test(match),
  },
  {
    kind: 'identity-card',
    needs: NUMBER,
    pattern:
      /(?<![\dA-Za-z])[1-9]\d{5} ?(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?\d{3}[\dXx](?![\dA-Za-z])/g,
    isOne: (match) => isIdentityNumber(match.replaceAll(' ', '')),
  },
  {
    kind: 'identity-card',
    needs: NUMBER,
    pattern: /(?<![\dA-Za-z])[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?![\dA-Za-z])/g,
    isOne: (match, before) => isRegion(match) && IDENTITY_WORD.test(before),
  },
  {
    kind: 'bank-card',
    needs: NUMBER,
    pattern: /(?<![\dA-Za-z.])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{4}(?:[ -]?\d{1,3})?(?![\dA-Za-z])/g,
    isOne: isBankCard,
  },
  {
    kind: 'mobile',
    needs: NUMBER,
    pattern: /(?<![\dA-Za-z.]|\d-)(?:\+?86[- ]?|0086[- ]?)?1[3-9]\d(?:\d{8}|[- ]\d{4}[- ]\d{4})(?![\dA-Za-z]|[.-]\d)/g,
    isOne: (_, before) => !OTHER_NUMBER.test(before),
  },
  {
    kind: 'mobile',
    needs: NUMBER,
    pattern: /(?<=tel|phone|mobile|手机|电话)1[3-9]\d{9}(?!\d)/gi,
    isOne: () => true,
  },
  {
    kind: 'landline',
    needs: NUMBER,
    pattern:
      /(?<![\dA-Za-z.-])(?:\+?86[- ]?)?(?:[(（]0\d{2,3}[)）] ?|0\d{2,3}[-–—－ ])[2-9]\d{6,7}(?:(?:转|轉| ?ext\.? ?|-)\d{1,5})?(?![\dA-Za-z]|-\d)/g,
    isOne: (match, before) => isAreaCode(match) && !OTHER_NUMBER.test(before),
  },
  {
    kind: 'landline',
    needs: NUMBER,
    pattern: /(?<![\dA-Za-z.-])(?:0\d{2,3})?[2-9]\d{6,7}(?![\dA-Za-z]|[.-]\d)/g,
    isOne: (_, before) => PHONE_WORD.test(before) && !OTHER_NUMBER.test(before),
  },
  {
    kind: 'account',
    needs: /qq|扣扣|企鹅/i,
    pattern: /(?<=(?:qq|扣扣|企鹅)(?:号码?|群)?[:： ]{0,3})[1-9]\d{4,10}(?!\d)/gi,
    isOne: () => true,
  },
  {
    kind: 'account',
    needs: /微信|薇信|weixin|wechat|vx/i,
    pattern: /(?<=(?:微信号?|weixin|wechat|薇信|vx)[:：号为是 ]{1,3})[A-Za-z][A-Za-z0-9_-]{5,19}(?![A-Za-z0-9_])/gi,
    isOne: () => true,
  },
  {
    // Region, road, number and door: nobody writes a door but to be found there.
    kind: 'address',
    needs: /\d(?:室|单元|房|号楼|栋|幢|户)/,
    pattern:
      /(?:(?![住在于到至是为寄去回搬])[\u4e00-\u9fff]){1,24}?(?:区|县|市|镇|乡|街道)[\u4e00-\u9fff\d]{1,14}?(?:路|街|道|巷|弄|胡同|村|苑|小区|花园|新村)[\u4e00-\u9fff\d]{0,10}?\d{1,5}(?:号|弄|幢|栋|号楼)[\u4e00-\u9fff\d-]{0,10}?\d{1,5}(?:室|单元|房|号楼|栋|幢|户)(?:\d{1,5}(?:室|号|户|房))?/g,
    isOne: () => true,
  },
  {
    // After a label the number of the house is enough.
    kind: 'address',
    needs: /住|址|户籍/,
    pattern:
      /(?<=(?:住址|家庭(?:住)?址|家庭地址|收货地址|收件地址|通讯地址|通信地址|邮寄地址|联系地址|家住|现住|户籍地|居住地)[:：为是在 ]{0,3})[\u4e00-\u9fff\d]{2,30}?(?:路|街|道|巷|弄|胡同|村|组|苑|小区|花园|新村)[\u4e00-\u9fff\d]{0,12}?\d{1,5}(?:号|室|组|弄|幢|栋)(?:[\u4e00-\u9fff\d-]{0,10}?\d{1,5}(?:室|单元|房|号楼|栋|幢|户|号))?/g,
    isOne: () => true,
  },
];

/** Prefixes of words and digits without which no rule can match; most lines have none. */
const MAY_MATCH = /\d{4}|@|\d[号室弄组]|微信|wechat|weixin|vx/i;

export function personalData(options: Options): DocumentStage {
  const rules = RULES.filter(({ kind }) => options.kinds.includes(kind));
  return (draft) => {
    const counts = new Map<PersonalDataKind, number>();
    const mask = (text: string) => maskText(text, rules, options.masks, counts);
    const title = mask(draft.title);
    const body = mask(draft.body);
    if (counts.size === 0) return draft;
    const masked = options.kinds.filter((kind) => counts.has(kind)).map((kind) => `${kind}:${counts.get(kind)}`);
    return { ...draft, title, body, meta: { ...draft.meta, masked: masked.join(',') } };
  };
}

type Span = { begin: number; end: number; kind: PersonalDataKind };

function maskText(text: string, rules: Rule[], masks: Options['masks'], counts: Map<PersonalDataKind, number>): string {
  if (!/\d|@|＠|[０-９]/.test(text)) return text;
  const lines = text.split('\n');
  let changed = false;
  for (const [at, line] of lines.entries()) {
    const spans = find(line, rules);
    if (spans.length === 0) continue;
    changed = true;
    let masked = '';
    let from = 0;
    for (const { begin, end, kind } of spans) {
      masked += line.slice(from, begin) + masks[kind];
      from = end;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    lines[at] = masked + line.slice(from);
  }
  return changed ? lines.join('\n') : text;
}

/** Personal data of a line in order, the first rule winning where two overlap. */
function find(line: string, rules: Rule[]): Span[] {
  const plain = halfWidth(line);
  if (!MAY_MATCH.test(plain)) return [];
  const spans: Span[] = [];
  const has = new Map<RegExp, boolean>();
  for (const { kind, pattern, needs, isOne } of rules) {
    if (!has.has(needs)) has.set(needs, needs.test(plain));
    if (!has.get(needs)) continue;
    for (const match of plain.matchAll(pattern)) {
      const [begin, end] = [match.index, match.index + match[0].length];
      if (spans.some((span) => begin < span.end && span.begin < end)) continue;
      if (isOne(match[0], plain.slice(Math.max(0, begin - 24), begin))) spans.push({ begin, end, kind });
    }
  }
  return spans.sort((a, b) => a.begin - b.begin);
}

/** Digits, letters, @, . and - of full width as ASCII, one unit for one. */
function halfWidth(line: string): string {
  return /[０-９Ａ-Ｚａ-ｚ＠．－＋]/.test(line)
    ? line.replace(/[０-９Ａ-Ｚａ-ｚ＠．－＋]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    : line;
}

/** Codes of the provinces and regions of GB/T 2260. */
const REGIONS = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83'.split(' '),
);

function isRegion(number: string): boolean {
  return REGIONS.has(number.slice(0, 2));
}

/** GB 11643: weights 2^(17-i) mod 11, ISO 7064 MOD 11-2. */
function isIdentityNumber(number: string): boolean {
  if (!isRegion(number)) return false;
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += Number(number[i]) * (2 ** (17 - i) % 11);
  return '10X98765432'[sum % 11] === number[17]!.toUpperCase();
}

/** Luhn, and a prefix of a card network: UnionPay's 62 (16-19 digits); the others need their length and a word or groups of four. */
function isBankCard(match: string, before: string): boolean {
  const digits = match.replace(/[ -]/g, '');
  if (!isLuhn(digits) || OTHER_NUMBER.test(before)) return false;
  if (digits.startsWith('62')) return true;
  const isNetwork = digits.length === 16 && /^(?:4|5[1-5]|2[2-7]|35|60)/.test(digits);
  return isNetwork && (match.length > digits.length || CARD_WORD.test(before));
}

function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
  }
  return sum % 10 === 0;
}

/** 010, 02x, 03xx-09xx. */
function isAreaCode(match: string): boolean {
  const area = /0\d{2,3}/.exec(match)?.[0] ?? '';
  return /^(?:010|02[0-9])/.test(area) || /^0[3-9]\d{2}$/.test(area);
}
