/** The corpus commands as they are typed: what they print, where, and how they end. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../bin/tunan.mjs', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-corpus-commands-'));
after(() => rmSync(folder, { recursive: true }));

const { LC_MESSAGES: _, ...inherited } = process.env;
const env = { ...inherited, LC_ALL: 'C' };

function tunan(args: readonly string[], input?: string | Buffer) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [binary, ...args], {
    cwd: folder,
    env,
    input: input ?? '',
  });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

const paragraph =
  '北冥有鱼，其名为鲲。鲲之大，不知其几千里也。化而为鸟，其名为鹏。鹏之背，不知其几千里也；怒而飞，其翼若垂天之云。';
const page = `<!doctype html><html><head><meta charset="utf-8"><title>逍遥游</title></head><body><nav><a href="/">首页</a><a href="/a">新闻</a></nav><article>${`<p>${paragraph}</p>`.repeat(3)}<p>${'水之积也不厚，则其负大舟也无力。覆杯水于坳堂之上，则芥为之舟，置杯焉则胶，水浅而舟大也。'.repeat(2)}</p></article></body></html>`;

const recipe = (name: string) => ({
  name,
  title: { en: 'Pages', zh: '网页' },
  description: { en: 'Pages', zh: '网页' },
  licence: 'CC0-1.0',
  sources: [{ type: 'html', name, licence: 'CC0-1.0', paths: [name] }],
  stages: [{ use: 'decode' }, { use: 'extract' }, { use: 'exact-duplicates' }],
  split: { validation: 0, test: 0, seed: 1 },
});

for (const [name, count] of [
  ['one', 3],
  ['two', 4],
] as const) {
  mkdirSync(path.join(folder, name));
  writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(recipe(name)));
  for (let n = 0; n < count; n++) {
    writeFileSync(path.join(folder, name, `${n}.html`), page.replaceAll('千里', `${'一二三四五六'[n]}千里`));
  }
}

test('build --from: a folder of any texts becomes a corpus, its recipe is kept and can be used again', () => {
  mkdirSync(path.join(folder, 'my texts'));
  const text = `${paragraph}${'水之积也不厚，则其负大舟也无力。'.repeat(3)}`;
  const other = '清晨的集市上人来人往，卖菜的老人把新摘的豆角摆成一排，旁边的孩子数着竹篮里的鸡蛋。大家说今年雨水好。';
  writeFileSync(path.join(folder, 'my texts/a.txt'), text);
  writeFileSync(path.join(folder, 'my texts/b.jsonl'), `${JSON.stringify({ 正文: other })}\n{"正文": 1\n`);
  writeFileSync(path.join(folder, 'my texts/c.docx'), 'PK\u0003\u0004 of a file cut short');
  const built = tunan(['corpus', 'build', '--from', 'my texts', '--out', 'mine', '--lang', 'zh']);
  assert.equal(built.status, 0, built.stderr);
  assert.match(built.stderr, /1 个 jsonl 文件 my texts\/b\.jsonl：text = 正文（由 1 条记录推测）/);
  assert.match(built.stderr, /1 个 document 文件 my texts\/c\.docx/);
  assert.match(built.stdout, /跳过：my texts\/c\.docx：文件损坏/);
  assert.match(built.stderr, /配方：mine\.recipe\.json/);
  assert.match(built.stdout, /读入 4 篇，保留 2 篇，剔除 2 篇\n {2}读取（4）：文档损坏 1、不是 JSON 1\n/);
  const again = tunan(['corpus', 'build', 'mine.recipe.json', '--out', 'mine']);
  assert.match(again.stdout, /mine: was there already/);
  const tokenizer = tunan([
    'tokenizer',
    'train',
    'my texts',
    '--vocabulary',
    '2048',
    '--out',
    'tokenizer.json',
    '--lang',
    'zh',
  ]);
  assert.match(tokenizer.stderr, /^错误：这些文本至多给出 \d+ 个词元的词表，而不是 2048/m);
  const both = tunan(['corpus', 'build', 'one.json', '--from', 'my texts', '--out', 'mine']);
  assert.match(both.stderr, /give a recipe, or your own files with --from/);
  const inside = tunan(['corpus', 'build', '--from', '.', '--out', 'mine']);
  assert.match(inside.stderr, /--out mine lies in \., which is read/);
});

test('clean: the text on stdout, the decisions on stderr; a page that is dropped fails with its reason', () => {
  const cleaned = tunan(['corpus', 'clean', '--explain', '--recipe', 'one.json'], page);
  assert.equal(cleaned.status, 0, cleaned.stderr);
  assert.match(cleaned.stdout, /^逍遥游\n北冥有鱼/);
  assert.doesNotMatch(cleaned.stdout, /首页/);
  assert.match(cleaned.stderr, /^decode: unchanged; encoding utf-8\nextract: 0 → \d+ characters; kind article/);
  const dropped = tunan(
    ['corpus', 'clean', '--recipe', 'one.json', '--json'],
    '<html><body><script>1</script></body></html>',
  );
  assert.equal(dropped.status, 1);
  const data = JSON.parse(dropped.stdout) as { decisions: { reason?: string }[] };
  assert.ok(data.decisions.at(-1)!.reason !== undefined);
  assert.match(dropped.stderr, /^extract: dropped: /);
  const text = tunan(['corpus', 'clean', '--recipe', 'one.json'], '一段普通的文字。\n');
  assert.equal(text.stdout.trim(), '一段普通的文字。');
  assert.match(tunan(['corpus', 'clean', 'none.html']).stderr, /^error: cannot read none\.html/);
});

test('clean: input without end is given up when it is longer than any page', () => {
  const command = 'yes 无穷无尽的输入 | "$0" "$1" corpus clean --recipe one.json';
  const { status, stderr } = spawnSync('sh', ['-c', command, process.execPath, binary], { cwd: folder, env });
  assert.equal(status, 1);
  assert.match(stderr.toString(), /^decode: dropped: page-too-large\n$/m);
});

test('build, update, remove and audit one corpus', async () => {
  const built = tunan(['corpus', 'build', 'one.json', '--out', 'corpus', '--json']);
  assert.equal(built.status, 0, built.stderr);
  const { counts, rates } = JSON.parse(built.stdout) as {
    counts: { kept: number };
    rates: Record<string, { documents: number }>;
  };
  assert.equal(counts.kept, 3);
  assert.equal(rates.read!.documents, 3);
  const updated = tunan(['corpus', 'update', 'corpus', 'two.json']);
  assert.match(updated.stdout, /^read 4 documents, added 1, dropped 3; the corpus holds 4\n/);
  const removed = tunan(['corpus', 'remove', 'corpus', '--id', 'two/3.html', '--json']);
  assert.deepEqual((JSON.parse(removed.stdout) as { removed: string[] }).removed, ['two/3.html']);
  assert.equal(tunan(['corpus', 'remove', 'corpus']).status, 2);
  const unknown = tunan(['corpus', 'remove', 'corpus', '--url', 'https://none.example/']);
  assert.match(unknown.stderr, /^error: no document of corpus has that id or address; nothing was changed\n$/);

  const audit = spawn(process.execPath, [binary, 'corpus', 'audit', 'corpus', '--sample', '2', '--json'], {
    cwd: folder,
    env,
  });
  const [address] = await Promise.race([
    once(audit.stderr, 'data').then(([data]) => /http:\S+/.exec(String(data))!),
    once(audit, 'exit').then(([code]) => assert.fail(`audit ended with ${code}`)),
  ]);
  const output: Buffer[] = [];
  audit.stdout.on('data', (data: Buffer) => output.push(data));
  for (const index of [0, 1]) {
    await fetch(`${address}rate`, {
      method: 'POST',
      body: JSON.stringify({ index, rating: index === 0 ? 'good' : 'bad' }),
    });
  }
  if (audit.exitCode === null) await once(audit, 'exit');
  const result = JSON.parse(Buffer.concat(output).toString()) as {
    rated: number;
    shares: { rating: string; share: number }[];
  };
  assert.deepEqual(
    result.shares.map(({ rating, share }) => [rating, share]),
    [
      ['good', 0.5],
      ['poor', 0],
      ['bad', 0.5],
    ],
  );
  const report = tunan(['corpus', 'audit', 'corpus', '--sample', '2', '--report']);
  assert.match(report.stdout, /^2 of 2 documents rated .*\n {2}good 1: 50\.0 % \(95 % interval 9\.5 % – 90\.5 %\)/);
  assert.match(readFileSync(path.join(folder, 'corpus/README.md'), 'utf8'), /two/);
});

test('a recipe with an unknown stage or field, and a source that is not there, are one line', () => {
  const attempt = (change: Record<string, unknown>) => {
    writeFileSync(path.join(folder, 'bad.json'), JSON.stringify({ ...recipe('one'), ...change }));
    const { status, stderr } = tunan(['corpus', 'build', 'bad.json', '--out', 'never']);
    assert.equal(status, 1);
    assert.match(stderr, /(^|\n)error: [^\n]+\n$/);
    return stderr;
  };
  assert.match(attempt({ stages: [{ use: 'polish' }] }), /stages\.0\.use: unknown "polish"; known: decode, extract/);
  assert.match(attempt({ stages: [{ use: 'extract', headings: true }] }), /stages\.0.*"headings"/);
  assert.match(attempt({ sources: [{ ...recipe('one').sources[0], paths: ['none'] }] }), /cannot read source .*none/);
  assert.match(
    attempt({ sources: [{ ...recipe('one').sources[0], type: 'warc', paths: ['one.json'] }] }),
    /one\.json holds no WARC record/,
  );
  assert.match(
    tunan(['corpus', 'build', 'one.json', '--out', 'x', '--local', 'a']).stderr,
    /a is no folder of collected texts.* write NAME=a/,
  );
});
