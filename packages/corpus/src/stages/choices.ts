/**
 * Traditional characters that have two Simplified forms, and words that tell which. Written by hand from the 通用规范汉字表 (2013) and
 * everyday words; what the words do not say is the work of the model in form-choice.ts.
 */

/** `character` becomes `change` where the model says so, else `keep`. */
export interface Choice {
  character: string;
  keep: string;
  change: string;
  /** What it becomes where no word decides; where this is absent the model decides. */
  otherwise: 'keep' | 'change' | undefined;
  /** Evidence, in natural log odds, without which a Simplified text keeps its `character`: it has it on purpose. */
  margin: number;
}

const NEVER = Number.POSITIVE_INFINITY;

function choice(forms: string, margin = NEVER, otherwise?: Choice['otherwise']): Choice {
  const [character, keep, change] = [...forms] as [string, string, string];
  return { character, keep, change, margin, otherwise };
}

/** In this order the model knows them; a new one goes to the end. */
export const CHOICES: readonly Choice[] = [
  choice('著著着', 2.3),
  choice('乾乾干', 6),
  choice('徵徵征', 4),
  choice('覆覆复'),
  choice('藉藉借', 4),
  choice('瞭瞭了', 4),
  choice('昇昇升', 4, 'keep'),
  choice('陞陞升', NEVER, 'keep'),
  choice('鍾锺钟', NEVER, 'change'),
  choice('甯甯宁', NEVER, 'keep'),
  choice('夥夥伙', NEVER, 'change'),
  choice('祇祇只', 4),
  choice('迺迺乃'),
  choice('釐釐厘', NEVER, 'change'),
  choice('鉅钜巨', NEVER, 'change'),
  choice('鍊链炼'),
  choice('脩脩修'),
  choice('蒐蒐搜', NEVER, 'change'),
  choice('谿谿溪'),
  choice('氾氾泛'),
  choice('沈沈沉', NEVER, 'keep'),
  choice('讎雠仇'),
  choice('颺飏扬'),
  choice('畫画划'),
  choice('拚拚拼'),
  choice('逕迳径', NEVER, 'change'),
  choice('祕祕秘', 4, 'change'),
  choice('於於于', 0, 'change'),
  choice('剋剋克', 0, 'change'),
  choice('麼麽么', 0, 'change'),
  choice('甦甦苏', NEVER, 'change'),
  choice('彷彷仿', NEVER, 'keep'),
  choice('俱俱具', NEVER, 'keep'),
  choice('甚甚什', NEVER, 'keep'),
  choice('吒吒咤', NEVER, 'keep'),
  choice('閤合阁', NEVER, 'change'),
  choice('蘋蘋苹', NEVER, 'keep'),
  choice('麴麹曲', NEVER, 'keep'),
  choice('靦䩄腼', NEVER, 'keep'),
];

/**
 * Words that decide before the model, by the form that the character has in them. They may be written in any form, since forms are folded.
 * What stands under `either` changes in a Traditional sentence alone: Simplified text has it both ways (执著, 执着).
 */
export const WORDS: Readonly<Record<string, { keep?: string; change?: string; either?: string }>> = {
  著: {
    keep: '土著 显著 卓著 昭著 名著 专著 论著 译著 遗著 新著 拙著 巨著 编著 著作 著名 著称 著述 著录 著者 著书立说',
    change: '衣著 穿著 著床 著陆 著重 著墨 黏著 有著 写著 不著痕 不著边',
    either: '执著',
  },
  乾: {
    keep: '乾坤 乾隆 乾阳 康乾 萧乾 乾嘉 乾陵 乾卦 乾元 乾道 乾德 乾符 乾宁 乾清 乾封 乾祐 乾化 乾县 乾州 乾安 乾刚 乾为天 乾纲 乾象 乾旦 乾宅 乾造 乾健 乾龙 乾竺 乾闼 乾爻 乾淳 乾乾 乾端 乾兴 乾统 体乾 法乾 旋乾 秉乾 乘乾 乾上 乾下 乾三连 明乾 徐乾学',
    change:
      '乾电 乾电池 乾薪 乾贮 乾式 乾燥 乾净 乾脆 乾旱 乾枯 乾涸 乾粮 乾杯 乾洗 乾爹 乾妈 乾娘 乾儿 乾女 乾草 乾果 乾货 乾粉 乾冰 乾季 乾笋 乾酪 乾瘪 乾咳 乾呕 乾嚎 乾渴 乾裂 乾瘦 乾瞪 乾笑 乾哭 乾巴 乾煸 乾锅 乾拌 乾面 乾冷 乾热 乾爽 乾湿 乾眼 乾尸 乾柴 乾衣 乾股 乾葡萄 烘乾 晒乾 风乾 吹乾 擦乾 晾乾 烤乾 榨乾 抽乾 阴乾 枯乾 肉乾 豆乾 果乾 鱼乾 饼乾 一乾二净 外强中乾 口乾 乾乾净净 乾乾脆脆 乾乾的 乾乾瘦瘦',
    either: '桑乾',
  },
  徵: {
    keep: '魏徵 宫商角徵羽 角徵 变徵 徵音 文徵明 无徵不信 徵羽 徵声 下徵 徵调式 弹徵调 奏徵调',
    change:
      '徵收 徵求 徵税 徵兵 徵集 徵询 徵文 徵稿 徵婚 徵用 徵兆 徵候 徵信 徵引 徵象 徵召 徵地 徵购 徵选 徵聘 徵件 徵才 徵课 超徵 实徵 稽徵 短徵 课徵 加徵 联徵 苛徵 开徵 缓徵 免徵 应徵 特徵 象徵 表徵 性徵 病徵 体徵 本徵',
  },
  覆: {
    keep: '覆盖 颠覆 覆没 覆灭 倾覆 覆辙 天翻地覆 覆舟 覆盆 翻来覆去 翻覆 覆水 反来覆去 来覆去 包覆 被覆 披覆 覆膜 覆土 覆面 覆亡 覆巢 覆雨 覆载 覆叠 覆雪',
    change: '覆信 答覆 回覆 反覆 批覆 函覆 禀覆 申覆 覆函 覆议 重覆 回覆没 答覆没 反覆没 反反覆覆',
  },
  藉: {
    keep: '狼藉 慰藉 蕴藉 酝藉 枕藉 藉藉 藉田 耕藉',
    change: '藉口 藉此 藉以 藉助 藉着 藉由 藉故 藉机 藉端 藉词',
    either: '凭藉',
  },
  瞭: { keep: '瞭望 瞭哨 瞭台 瞭见 瞭敌', change: '瞭解 明瞭 瞭然 瞭若 瞭如' },
  昇: {
    change:
      '提昇 昇华 直昇 上昇 回昇 攀昇 爬昇 窜昇 飙昇 推昇 跃昇 晋昇 高昇 步步高昇 旭日东昇 昇级 昇格 昇官 昇迁 昇高 昇起 昇天 昇平 昇降 昇温 昇值 昇息 昇学 昇任 昇等 昇空 昇压 昇旗 昇段 昇幂',
  },
  陞: {
    change:
      '陞官 陞任 陞迁 陞职 陞级 陞为 陞座 陞堂 陞殿 陞值 陞授 陞补 陞赏 陞做 陞等 陞了 晋陞 擢陞 推陞 高陞 荣陞 改陞 超陞',
  },
  鍾: { keep: '钱锺书' },
  甯: {
    change:
      '甯静 安甯 甯可 甯愿 甯死 康甯 丁甯 叮甯 归甯 甯波 甯夏 辽甯 南甯 济甯 列甯 西甯市 武甯 甯远 甯国 江甯 建甯 会甯',
  },
  夥: {
    keep: '甚夥 获益甚夥 夥颐',
    change: '夥伴 夥同 夥计 合夥 大夥 小夥 家夥 散夥 入夥 结夥 团夥 同夥 一夥 拆夥 夥食',
  },
  祇: { keep: '神祇 地祇 祇园 祇树 祇洹 阿僧祇 僧祇', change: '祇有 祇是 祇要 祇能 祇好 祇见 祇得 祇怕 祇因' },
  釐: { keep: '安釐 祝釐 受釐 年釐 春釐 釐王 釐公 釐侯 釐姓', change: '毫釐 公釐 釐金 釐米 釐清 釐定 釐订 釐正' },
  鉅: { keep: '章钜 泽钜' },
  鍊: {
    keep: '项链 铁链 拉链 手链 金链 银链 锁链 链条 链子 链坠 脚链',
    change: '锻炼 炼丹 磨炼 精炼 修炼 提炼 炼钢 炼金 炼铁',
  },
  脩: { keep: '束脩 脩金 脩脯 段脩 肉脩' },
  蒐: { keep: '春蒐 蒐狩 蒐苗 蒐田', change: '蒐集 蒐证 蒐罗 蒐寻 蒐购 蒐索 蒐藏' },
  谿: { keep: '勃谿 谿壑 谿刻 谿工' },
  氾: { keep: '氾水 氾胜之 东氾 南氾', change: '氾滥' },
  沈: {
    change:
      '沈默 沈重 沈沈 沈没 沈船 沈着 沈思 沈睡 沈浸 沈淀 沈迷 沈寂 沈痛 沈沦 沈溺 沈陷 沈疴 沈稳 沈湎 沈闷 沈潜 沈浮 沈醉 沈静 沈吟 沈香 沈甸 沈冤 沈积 沈渣 沈降 沈滞 沈落 沈郁 沈厚 沈毅 沈入 沈住气 沈得住 沈不住 沈下去 下沈 浮沈 深沈 消沈 销沈 阴沈 低沈 升沈 击沈 昏沈 陆沈 沈鱼 沈沙',
  },
  讎: { keep: '校雠 雠校' },
  畫: {
    keep: '画面 画家 画布 画册 画廊 画笔 画眉 画龙 画蛇 画饼 画画 动画 漫画 绘画 壁画 油画 国画 字画 图画 书画 插画 名画 版画 刻画 描画 勾画 擘画 画船 指手画脚 指东画西',
    change: '企画 筹画 计画面临 计画面向 计画面对',
  },
  拚: { change: '拚命 打拚 拚搏 拚死 拚斗 拚劲 拚图 拚经济 拚治安 拚选举 拚外交 拚业绩 拚了命 火拚 比拚 相拚' },
  祕: { change: '祕密 神祕 奥祕 祕书 祕诀 祕鲁' },
  於: { keep: '姓於 於菟 商於 於戏 於呼 於潜 樊於期 於乎 於陵 於夫罗 於皇 於穆' },
  剋: { keep: '剋架 挨剋 剋毒' },
  麼: { keep: '幺麽 幺麽小丑' },
  甦: { change: '甦醒 复甦 甦生 甦活' },
  彷: { change: '彷佛' },
  俱: { change: '家俱' },
  甚: { change: '甚么' },
  吒: { change: '叱吒' },
  閤: { keep: '合家 合府 合第 合眼' },
  蘋: { change: '苹果 苹婆' },
  麴: { change: '酒曲 米曲 大曲 红曲 神曲 麦曲 曲霉 曲菌 曲药 曲蘖 曲酒 曲室 曲院' },
  靦: { change: '腼腆' },
};
