import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { isRejection } from '../rejection.ts';
import { decodePage } from './decode-page.ts';
import { decodeEucTw } from './euc-tw.ts';

const HANS = '春天的山里有一座书院，窗外种着几株老梅。学生们每天早上在这里读书，下午到田里帮忙，晚上点灯写信回家。';
const HANT = '春天的山裡有一座書院，窗外種著幾株老梅。學生們每天早上在這裡讀書，下午到田裡幫忙，晚上點燈寫信回家。';
/** HANT as glibc's iconv writes it. */
const HANT_EUC_TW =
  'd1cec5b2cefbc4d4e6d3c8b4c4a1d5bdd5f3d8e1a1a2e1a7c6c0eaa1e1e1defdd6acc8d2dbbca1a4f0d0c6edd4afcae4c5b2c8aec4b8c7e3ddd5e6d3fbf4d5f3a1a2c4b6c5a9ccafc6f0e6d3f3d9c8a4a1a2dba5c4b8f6b5f1b9ecd1cfeac7dfd5a5a1a4';

function page(body: string, declared?: string): string {
  const meta =
    declared === undefined ? '' : `<meta http-equiv="Content-Type" content="text/html; charset=${declared}">`;
  return `<html><head>${meta}<title>${body.slice(0, 8)}</title></head><body><p>${body}</p></body></html>`;
}

/** Writes in a double-byte charset by asking the decoder about every pair. */
function encoder(charset: 'gb18030' | 'big5'): (text: string) => Uint8Array {
  const decoder = new TextDecoder(charset);
  const pairs = new Map<string, number[]>();
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      const character = decoder.decode(Uint8Array.of(lead, trail));
      if ([...character].length === 1 && character !== '\ufffd' && !pairs.has(character))
        pairs.set(character, [lead, trail]);
    }
  }
  return (text) => Uint8Array.from([...text].flatMap((character) => pairs.get(character) ?? [character.charCodeAt(0)]));
}

const gbk = encoder('gb18030');
const big5 = encoder('big5');
const eucTw = (text: string): Uint8Array =>
  Buffer.concat(
    text.split(HANT).flatMap((part, i) => [...(i > 0 ? [Buffer.from(HANT_EUC_TW, 'hex')] : []), Buffer.from(part)]),
  );

const cases: [name: string, bytes: Uint8Array, encoding: string, text: string][] = [
  ['UTF-8', Buffer.from(page(HANS, 'utf-8')), 'utf-8', HANS],
  ['UTF-8 that declares gb2312', Buffer.from(page(HANS, 'gb2312')), 'utf-8', HANS],
  ['UTF-8 with a mark', Buffer.from(`\ufeff${page(HANS)}`), 'utf-8', HANS],
  [
    'UTF-8 cut inside a character',
    Buffer.from(page(HANS)).subarray(0, -1 - '</p></body></html>'.length),
    'utf-8',
    HANS.slice(0, -1),
  ],
  ['UTF-8 with damaged bytes', Buffer.concat([Buffer.from([0xe4, 0x3c]), Buffer.from(page(HANS))]), 'utf-8', HANS],
  ['GBK', gbk(page(HANS, 'gb2312')), 'gb18030', HANS],
  ['GBK without a declaration', gbk(page(HANS)), 'gb18030', HANS],
  ['GBK that declares utf-8', gbk(page(HANS, 'utf-8')), 'gb18030', HANS],
  ['Traditional text in GBK', gbk(page(HANT, 'gbk')), 'gb18030', HANT],
  ['Big5', big5(page(HANT, 'big5')), 'big5', HANT],
  ['Big5 without a declaration', big5(page(HANT)), 'big5', HANT],
  ['Big5 that declares gb2312', big5(page(HANT, 'gb2312')), 'big5', HANT],
  ['EUC-TW', eucTw(`<p>${HANT}</p>`), 'euc-tw', HANT],
  ['UTF-16 with a mark', Buffer.from(`\ufeff${page(HANS)}`, 'utf16le'), 'utf-16le', HANS],
  ['UTF-16 without one', Buffer.from(page(HANS), 'utf16le'), 'utf-16le', HANS],
  ['UTF-16 big-endian', Buffer.from(page(HANS), 'utf16le').swap16(), 'utf-16be', HANS],
  [
    'four bytes of GB18030',
    Buffer.concat([gbk(page(HANS)), Buffer.from([0x82, 0x35, 0x8f, 0x33])]),
    'gb18030',
    '\u9fa6',
  ],
];

for (const [name, bytes, encoding, text] of cases) {
  test(`charset: ${name}`, () => {
    const result = decodePage(bytes);
    assert.ok(!isRejection(result), JSON.stringify(result));
    assert.equal(result.encoding, encoding);
    assert.ok(result.text.includes(text), result.text);
  });
}

test('what the server declares goes before the page and is told', () => {
  const result = decodePage(Buffer.from(page(HANS, 'gb2312')), 'utf-8');
  assert.ok(!isRejection(result));
  assert.equal(result.declared, 'utf-8');
  const other = decodePage(gbk(page(HANS, 'gb2312')));
  assert.ok(!isRejection(other));
  assert.equal(other.declared, 'gb2312');
});

test('two characters alone follow the declaration', () => {
  const result = decodePage(big5('首頁'), 'big5');
  assert.ok(!isRejection(result));
  assert.equal(result.text, '首頁');
});

test('another language is read as it declares, an unknown one is rejected', () => {
  const cyrillic = Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2, 0x20, 0xec, 0xe8, 0xf0]);
  const result = decodePage(cyrillic, 'windows-1251');
  assert.ok(!isRejection(result));
  assert.equal(result.text, 'Привет мир');
  assert.deepEqual(decodePage(cyrillic), { reason: 'unknown-charset' });
  assert.deepEqual(decodePage(cyrillic, 'no-such-charset'), { reason: 'unknown-charset' });
});

test('binary, empty and huge files are rejected', () => {
  assert.deepEqual(decodePage(new Uint8Array(0)), { reason: 'empty' });
  assert.deepEqual(decodePage(Buffer.from('%PDF-1.7 text')), { reason: 'binary' });
  assert.deepEqual(decodePage(Buffer.from([0x1f, 0x8b, 0x08, 0, 0, 1, 2, 3])), { reason: 'binary' });
  assert.deepEqual(decodePage(Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) & 0xff)), { reason: 'binary' });
  assert.deepEqual(decodePage(new Uint8Array(33 * 2 ** 20)), { reason: 'page-too-large' });
});

test('any bytes give a text or a reason', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.option(fc.string({ maxLength: 12 }), { nil: undefined }),
      (bytes, declared) => {
        const result = decodePage(bytes, declared);
        assert.ok(isRejection(result) ? result.reason !== '' : typeof result.text === 'string');
      },
    ),
    { numRuns: 500 },
  );
});

function comesBack(bytes: Uint8Array, text: string): void {
  const result = decodePage(bytes);
  assert.ok(!isRejection(result));
  assert.equal(result.text, text);
}

test('any Chinese characters come back from UTF-8', () => {
  const characters = fc.string({ unit: fc.constantFrom(...HANS), minLength: 20, maxLength: 200 });
  fc.assert(fc.property(characters, (text) => comesBack(Buffer.from(text), text)));
});

// Not any characters: 春 twenty times is as good Big5 as GBK, and comes back from neither.
test('Chinese text comes back from GBK', () => {
  const clauses = HANS.split(/(?<=[，。])/);
  const text = fc.array(fc.constantFrom(...clauses), { minLength: 3, maxLength: 25 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (sentences) => comesBack(gbk(sentences), sentences)),
    { numRuns: 300 },
  );
  assert.deepEqual(decodePage(gbk('春'.repeat(20))), { reason: 'unknown-charset' });
});

test('EUC-TW: plane 2 and bytes that are no character', () => {
  // 8EA2 A1A1 is the first character of plane 2.
  assert.equal(decodeEucTw(Uint8Array.of(0x8e, 0xa2, 0xa1, 0xa1)), '乂');
  assert.equal(decodeEucTw(Uint8Array.of(0x41, 0xff, 0x42, 0xc4)), 'A\ufffdB\ufffd');
});

const CANTONESE = '啲人話佢哋嘅點心好食，喺街口㗎，𡃁仔攞咗三碗畀我，佢瞓醒先嚟，嗰間舖頭嘅牌匾寫住衞生兩隻字。';

test('Big5 of Hong Kong: Cantonese characters come back, beyond the basic plane too', () => {
  comesBack(iconv.encode(CANTONESE, 'big5-hkscs'), CANTONESE);
});

// Verse of our own, of rare characters.
const VERSE = '暮霭氤氲锁翠微，渔舟欸乃入汀矶。鹧鸪啼罢荼蘼谢，薜荔阴浓菡萏肥。';

test('rare characters in GBK and Big5, declared or not', () => {
  comesBack(iconv.encode(VERSE, 'gbk'), VERSE);
  const traditional = '暮靄氤氳鎖翠微，漁舟欸乃入汀磯。鷓鴣啼罷荼蘼謝，薜荔陰濃菡萏肥。';
  comesBack(iconv.encode(traditional, 'big5'), traditional);
  const words = '魑魅魍魉、饕餮耄耋、踟蹰旖旎、龃龉觊觎';
  const result = decodePage(iconv.encode(words, 'gbk'), 'gbk');
  assert.ok(!isRejection(result) && result.text === words);
});

test('marks of UTF-8 are no proof, and go however many they are', () => {
  const mark = Buffer.from('\ufeff');
  comesBack(Buffer.concat([mark, gbk(HANS)]), HANS);
  comesBack(Buffer.concat([mark, big5(HANT)]), HANT);
  comesBack(Buffer.concat([mark, mark, Buffer.from(HANS)]), HANS);
});

test('UTF-16 and UTF-32 without a mark, of markup or of Chinese alone', () => {
  for (const text of [page(HANS), HANS]) {
    const wide = Buffer.from(text, 'utf16le');
    comesBack(wide, text);
    comesBack(Buffer.from(wide).swap16(), text);
    const wider = Buffer.alloc(4 * text.length);
    for (let i = 0; i < text.length; i++) wider.writeUInt32LE(text.charCodeAt(i), 4 * i);
    comesBack(wider, text);
    comesBack(Buffer.from(wider).swap32(), text);
  }
});

test('a part in another charset is read as what it is', () => {
  const before = '<p>书院里的老梅今年开得早。</p>';
  const after = '<p>山下的人都上来看花。</p>';
  const footer = '<div>本页的文字由书院整理，未经同意请勿转载。</div>';
  for (const [own, other] of [
    ['utf-8', 'gbk'],
    ['gbk', 'utf-8'],
  ] as const) {
    const bytes = [before, footer, after].map((part, i) => iconv.encode(part, i === 1 ? other : own));
    comesBack(Buffer.concat(bytes), before + footer + after);
    comesBack(Buffer.concat([bytes[0]!, bytes[2]!, bytes[1]!]), before + after + footer);
  }
});

test('surrogates written as UTF-8, and HZ', () => {
  const cesu = Buffer.concat([Buffer.from('他姓'), Buffer.from('eda182edbeb7', 'hex'), Buffer.from('野，住在山里。')]);
  comesBack(cesu, '他姓𠮷野，住在山里。');
  const hz = HANS.split(/(?<=，)/).map(
    (clause) => `~{${Buffer.from(gbk(clause).map((byte) => byte & 0x7f)).toString()}~}`,
  );
  comesBack(Buffer.from(hz.join('\n')), HANS.split(/(?<=，)/).join('\n'));
});

test('other languages are not taken for Chinese', () => {
  const texts = [
    ['windows-1251', 'Столица стоит на реке, и город растёт с каждым годом.'],
    ['euc-jp', '東京は日本の首都であり、人口は約千四百万人で、文化の中心となっている。'],
    ['euc-kr', '서울은 대한민국의 수도이며 한강을 중심으로 많은 사람들이 살고 있다.'],
    ['windows-1252', 'Les élèves de l’école étaient très déçus, où qu’ils fussent allés; ça n’était prévu.'],
  ] as const;
  for (const [charset, text] of texts) {
    assert.deepEqual(decodePage(iconv.encode(text, charset)), { reason: 'unknown-charset' });
    const declared = decodePage(iconv.encode(text, charset), charset);
    assert.ok(!isRejection(declared) && declared.text === text);
  }
});

const shared = path.resolve(import.meta.dirname, '../../../../../shared/data/web');
const skip = existsSync(shared) ? false : '../shared/data is absent';

test('real pages: every charset is found', { skip }, () => {
  const manifest = JSON.parse(readFileSync(path.join(shared, 'manifest.json'), 'utf8')) as {
    pages: { path: string; encoding: string }[];
    raw: { path: string; encoding?: string | null }[];
  };
  const pages = [
    ...manifest.pages,
    ...manifest.raw.filter(({ path: name, encoding }) => encoding && /\.(html|xml|txt)$/.test(name)),
  ];
  const wrong: string[] = [];
  for (const { path: name, encoding } of pages) {
    const result = decodePage(readFileSync(path.join(shared, name)));
    const found = isRejection(result) ? result.reason : result.encoding;
    const truth = /^gb/i.test(encoding!) ? 'gb18030' : encoding!.toLowerCase();
    if (found !== truth) wrong.push(`${name}: ${found} for ${truth}`);
  }
  assert.ok(pages.length > 180);
  assert.deepEqual(wrong, []);
});
