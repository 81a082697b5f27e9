/**
 * Words of pages that nobody should learn from, of our own choosing, by category. They are judged by density over a page or a
 * line, never by a single hit: a news report on gambling names a casino, a page that is one names forty. A strong term hardly
 * stands in good text. A subject is what spam sells and what reporters, doctors and teachers write about: it is strong in a list of words, and
 * weak in a sentence. A weak term counts only beside others. No host names, no person names.
 *
 * @module @tunan/page/spam-terms
 */

export type SpamCategory = 'adult' | 'gambling' | 'illegal-trade' | 'game-servers' | 'advert';

interface Terms {
  strong: string;
  subject: string;
  weak: string;
}

const TERMS: Record<SpamCategory, Terms> = {
  adult: {
    strong:
      '一区二区 二区三区 三区四区 久久久 久久精品 久久爱 久久综合 精品国产 国产精品 国产自拍 国产偷 国产乱 自拍偷拍 偷拍自拍 亚洲精品 亚洲无 亚洲国产 亚洲综合 亚洲欧洲 亚洲色 亚洲成人 欧美成人 ' +
      '欧美精品 日韩精品 日韩无 日本无 日韩欧美 欧美日韩 亚洲欧美 欧美亚洲 国产欧美 国产日韩 麻豆 蜜桃视频 蜜臀 草莓视频 丝瓜视频 香蕉视频 黄瓜视频 茄子视频 成人免费 成人在线 成人片 成人av ' +
      '午夜福利 福利视频 激情视频 激情五月 色图 色综合 色播 色偷偷 中出 爆乳 美乳 大奶 制服丝袜 丝袜诱惑 啪啪 东京热 一本道 天天操 天天射 天天干 日日夜夜 夜夜嗨 狠狠干 狠狠操 狠狠色 狠狠躁 ' +
      '视频一区 精品一区 91视频 av在线 av天堂 av片 av网站 免费av 国产av 日本av 亚洲av 淫水 淫妻 淫叫 淫色 淫娃 淫穴 淫女 骚货 骚妇 骚逼 肉棒 鸡巴 小穴 高潮喷 交友一夜 叫床 ' +
      '爱液 潮吹 颜射 操逼 草逼 日逼 抽插 插穴 肉穴 蜜穴 骚穴 爆菊 欲女 群p 胸推 口爆 性虎 无遮挡 色站',
    subject:
      '无码 有码 人妻 熟女 熟妇 黄色网 黄色视频 黄色电影 黄色小说 黄片 毛片 a片 三级片 成人网 成人视频 成人电影 成人影 成人小说 福利社 伦理片 伦理电影 激情小说 激情网 情色 色情 色网 做爱 ' +
      '性爱 性交 口交 肛交 内射 巨乳 奶头 乱伦 国模 约炮 一夜情 裸聊 援交 加勒比海 波多野 苍井空 淫荡 淫乱 阴茎 阴道 阴唇 性奴 调教 群交 轮奸 强奸视频 强奸片 幼女 萝莉 兽交 自慰 手淫 ' +
      '性感美女 美女裸体 裸体 全裸 露点 露毛 换妻 上门服务 包夜 楼凤 招嫖 援助交际 色诱 艳照 床戏 性虐 乳房 射精 后入 足交 乳交 按摩棒 跳蛋 荡妇 荡女 龟头 阴蒂 阳具 精液 裸照 裸女 艳情 ' +
      '双飞 吹箫 毒龙 推油 女优 招妓 三级电影 不卡 老司机 看片 尤物 裸体写真 人体艺术 成人论坛 成人图片 无套 黄网 性生活',
    weak: '在线观看 免费观看 在线播放 视频在线 免费视频 高清 中文字幕 在线看 写真 少妇 美女 偷拍 诱惑 激情 丝袜 av 大全 视频 下载 视频网 自拍 久久 国产 人人 天天 日日 夜夜 伦理 午夜 禁 爽',
  },
  gambling: {
    strong:
      'pk10 赛车pk 皇冠体育 皇冠网 皇冠现金 注册送 开户送 白菜网 真人视讯 真人荷官 亚博 bet365 188bet 白小姐 特码 一肖 中特 分分快 彩票计划 彩票开户 大小单双 计划群 全天计划 ' +
      '现金网 信用网 首存 mg电子 ag真人 ag视讯 ag平台 澳彩 胆码 杀号 竞猜盘口 开户找 日结不拖 不黑钱 爆分 包杀 带单 导师带',
    subject:
      '娱乐城 真人娱乐 百家乐 老虎机 六合彩 时时彩 北京赛车 幸运飞艇 快三 快3 彩票平台 网上赌 线上赌 澳门赌 赌场 博彩 网上娱乐 娱乐平台 葡京 威尼斯人 金沙娱乐 永利 太阳城 投注 外围赌 赌球 ' +
      '体育投注 棋牌游戏 棋牌娱乐 真钱 捕鱼游戏 下注 彩金 bet 龙虎斗 香港马会 马会 pc蛋蛋 分分彩 时彩 彩票网 足球外围 赌博网 赌博平台 赌钱 网赌 二八杠 牌九 炸金花 扎金花 斗牛游戏 轮盘 ' +
      '稳赚 开奖直播 开奖结果 开奖记录 管家婆 心水 菠菜 竞猜平台 网投 返水 洗码 电子游艺 电玩城 新濠 银河娱乐 美高梅 赢钱 滚球 串关 押注 走势图 大小球 亚盘 上分 下分',
    weak: '娱乐 官网 平台 注册 登录 开户 官方 彩票 棋牌 app 送 现金 客服 下载 赔率 开奖 真人 澳门 登陆 网址 入口 备用 手机版 安卓 体育 视讯 直营 注册即',
  },
  'illegal-trade': {
    strong:
      '代开票 增值税发票代 办假证 办理毕业证 办理文凭 代办信用卡 黑户贷 网贷口子 手枪出售 代发论文 一比一制作 学历办理 钢印水印 出证快 急件加急 大麻出售 冰货 口罩粉 透视扑克 点数优惠 发票代开 ' +
      '正规发票 各类发票 真票 增大增粗 延时喷剂',
    subject:
      '代开发票 开发票 办证 刻章 假证 毕业证办理 信用卡套现 花呗套现 套现 裸贷 无抵押贷款 小额贷款 代孕 迷药 迷情 春药 催情 听话水 蒙汗药 仿真枪 气枪 弓弩 窃听器 手机监听 复制卡 手机卡复制 ' +
      '论文代写 代写论文 替考 代考 考试答案 作弊器 私家侦探 侦探公司 要账公司 讨债公司 银行卡出售 收购银行卡 四件套 跑分 身份证出售 假币 假钞 学位证 假学历 假驾照 银行卡收购 收卡 走账 ' +
      '上头电子烟 叶子烟 迷奸 乖乖水 充气娃娃 冰毒 摇头丸 k粉 止痛水 三唑仑 隐形耳机 透视眼镜 老千 套牌车 走私车 黑客 刷单 刷信誉 刷粉 包过 保过 壮阳 阳痿早泄 丰胸产品',
    weak: '发票 代办 办理 信用卡 贷款 联系电话 微信 qq 出售 购买 价格 哪里有卖 哪里买 货到付款 快速 保密 咨询 放款 额度 提额 当天',
  },
  'game-servers': {
    strong:
      '传奇sf 新开传奇 传奇新服 传世私 变态传奇 单职业传奇 合击传奇 魔域私 奇迹私 天龙私 刷钻 发布网 微变 中变 超变 轻变 sf发布 新服网 装备爆率 合击版 散人服',
    subject: '私服 复古传奇 网页传奇 外挂 辅助外挂 刷元宝 刷装备 开区 游戏代练 游戏币交易 元宝 行会战',
    weak: '传奇 游戏 服务端 登陆器 登录器 版本 合击 公益服 新区 一条龙 送vip 满v 上线送 爆率',
  },
  advert: {
    strong:
      '咨询热线 加盟热线 欢迎来电 全国招商 量大从优 欢迎选购 欢迎咨询 欢迎订购 点击购买 诚招代理 诚招加盟 订购热线 详情咨询 详询 来电咨询 电话咨询 低价出售 全场低至 全场满 免费试听 专业承接 ' +
      '品质保证 厂家供应 现货供应 价格合理 服务周到 免费上门 上门安装 扫码添加 长按识别 火爆招生 名额有限 先到先得 预约电话 预约热线 手续费低 无需抵押 当天放款 当天下款 竞争优势 欢迎新老客户 ' +
      '敬请光临 期待您的光临 恭候光临 期待您的到来 回馈新老 新老顾客 惊喜价 尊享 满意再付款 满意付款 包教包会 加薇 加v信 微信同号 招代理 月入过万 零投资 全城最低 无效退款 药到病除 专家坐诊 ' +
      '不孕不育医院 哪家医院 免费测评 免费量房 免费设计 一对一辅导 保录取 跳楼价 一手货源 支持定制 来图定制 包安装 送货上门 全国联保 全网最低 批发厂家 价格多少 厂家价格 厂家电话 定制厂家',
    subject:
      '加微信 微信号 招商加盟 厂家直销 价格优惠 免费咨询 在线咨询 货到付款 限时抢购 立即抢购 限时优惠 免费领取 代理加盟 包邮 服务热线 批发价 折起 特惠 抢购 大促 优惠券 促销 代金券 代金卷 ' +
      '免费试用 专业生产 售后服务 一站式服务 诚信经营 扫码关注 满减 秒杀 特价 买一送一 月息 价格表 报价单 优惠活动 工资日结 免押金 日赚 零风险 祖传秘方 根治 男科医院 妇科医院 无痛人流 ' +
      '前列腺炎治疗 治疗费用 医院排名 减肥产品 丰胸 植发 隆鼻 生发 零首付 名师授课 团购价 内部价 亏本 甩卖 货源 领券 返利 网站优化 seo 快速排名 网站推广 哪家好 多少钱 生产厂家 供应商',
    weak: '热线 电话 优惠 活动 代理 加盟 厂家 批发 公司 价格 产品 客户 会员 礼品 赠送 免费 专柜 旗舰店 开业 门店 报名 微信 咨询 联系人 报价 型号 规格',
  },
};

/** A term, lower case, with what a hit of it weighs; of a subject, where it stands in a list. */
export interface SpamTerm {
  term: string;
  category: SpamCategory;
  weight: number;
  isSubject: boolean;
}

export const STRONG = 1;
export const WEAK = 0.35;

export const SPAM_TERMS: readonly SpamTerm[] = Object.entries(TERMS).flatMap(([key, { strong, subject, weak }]) => {
  const category = key as SpamCategory;
  return [
    ...strong.split(' ').map((term) => ({ term, category, weight: STRONG, isSubject: false })),
    ...subject.split(' ').map((term) => ({ term, category, weight: STRONG, isSubject: true })),
    ...weak.split(' ').map((term) => ({ term, category, weight: WEAK, isSubject: false })),
  ];
});
