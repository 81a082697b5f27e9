import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildCorpus } from './build.ts';
import { SPLITS, type Split } from './directory/manifest.ts';
import { openCorpus } from './directory/open-corpus.ts';
import { startBuilding } from './directory/output-directory.ts';
import type { Document } from './document.ts';
import { mix } from './duplicates/shingles.ts';
import { writeProblem } from './errors.ts';
import type { Progress } from './passes/runner.ts';
import type { Reject } from './passes/tally.ts';
import { readJsonLines } from './reading/json-lines.ts';
import { SpillWriter } from './reading/spill.ts';
import { zstdFrame } from './reading/zstd-frames.ts';
import { parseRecipe, type Recipe, readRecipe } from './recipe/recipe.ts';

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tunan-corpus-'));
after(() => rmSync(folder, { recursive: true }));

let serial = 0;
const fresh = () => join(folder, String(serial++));
const poems = () => readRecipe(join(fixtures, 'poems.json'));

/** Many files of made-up verse, so that several workers have something to share out. */
function manyFiles(): { recipe: Recipe; base: string } {
  const base = fresh();
  mkdirSync(base);
  const paths: string[] = [];
  for (let file = 0; file < 9; file++) {
    const lines = Array.from({ length: 40 }, (_, i) => {
      const verse = Array.from({ length: 20 }, (_, k) =>
        String.fromCharCode(0x4e00 + (mix((file % 5) * 10_000 + i * 100 + k) % 4000)),
      );
      // Files 5 to 8 hold the poems of 0 to 3 but one character, and every file repeats one poem of file 0.
      const text = file >= 5 ? verse.with(3, '某') : verse;
      return JSON.stringify({ text: i === 7 ? '白日依山尽，黄河入海流。欲穷千里目，更上一层楼。' : text.join('') });
    });
    const name = `part-${file}.jsonl`;
    writeFileSync(join(base, name), `${lines.join('\n')}\n`);
    paths.push(name);
  }
  const source = { type: 'jsonl' as const, name: 'many', licence: 'CC0-1.0', paths };
  return { base, recipe: parseRecipe({ ...poems(), sources: [source] }) };
}

function contents(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  return new Map(
    names
      .map((e) => join(e.parentPath, e.name))
      .sort()
      .map((path) => [path.slice(directory.length), readFileSync(path).toString('base64')]),
  );
}

async function documents(directory: string): Promise<Record<Split, Document[]>> {
  const corpus = openCorpus(directory);
  const all: Record<Split, Document[]> = { train: [], validation: [], test: [] };
  for (const split of SPLITS) for await (const document of corpus.documents(split)) all[split].push(document);
  return all;
}

async function rejects(directory: string): Promise<Reject[]> {
  const all: Reject[] = [];
  for (const name of readdirSync(join(directory, 'rejects'))) {
    for await (const { value } of readJsonLines(join(directory, 'rejects', name))) all.push(value as Reject);
  }
  return all;
}

test('the fixture becomes a corpus: documents, rejects with reasons, one side for near duplicates', async () => {
  const out = fresh();
  const { manifest, resumed } = await buildCorpus(poems(), { out, base: fixtures });
  assert.equal(resumed, false);
  assert.deepEqual(readdirSync(out).sort(), [
    'ATTRIBUTIONS.md',
    'README.md',
    'manifest.json',
    'near-duplicates.jsonl.zst',
    'rejects',
    'report.html',
    'shards',
  ]);
  const all = await documents(out);
  const kept = Object.values(all).flat();
  assert.equal(kept.length, manifest.counts.kept);
  const quiet = kept.find((d) => d.id === 'p00')!;
  assert.deepEqual(quiet, {
    id: 'p00',
    text: '静夜思\n床前明月光，疑是地上霜。\n举头望明月，低头思故乡。',
    source: 'poems',
    meta: { author: '李白', collection: 'poems' },
  });
  assert.match(kept.find((d) => d.id === 'p12')!.text, /两岸猿声啼不住，轻舟已过万重山。$/);
  const dropped = (await rejects(out)).map(({ id, stage, reason, kept: copy }) => ({ id, stage, reason, copy }));
  assert.deepEqual(
    dropped.sort((a, b) => (a.id < b.id ? -1 : 1)),
    [
      { id: 'p01', stage: 'exact-duplicates', reason: 'duplicate', copy: 'p00' },
      { id: 'p30', stage: 'rules', reason: 'missing-characters', copy: undefined },
      { id: 'p31', stage: 'verse', reason: 'fragment', copy: undefined },
      { id: 'p32', stage: 'rules', reason: 'too-short', copy: undefined },
      { id: 'p33', stage: 'rules', reason: 'too-short', copy: undefined },
    ],
  );
  assert.equal(manifest.counts.read, manifest.counts.kept + manifest.counts.dropped);
  assert.equal(manifest.nearDuplicates.documents, 2);
  const side = (id: string) => SPLITS.find((split) => all[split].some((d) => d.id === id));
  assert.equal(side('p03'), side('p04'));
  for (const split of SPLITS) assert.ok(all[split].length > 0, `${split} is empty`);
});

test('report and card say what was done, and escape what they quote', async () => {
  const base = fresh();
  cpSync(fixtures, base, { recursive: true });
  const extra = { id: '<b>', title: '句', author: 'x', text: '<script>alert(1)</script>' };
  writeFileSync(join(base, 'poems.jsonl'), `${readFileSync(join(base, 'poems.jsonl'))}${JSON.stringify(extra)}\n`);
  const out = fresh();
  const { manifest } = await buildCorpus(poems(), { out, base });
  const report = readFileSync(join(out, 'report.html'), 'utf8');
  for (const absent of ['<script', 'http:', 'https:']) assert.equal(report.includes(absent), false, absent);
  for (const present of ['缺字 missing characters', '苔深不可寻', '&#60;script&#62;'])
    assert.ok(report.includes(present), present);
  const card = readFileSync(join(out, 'README.md'), 'utf8');
  assert.match(card, /^---\nlicense: "apache-2.0"\n/);
  assert.match(card, /- split: train\n {8}path: shards\/train-\*\.jsonl\.zst/);
  assert.match(card, new RegExp(`${manifest.counts.kept} kept`));
});

test('the same bytes for 1, 2 and 3 workers; progress is monotone and ends complete', async () => {
  const { recipe, base } = manyFiles();
  const builds: Map<string, string>[] = [];
  for (const workers of [1, 2, 3]) {
    const out = fresh();
    const seen: Progress[] = [];
    const { manifest } = await buildCorpus(recipe, { out, base, workers, onProgress: (p) => seen.push(p) });
    builds.push(contents(out));
    for (const stage of ['read', 'duplicates', 'write'] as const) {
      const steps = seen.filter((p) => p.stage === stage);
      assert.equal(steps.at(-1)!.done, steps.at(-1)!.total);
      // A file that takes long is reported more than once.
      const done = [...new Set(steps.map((p) => p.done))].filter((n) => n > 0);
      assert.deepEqual(
        done,
        done.map((_, i) => i + 1),
      );
    }
    assert.equal(seen.filter((p) => p.stage === 'read').at(-1)!.documents, manifest.counts.read);
    assert.equal(manifest.stages.find((s) => s.stage === 'exact-duplicates')!.reasons.duplicate, 8);
    assert.ok(manifest.nearDuplicates.clusters >= 30);
  }
  assert.deepEqual(builds[1], builds[0]);
  assert.deepEqual(builds[2], builds[0]);
});

test('a finished corpus is recognised, another recipe or input is refused, nothing is overwritten', async () => {
  const out = fresh();
  await buildCorpus(poems(), { out, base: fixtures });
  const before = contents(out);
  const stamp = statSync(join(out, 'manifest.json')).mtimeMs;
  assert.equal((await buildCorpus(poems(), { out, base: fixtures })).resumed, true);
  const other = { ...poems(), split: { validation: 0.2, test: 0.1, seed: 1 } };
  await assert.rejects(buildCorpus(other, { out, base: fixtures }), {
    code: 'CORPUS_OUTPUT',
    message: /another recipe/,
  });
  const base = fresh();
  cpSync(fixtures, base, { recursive: true });
  writeFileSync(join(base, 'poems.jsonl'), readFileSync(join(base, 'poems.jsonl'), 'utf8').replace('江雪', '江上雪'));
  await assert.rejects(buildCorpus(poems(), { out, base }), { code: 'CORPUS_OUTPUT', message: /another input/ });
  assert.deepEqual(contents(out), before);
  assert.equal(statSync(join(out, 'manifest.json')).mtimeMs, stamp);
});

test('a directory or file that is something else is not touched', async () => {
  const out = fresh();
  mkdirSync(out);
  writeFileSync(join(out, 'novel.txt'), '第一回');
  await assert.rejects(buildCorpus(poems(), { out, base: fixtures }), { code: 'CORPUS_OUTPUT', message: /no corpus/ });
  assert.deepEqual(readdirSync(out), ['novel.txt']);
  await assert.rejects(buildCorpus(poems(), { out: join(out, 'novel.txt'), base: fixtures }), {
    code: 'CORPUS_OUTPUT',
  });
  await assert.rejects(buildCorpus(poems(), { out: join(out, 'novel.txt', 'x'), base: fixtures }), {
    code: 'CORPUS_OUTPUT',
  });
  const empty = fresh();
  mkdirSync(empty);
  assert.equal((await buildCorpus(poems(), { out: empty, base: fixtures })).resumed, false);
});

test('what a killed build left is cleared; a running build and a stranger in its place are not', async () => {
  const out = fresh();
  const building = `${out}.building`;
  mkdirSync(building);
  writeFileSync(join(building, 'leftover'), 'x');
  await assert.rejects(buildCorpus(poems(), { out, base: fixtures }), { code: 'CORPUS_OUTPUT', message: /in the way/ });
  writeFileSync(join(building, '.tunan-subject'), 'another recipe');
  {
    using _ = startBuilding(out, 'another recipe');
    await assert.rejects(buildCorpus(poems(), { out, base: fixtures }), {
      code: 'CORPUS_OUTPUT',
      message: /another build \(process \d+ on/,
    });
  }
  await buildCorpus(poems(), { out, base: fixtures });
  assert.equal(existsSync(building), false);
  assert.equal(existsSync(`${building}.lock`), false);
  assert.equal(existsSync(join(out, 'leftover')), false);
});

test('the report shows what is kept, and what the stages changed', async () => {
  const base = fresh();
  mkdirSync(base);
  const texts = ['春眠不觉晓，电话13800138000，处处闻啼鸟。', '臺灣的風景很美，夜來風雨聲。', '白日依山盡。'];
  writeFileSync(join(base, 'poems.jsonl'), texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  const stages = [{ use: 'language' }, { use: 'simplify' }, { use: 'personal-data' }];
  const { sources } = poems();
  const recipe = parseRecipe({ name: 'x', sources: [{ ...sources[0]!, paths: ['poems.jsonl'] }], stages });
  const { manifest, directory } = await buildCorpus(recipe, { out: fresh(), base });
  assert.deepEqual(
    manifest.stages.map(({ stage, changed }) => [stage, changed]),
    [
      ['read', undefined],
      ['language', undefined],
      ['simplify', 2],
      ['personal-data', 1],
    ],
  );
  assert.deepEqual(manifest.marks, { masked: { mobile: 1 }, script: { Hans: 1, Hant: 2 } });
  const page = readFileSync(join(directory, 'report.html'), 'utf8');
  assert.match(page, /保留的文本 What is kept.*台湾的风景很美/s);
  assert.match(page, /手机号 mobile number 1/);
});

test('bad input is a one-line error and leaves nothing behind', async () => {
  const base = fresh();
  mkdirSync(base);
  const attempt = async (
    content: string | Buffer,
    expected: { code: string; message: RegExp },
    name = 'poems.jsonl',
  ) => {
    const recipe = parseRecipe({ ...poems(), sources: [{ ...poems().sources[0], paths: [name] }] });
    writeFileSync(join(base, name), content);
    const out = fresh();
    await assert.rejects(buildCorpus(recipe, { out, base }), (error: Error & { code: string }) => {
      assert.equal(error.code, expected.code);
      assert.match(error.message, expected.message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
    assert.equal(existsSync(out) || existsSync(`${out}.building`), false);
  };
  const nothing = (message: RegExp) => ({ code: 'CORPUS_EMPTY', message });
  await attempt('{"text":"山"}\n{oops\n', nothing(/read not-json 1.*; first poems#1, line 2: /));
  await attempt('{"body":"山"}\n', nothing(/no field "text"; the record has: body: name the field/));
  await attempt('[\n {"text":"山"}\n]\n', nothing(/1 read, 1 dropped, rules too-short 1\)/));
  await attempt(Buffer.from(Array.from({ length: 9 }, (_, i) => i)), nothing(/^[^\p{Cc}]*read not-json 1[^\p{Cc}]*$/u));
  await attempt('["山"]\n["水"]\n', nothing(/read not-an-object 2/));
  await attempt('', { code: 'CORPUS_EMPTY', message: /leaves no document to train on \(0 read, 0 dropped\)/ });
  await attempt('{"text":"山"}\n', {
    code: 'CORPUS_EMPTY',
    message: /1 read, 1 dropped, rules too-short 1\); look/,
  });
  const frame = zstdFrame(Buffer.from('{"text":"山"}\n'));
  await attempt(frame.subarray(0, frame.length - 3), { code: 'CORPUS_TRUNCATED', message: /truncated/ }, 'a.jsonl.zst');
  const missing = { code: 'CORPUS_SOURCE_MISSING', message: /cannot read source .*poems\.jsonl/ };
  await assert.rejects(buildCorpus(poems(), { out: fresh(), base: fresh() }), missing);
});

test('a full disk and other limits of the system are named', () => {
  const error = writeProblem('/x/y', Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })) as Error;
  assert.match(error.message, /cannot write \/x\/y: the disk is full/);
  // /dev/full is a disk that is always full.
  const writer = new SpillWriter('/dev/full');
  writer.write(Buffer.from('山'));
  assert.throws(() => writer.finish(), { code: 'CORPUS_OUTPUT', message: /the disk is full/ });
});
