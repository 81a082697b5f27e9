/**
 * The rules of personal data, a list of shapes for each kind. Patterns see a line in ASCII marks and digits (find-personal-data.ts);
 * what stands before and behind a match decides where the shape alone does not.
 */
import { isHongKongNumber, isIdentityNumber, isLuhn, isRegion, isTaiwanNumber } from './check-digits.ts';
import type { PersonalDataKind } from './kinds.ts';
import { isMailHost } from './mail-hosts.ts';

export interface Surroundings {
  before: string;
  after: string;
  /** Whether it is part of a web address, a path or a query. */
  address: () => boolean;
}

/** `slip`: the word before it says what it is, its check digit is wrong. */
type Verdict = 'yes' | 'no' | 'slip';

export interface Rule {
  kind: PersonalDataKind;
  pattern: RegExp;
  /** What a line must have for the pattern to be tried. */
  needs: RegExp;
  judge: (match: string, around: Surroundings) => Verdict;
}

/** Digits that mean something else, by the word right before them. */
const OTHER_NUMBER =
  /(?:is[bs]n|书号|订单|单号|编号|流水|运单|快递(?!员)|条码|条形码|编码|货号|型号|批号|案号|文号|序号|序列号|备案号?|许可证|证书|专利|申请|注册|识别|doi|pmid|版本|代码|邮编|邮政|学号|工号|考号|考证|税号|商户|终端|进程|时间戳|偏移量?|合同|发票|保单|档案|凭证|uid|id|sha\d*|hash|imei|批次)(?:[号为是码]|[^\d\n\u4e00-\u9fff]){0,6}$/i;
/** … or by a word for how many. */
const COUNT_BEFORE =
  /(?:[一共总合累]计|[总一]共|第|超过|突破|达到?|(?<![预邀签节])约|[量数]|点赞|股本|人民币|[￥¥$])[为是: ]{0,2}$/;
/** … or by what they count. */
const UNIT_BEHIND =
  /^(?:\.\d+)? ?(?:[多余]?[万亿元]|[美欧日港韩台加澳]元|块钱|英镑|卢布|人次|人民币|次(?!日)|吨|公里|千米|毫?米|[毫微纳]?秒|字节|比特|bytes?\b|[kmg]b\b|ms\b|倍|股|平方|立方|台|户|颗|辆|件|条(?!件)|个(?!人|体)|张|名|%|号(?!机主))/i;

const PHONE =
  '电话|電話|手机|手機|热线|熱線|传真|傳真|座机|总机|联系|聯繫|联络|聯絡|致电|拨打|来电|拨|打|call|tel|fax|phone|mobile';
const PHONE_WORD = new RegExp(`(?:${PHONE}|微信|薇信|vx|wx|wechat|whatsapp|qq)[^\\d\\n,，。;；]{0,10}$`, 'i');
/** A label right before the number, or before one that this one follows in a list. */
const PHONE_LABEL =
  /(?:电话|電話|手机|手機|热线|熱線|传真|傳真|座机|总机|致电|拨打|请拨|电联|tel|fax|phone)(?:号码?)?(?:\([^()\d]{1,6}\))?[.为是:( ]{0,3}(?:[2-9]\d{2,3}[- ]?\d{4}[、/或,; ]{1,2})*$/i;
const HONG_KONG = /香港|港岛|九龙|新界/;

const NUMBER = /\d(?:[ ()\].-]{0,3}\d){6}/;
const yesIf = (condition: boolean): Verdict => (condition ? 'yes' : 'no');

const PHONES: Rule[] = [
  {
    // The mainland's, in one piece or 3-4-4; other groupings need a word.
    kind: 'mobile',
    needs: NUMBER,
    pattern:
      /(?<![\d.]|\d-)(?:\((?:\+|00)?86\)[- ]?|(?:\+|00)86[- ]?|86[- ])?1[3-9]\d[-. ]?\d{4}[-. ]?\d{4}(?!\d|[.-]\d|\.[A-Za-z])/g,
    judge: judgeMobile,
  },
  {
    // The letter O for nought hides a number from search engines.
    kind: 'mobile',
    needs: /1[3-9][\dO]*O/i,
    pattern: /(?<![\dA-Za-z])1[3-9][\dOo]{9}(?![\dA-Za-z])/g,
    judge: (_, { before }) => yesIf(PHONE_LABEL.test(before)),
  },
  {
    kind: 'mobile',
    needs: /[一幺][三四五六七八九]/,
    pattern:
      /(?<![一二三四五六七八九〇零○幺])[一幺][三四五六七八九][一二三四五六七八九〇零○幺]{9}(?![一二三四五六七八九〇零○十百千万亿])/g,
    judge: (_, { before }) => yesIf(PHONE_WORD.test(before)),
  },
  {
    kind: 'mobile',
    needs: /09\d|[+0]?886/,
    pattern: /(?<![\d.-])(?:(?:\+|00)886[- ]?\(?0?\)?9\d{2}|09\d{2})([- ]?)\d{3}\1\d{3}(?!\d|-\d)/g,
    judge: (match, { before }) => yesIf(/[+-]/.test(match) || /手[机機]|行[动動]/.test(before)),
  },
  {
    kind: 'mobile',
    needs: /85[23]/,
    pattern: /(?<![\d.-])\(?(?:\+|00)?85[23]\)?[- ]{0,2}[569]\d{3}[- ]?\d{4}(?!\d|-\d)/g,
    judge: (match, { before }) => yesIf(/^\(?(?:\+|00)/.test(match) || PHONE_LABEL.test(before)),
  },
  {
    kind: 'mobile',
    needs: HONG_KONG,
    pattern: /(?<![\d.-])[569]\d{3}[- ]?\d{4}(?!\d|[.-]\d)/g,
    judge: (_, { before }) => yesIf(PHONE_LABEL.test(before) && HONG_KONG.test(before)),
  },
  {
    kind: 'landline',
    needs: NUMBER,
    pattern:
      /(?<![\dA-Za-z.-])(?:\(\+?86\)[- ]?|(?:\+|00)?86[- ]?)?(?:[([]0\d{2,3}[)\]][- ]?|0\d{2,3}[- ])[2-9]\d{2,3}[- ]?\d{4}(?:(?:转|轉| ?ext\.? ?|-)\d{1,5})?(?!\d|-\d|\.[A-Za-z\d])/g,
    judge: (match, { before, after, address }) =>
      yesIf(isAreaNumber(match) && !OTHER_NUMBER.test(before) && !UNIT_BEHIND.test(after) && !address()),
  },
  {
    // From abroad the area has no nought.
    kind: 'landline',
    needs: /86/,
    pattern:
      /(?<![\dA-Za-z.-])(?:\((?:\+|00)?86[- ]|(?:\+|00)?86[- (]{1,2})(?:\(?0\)?)?(?:10|2\d|[3-9]\d{2})[-) ]{1,2}[2-9]\d{2,3}[- ]?\d{4}(?:(?:转|轉| ?ext\.? ?|-)\d{1,5})?(?!\d|-\d)/g,
    judge: (_, { before, address }) => yesIf(!OTHER_NUMBER.test(before) && !address()),
  },
  {
    kind: 'landline',
    needs: /0[2-8]|886/,
    pattern:
      /(?<![\dA-Za-z.-])(?:(?:\+|00)886[- ]?\(?0?\)?[2-8]\d?[-) ]{1,2}|\(0[2-8]\d?\)[- ]?|0[2-8]\d?-)\d{3,4}-?\d{4}(?!\d|-\d)/g,
    judge: (match, { before }) =>
      yesIf(/^\+|-\d{4}$/.test(match) && (/^[+(]|^02-/.test(match) || PHONE_LABEL.test(before))),
  },
  {
    kind: 'landline',
    needs: /85[23]/,
    pattern: /(?<![\d.-])\(?(?:\+|00)?85[23]\)?[- ]{0,2}[238]\d{3}[- ]?\d{4}(?!\d|-\d)/g,
    judge: (match, { before }) => yesIf(/^\(?(?:\+|00)/.test(match) || PHONE_LABEL.test(before)),
  },
  {
    // Without an area it is any number, so the label must stand right before it.
    kind: 'landline',
    needs: NUMBER,
    pattern: /(?<![\dA-Za-z.-])(?:0\d{2,3})?[2-9]\d{2,3}[- ]?\d{4}(?:转\d{1,5})?(?![\dA-Za-z]|[.-]\d)/g,
    judge: (match, { before, after }) =>
      yesIf(PHONE_LABEL.test(before) && !UNIT_BEHIND.test(after) && !/^[48]00/.test(match)),
  },
];

function judgeMobile(match: string, { before, after, address }: Surroundings): Verdict {
  const digits = match.replace(/^\D*(?:00)?86\D*(?=1)/, '');
  const isNamed = PHONE_WORD.test(before);
  if (OTHER_NUMBER.test(before) || address()) return 'no';
  if (isNamed && !/^ ?(?:[万亿]|[美欧日港韩台]?元)/.test(after)) return 'yes';
  // Names of files and codes have letters on either side.
  if (/[A-Za-z]$/.test(before) || /^[A-Za-z]/.test(after)) return 'no';
  const isWhole = /^\d+$|^\d{3}([- ])\d{4}\1\d{4}$/.test(digits);
  return yesIf(isWhole && !COUNT_BEFORE.test(before) && !UNIT_BEHIND.test(after));
}

/** 010 and 02x with eight digits, 03xx to 09xx with seven or eight. */
function isAreaNumber(match: string): boolean {
  const parts = /(0\d{2,3})[)\]]?[- ]?(\d{3,4}[- ]?\d{4})/.exec(match);
  if (parts === null) return false;
  const [area, number] = [parts[1]!, parts[2]!.replace(/\D/g, '')];
  return /^(?:010|02\d)$/.test(area) ? number.length === 8 : /^0[3-9]\d{2}$/.test(area);
}

const IDENTITY_WORD = /(?:身份证|身份證|证件|公民身份)[^\d\n]{0,12}$/;
const IDENTITY_LABEL =
  /(?:身[份分][证證](?:[统統]一)?(?:[号號编編][码碼]?|字[号號])?|(?:身份|证件)号码?)(?:\([^()]{1,6}\))?[为為是: ]{0,3}$/;
const CARD_LABEL = /卡号[为是: ]{0,3}$/;
const CARD_WORD = /(?:卡号|账号|帐号|账户|帐户|户头|银行|汇款|开户|储蓄|信用卡)[^\d\n]{0,16}$/;

const NUMBERS_OF_PERSONS: Rule[] = [
  {
    kind: 'identity-card',
    needs: NUMBER,
    pattern:
      /(?<![\dA-Za-z])[1-9]\d{5}[- ]?(?:19|20)\d{2}[- ]?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[- ]?\d{3}[\dXx](?![\dA-Za-z])/g,
    judge: (match, { before, address }) => {
      if (isIdentityNumber(match.replace(/[- ]/g, ''))) return yesIf(!OTHER_NUMBER.test(before) && !address());
      return isRegion(match) && IDENTITY_LABEL.test(before) ? 'slip' : 'no';
    },
  },
  {
    kind: 'identity-card',
    needs: NUMBER,
    pattern: /(?<![\dA-Za-z])[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?![\dA-Za-z])/g,
    judge: (match, { before }) => yesIf(isRegion(match) && (IDENTITY_WORD.test(before) || IDENTITY_LABEL.test(before))),
  },
  {
    kind: 'identity-card',
    needs: /[A-Z]\d{6}/,
    pattern: /(?<![A-Za-z\d])[A-Z]{1,2}\d{6}(?:\([\dA]\)|[\dA])(?![A-Za-z\d])/g,
    judge: (match, { before }) => yesIf(/身[份分][证證]/.test(before) && isHongKongNumber(match)),
  },
  {
    kind: 'identity-card',
    needs: /[A-Z][12]\d{8}/,
    pattern: /(?<![A-Za-z\d])[A-Z][12]\d{8}(?![A-Za-z\d])/g,
    judge: (match, { before }) => yesIf(/身[份分][证證]|[统統]一[编編][号號]/.test(before) && isTaiwanNumber(match)),
  },
  {
    kind: 'identity-card',
    needs: /\d{7}\(\d/,
    pattern: /(?<![A-Za-z\d])[157]\d{6}\(\d\)(?!\d)/g,
    judge: (_, { before }) => yesIf(/澳[门門].*身[份分][证證]/.test(before)),
  },
  {
    // Travel documents between the mainland, Hong Kong, Macao and Taiwan.
    kind: 'identity-card',
    needs: /通行[证證]|回[乡鄉][证證]|台胞[证證]/,
    pattern: /(?<![A-Za-z\d])(?:[HMTCWL][A-Z]?\d{7,10}|\d{8}(?:\d{2})?)(?![A-Za-z\d])/g,
    judge: (_, { before }) =>
      yesIf(/(?:通行|回[乡鄉]|台胞)[证證](?:[号號码碼编編为為是: ]|\([^()]{1,6}\)){0,6}$/.test(before)),
  },
  {
    // UnionPay's 62 (16-19 digits); cards of other networks need a word or four groups of four.
    kind: 'bank-card',
    needs: NUMBER,
    pattern: /(?<![\dA-Za-z.]|\d-)[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{4}(?:[ -]?\d{1,3})?(?![\dA-Za-z]|[.-]\d)/g,
    judge: judgeCard,
  },
  {
    kind: 'passport',
    needs: /护照|護照|passport/i,
    pattern: /(?<![A-Za-z\d])(?:[A-Z]{1,2}\d{7,8}|\d{9})(?![A-Za-z\d])/g,
    judge: (match, { before, after }) =>
      yesIf(
        /(?:护照|護照|passport)(?: ?no\.?| ?number|[号號]?[码碼]?|编号)[为是: ]{0,3}$/i.test(before) ||
          (/^[A-Z]/.test(match) && /^号?(?:因私|普通)?护照/.test(after)),
      ),
  },
  {
    kind: 'plate',
    needs: /[A-HJ-NP-Z][· ]?[A-Z\d]{4}/,
    pattern:
      /(?<![A-Za-z\d])[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][· ]?(?:[A-HJ-NP-Z\d]{5}|[A-HJ-K][A-HJ-NP-Z\d]\d{4}|\d{5}[A-HJ-K]|[A-HJ-NP-Z\d]{4}[港澳学警挂领])(?![A-Za-z\d])/g,
    judge: (match, { before, after }) =>
      yesIf(
        /\d.*\d/.test(match) &&
          (match.includes('·') || /车|牌照|号牌|驾|驶|司机|违章|追尾|停放|撞/.test(before + after)),
      ),
  },
];

function judgeCard(match: string, { before, after, address }: Surroundings): Verdict {
  const digits = match.replace(/[ -]/g, '');
  if (OTHER_NUMBER.test(before) || UNIT_BEHIND.test(after) || address()) return 'no';
  const isUnionPay = digits.startsWith('62');
  const isNetwork = /^(?:4|5[1-5]|2[2-7]|35|60)/.test(digits);
  if (!isLuhn(digits)) return isUnionPay && CARD_LABEL.test(before) ? 'slip' : 'no';
  const isGrouped = match.length > digits.length && digits.length === 16;
  return yesIf(isUnionPay || (isNetwork && (isGrouped || CARD_WORD.test(before))));
}

const LOCAL_PART = "(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+'-]{0,63}";
const judgeMail = (match: string, { before, after }: Surroundings): Verdict =>
  // The user of an address of a machine (ssh://git@host, user:word@host), and what scp and git write: user@host:path.
  yesIf(
    isMailHost(match) &&
      !/^(?:git|svn|hg)@/.test(match) &&
      !/\/\/[^\s/]*$/.test(before) &&
      !/^:[\w/~.-]*[A-Za-z/~]/.test(after),
  );

const ACCOUNT = '(?![A-Za-z0-9_-]|\\.[A-Za-z\\d]|@)';

const ADDRESSES_OF_PERSONS: Rule[] = [
  {
    kind: 'email',
    needs: /@/,
    pattern: new RegExp(`${LOCAL_PART}@[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63}){1,4}`, 'g'),
    judge: judgeMail,
  },
  {
    // What people write to hide it from machines.
    kind: 'email',
    needs: /[[(]at[\])]| at /i,
    pattern: new RegExp(
      `${LOCAL_PART} ?(?:[[(](?:at|AT)[\\])] ?[A-Za-z0-9-]{1,63}(?:(?:\\.| ?[[(](?:dot|DOT)[\\])] ?)[A-Za-z0-9-]{1,63}){1,4}| (?:at|AT) [A-Za-z0-9-]{1,63}(?: (?:dot|DOT) [A-Za-z0-9-]{1,63}){1,4})`,
      'g',
    ),
    judge: judgeMail,
  },
  {
    kind: 'email',
    needs: /#/,
    pattern: new RegExp(
      `${LOCAL_PART}#(?:163|126|139|189|qq|gmail|foxmail|sina|sohu|yeah|hotmail|outlook|aliyun)\\.(?:com|net|cn)`,
      'g',
    ),
    judge: judgeMail,
  },
  {
    kind: 'account',
    needs: /q|扣扣|企鹅|球球/i,
    pattern:
      /(?<=(?<![A-Za-z])(?:q ?q|扣扣|企鹅|球球)(?:群?号码?|群)?[:为是 ]{0,3}|(?<![A-Za-z])q: ?(?=\d{6}))[1-9]\d{4,10}(?!\d|\.\d|[A-Za-z])/gi,
    judge: (_, { before, after }) =>
      yesIf(
        /[:号群码]\s*$/.test(before) || !(UNIT_BEHIND.test(after) || /^(?:[年级版]|正式|游戏|金币|用户)/.test(after)),
      ),
  },
  {
    kind: 'account',
    needs: /微信|[薇威]信|weixin|wechat|[vw]x|加[薇v]/i,
    pattern: new RegExp(
      `(?<=(?:微信|[薇威]信|加[薇vV]|(?<![A-Za-z])(?:weixin|wechat|vx|wx|v信)(?: ?id)?)(?:同?号|id)?[:为是 ]{0,3})[A-Za-z][A-Za-z0-9_-]{5,19}${ACCOUNT}`,
      'gi',
    ),
    judge: judgeChatName,
  },
  {
    kind: 'account',
    needs: /line|skype|telegram|tg|钉钉/i,
    pattern: new RegExp(
      `(?<=(?:钉钉号|(?<![A-Za-z])(?:line(?: ?id)?|skype|telegram|tg))[:] ?)@?[A-Za-z][A-Za-z0-9_.-]{4,31}${ACCOUNT}`,
      'gi',
    ),
    judge: (match) => yesIf(/[\d_@]/.test(match)),
  },
];

/** After a colon or «号» any name is one; else it must look like one: 微信 Windows版, VXLAN, 加V are none. */
function judgeChatName(match: string, { before }: Surroundings): Verdict {
  if (/(?:号|号[:为是]|[^A-Za-z]:|(?:id|wechat|weixin|vx|wx):) ?$/i.test(before)) return 'yes';
  return yesIf(/[\d_-]/.test(match) && !/[A-Za-z]$/.test(before));
}

const HAN = '[\\u4e00-\\u9fff]';
const NO_PLACE = '(?![住在于到至是为寄去回搬])';
const ROAD = '(?:路|街|道|巷|弄|胡同|村|里|组|苑|园|小区|花园|新村)';
const HOUSE = `(?:${HAN}|\\d){0,12}?\\d{1,5}(?:号楼|号院|号|弄|幢|栋|座|组|楼)`;
const FILLER = '(?:(?![的了在是有到住])[\\u4e00-\\u9fff]){0,12}?';
const DOOR = `(?:${FILLER}(?:\\d{1,5}|[A-Z]\\d{0,4})(?:室|单元|房|号楼|号院|号|栋|幢|户|楼|层|座|门|弄)(?:之\\d{1,2})?)`;
const BARE_DOOR = '(?:(?<=[楼座单元门栋幢])[A-Z]?\\d{3,4}(?!\\d))?';
/** A door that only a person, a household or a firm has; a storey is one where somebody gives the address as theirs. */
const HAS_DOOR = /\d(?:室|单元|房|户|[栋幢门]\d)|[座元门楼]\d{3}|楼[A-Z]/;
const HAS_STOREY = /\d(?:楼|层|门|座)|[A-Z]座/;

const POSTAL: Rule[] = [
  {
    // Region, road, number and door: nobody writes a door but to be found there.
    kind: 'address',
    needs: /\d(?:室|单元|房|号楼|栋|幢|户|楼|座)/,
    pattern: new RegExp(
      `(?:${NO_PLACE}${HAN}){1,24}?(?:区|县|市|镇|乡|街道)(?:${HAN}|\\d){1,14}?${ROAD}${HOUSE}${DOOR}{1,5}${BARE_DOOR}`,
      'g',
    ),
    judge: (match) => yesIf(HAS_DOOR.test(match)),
  },
  {
    // After a label of somebody's home or post the number of the house is enough.
    kind: 'address',
    needs: /住|址|户籍/,
    pattern: new RegExp(
      `(?<=(?:住址|家庭(?:住)?址|家庭地址|(?:收货|收件|通讯|通信|邮寄|联系)地址|家住|现住|户籍地|居住地)[:为是在 ]{0,3})(?:${HAN}|\\d){2,30}?${ROAD}${HOUSE}${DOOR}{0,5}${BARE_DOOR}`,
      'g',
    ),
    judge: () => 'yes',
  },
  {
    // After «address» alone a door must follow: museums and offices give theirs as well.
    kind: 'address',
    needs: /地址/,
    pattern: new RegExp(`(?<=地址: ?)(?:${HAN}|\\d){2,30}?${ROAD}${HOUSE}${DOOR}{1,5}${BARE_DOOR}`, 'g'),
    judge: (match) => yesIf(HAS_DOOR.test(match) || HAS_STOREY.test(match)),
  },
];

export const RULES: readonly Rule[] = [
  ...ADDRESSES_OF_PERSONS.filter(({ kind }) => kind === 'email'),
  ...NUMBERS_OF_PERSONS,
  ...PHONES,
  ...ADDRESSES_OF_PERSONS.filter(({ kind }) => kind === 'account'),
  ...POSTAL,
];
