import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalise } from './normalise.ts';

const normalised = (body: string) => normalise({ id: 'x#0', source: 's', title: '', body, meta: {} }).body;

/** Each is one line before and after. */
function check(rows: readonly (readonly [string, string])[]): void {
  for (const [text, expected] of rows) {
    assert.equal(normalised(text), expected);
    assert.equal(normalised(expected), expected);
  }
}

test('spaces that part names, keywords, fields, headings and verse stay, one each', () => {
  check([
    ['出席：陈一 林二 何三 高小四', '出席：陈一 林二 何三 高小四'],
    ['参加的有陈一 林二 何三，另有来宾。', '参加的有陈一 林二 何三，另有来宾。'],
    ['陈一　　女　　回族　　1975年生', '陈一 女 回族 1975年生'],
    ['王　一　林小二　何　三', '王一 林小二 何三'],
    ['姓　名：陈　一　　性　别：女', '姓名：陈一 性别：女'],
    ['标签：Python Java 数据库', '标签：Python Java 数据库'],
    ['用 Docker 部署 Redis', '用 Docker 部署 Redis'],
    ['Java 索引 Python 爬虫', 'Java 索引 Python 爬虫'],
    ['第二章　权利和义务', '第二章 权利和义务'],
    ['第二条　本法所称河道，是指天然水道。', '第二条 本法所称河道，是指天然水道。'],
    ['1.2　测量方法', '1.2 测量方法'],
    ['图 3　水位变化', '图3 水位变化'],
    ['山色有无中　水声高下处', '山色有无中 水声高下处'],
    ['上联：一川烟雨　下联：半壁江山', '上联：一川烟雨 下联：半壁江山'],
    ['See you tomorrow. 明天见', 'See you tomorrow. 明天见'],
  ]);
});

test('spaces of the layout go: spaced letters, padding, wrapped lines, text cut into words, marks', () => {
  check([
    ['我 们 喝 茶', '我们喝茶'],
    ['通　知', '通知'],
    ['中 华 书 局 影 印 ， 一 九 七 四 年', '中华书局影印，一九七四年'],
    ['这条河从北边的山里流 下来，经过三个村子。', '这条河从北边的山里流下来，经过三个村子。'],
    ['今天 天气 很 好 ， 我们 去 河边 走走 。', '今天天气很好，我们去河边走走。'],
    ['单击 保存，再打开 文件 。', '单击保存，再打开文件。'],
    ['装好 Node 24 再试一次。', '装好Node 24再试一次。'],
    ['2019 年 5 月 1 日', '2019年5月1日'],
    ['Python 的 安装', 'Python的安装'],
    ['《山海经》 《水经注》', '《山海经》《水经注》'],
  ]);
});

test('a separator keeps the space on either side, whatever stands there: cells of tables, paths of menus, formulas in words', () => {
  check([
    ['1 | 甲 | 12', '1 | 甲 | 12'],
    ['序号　|　姓名 |  备注', '序号 | 姓名 | 备注'],
    ['| 1 | 甲 | |', '| 1 | 甲 | |'],
    ['文件 > 选项 > Word', '文件 > 选项 > Word'],
    ['速度 = 路程 / 时间', '速度 = 路程 / 时间'],
    ['key -> 值，name => 名', 'key -> 值，name => 名'],
    ['面积 × 2 ≤ 周长', '面积 × 2 ≤ 周长'],
    // One side alone is no separator with spaces.
    ['甲| 乙 |丙', '甲|乙|丙'],
    ['减 -1 度', '减-1度'],
    [' - name: 甲', '- name：甲'],
  ]);
});

test('what the spaces become, a second look finds as it is; how wide they were says nothing', () => {
  const words = '我 的 陈一 第一章 数据库 春眠不觉晓 T恤 12 ： ， 。 ! 男 \n'.split(' ');
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 12 }), (parts) => {
      const once = normalised(parts.join(' '));
      assert.equal(normalised(once), once);
      assert.equal(normalised(parts.join('\u3000\u3000')), once);
    }),
    { numRuns: 2000 },
  );
});
