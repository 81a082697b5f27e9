/** `model tokenizer` on models of some kilobytes of both families. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LanguageModel, type ModelConfigInput, StoredWeights } from '@tunan/model';
import { Tokenizer, trainBpe, vocabularyPieces } from '@tunan/tokenizer';

const binary = fileURLToPath(new URL('../../bin/tunan.mjs', import.meta.url));
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-model-tokenizer 词表-'));
after(() => rmSync(home, { recursive: true }));
const at = (...names: string[]) => path.join(home, ...names);

const VERSES = ['床前明月光，疑是地上霜。', '举头望明月，低头思故乡。', '白日依山尽，黄河入海流。'];
const MORE = Array.from({ length: 6 }, () => '千山鸟飞绝，万径人踪灭。孤舟蓑笠翁，独钓寒江雪。').join('\n');
const old = Tokenizer.fromFile(await trainBpe(VERSES, { vocabularySize: 270 }));
old.save(at('tokenizer.json'));
const other = Tokenizer.fromFile(await trainBpe([MORE], { vocabularySize: 290, specials: ['<pad>', '<eod>'] }));
other.save(at('other.json'));
writeFileSync(at('more.txt'), MORE);
const shared = { vocabularySize: 320, contextLength: 96, layers: 1, width: 16, heads: 2, dropout: 0, initStd: 0.2 };
const families: Record<string, ModelConfigInput> = {
  gpt2: { ...shared, endOfDocumentId: old.eod },
  llama: { ...shared, family: 'llama', tiedHead: false, endOfDocumentId: old.eod },
};
for (const [name, config] of Object.entries(families)) {
  using model = LanguageModel.create(config, { seed: 1 });
  model.save(at(name), { tokenizerFile: at('tokenizer.json') });
}

function tunan(args: readonly string[]) {
  const { LC_MESSAGES: _, ...env } = process.env;
  const options = { encoding: 'utf8', env: { ...env, LC_ALL: 'C', TUNAN_THREADS: '1' } } as const;
  return spawnSync(process.execPath, [binary, 'model', 'tokenizer', ...args], options);
}

/** Rows of the embedding, or of the head. */
function rowsOf(directory: string, name: string): number[][] {
  using weights = StoredWeights.open(directory);
  const found = weights.names().find((one) => one.includes(name))!;
  using tensor = weights.get(found);
  const [rows, width] = tensor.shape as [number, number];
  const values = [...(tensor.toArray() as Float32Array)];
  return Array.from({ length: rows }, (_, row) => values.slice(row * width, (row + 1) * width));
}

test('new tokens have the mean of their pieces, in the embedding and the head, of both families', () => {
  const wanted = { gpt2: ['wte'], llama: ['embed_tokens', 'lm_head'] };
  for (const [family, names] of Object.entries(wanted)) {
    const made = tunan([
      at(family),
      '--extend',
      at('more.txt'),
      '--tokens',
      '55',
      '--out',
      at(`${family}-more`),
      '--json',
    ]);
    assert.equal(made.status, 0, made.stderr);
    const { before, after, rows, loss } = JSON.parse(made.stdout);
    assert.deepEqual([before, after, rows], [270, 325, 384]);
    assert.ok(loss.after.tokens < loss.before.tokens && Number.isFinite(loss.after.bitsPerCharacter));
    const next = Tokenizer.load(at(`${family}-more`));
    const pieces = vocabularyPieces(old, next);
    for (const name of names) {
      const [from, to] = [rowsOf(at(family), name), rowsOf(at(`${family}-more`), name)];
      assert.deepEqual(to.slice(0, 270), from.slice(0, 270));
      pieces.slice(270).forEach((ids, i) => {
        const mean = from[0]!.map((_, c) => ids.reduce((sum, id) => sum + from[id]![c]!, 0) / ids.length);
        to[270 + i]!.forEach((value, c) => {
          assert.ok(Math.abs(value - mean[c]!) < 1e-6);
        });
      });
    }
  }
});

test('another tokenizer keeps what both know, and its own end of a text', () => {
  const made = tunan([
    at('llama'),
    '--exchange',
    at('other.json'),
    '--measure',
    at('more.txt'),
    '--out',
    at('llama-other'),
  ]);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /290 tokens \(270 before\)/);
  using model = LanguageModel.load(at('llama-other'));
  assert.equal(model.config.endOfDocumentId, other.eod);
  const [from, to] = [rowsOf(at('llama'), 'embed_tokens'), rowsOf(at('llama-other'), 'embed_tokens')];
  assert.deepEqual(to[other.eod], from[old.eod]);
  const [sign] = [...other.encode('，')];
  assert.deepEqual(to[sign!], from[[...old.encode('，')][0]!]);
});

test('what makes no sense is refused before anything is written', () => {
  const both = tunan([at('gpt2'), '--extend', at('more.txt'), '--exchange', at('other.json'), '--out', at('none')]);
  assert.equal(both.status, 2);
  assert.match(both.stderr, /give one of --extend and --exchange/);
  const many = tunan([at('gpt2'), '--extend', at('more.txt'), '--tokens', '5000', '--out', at('none')]);
  assert.equal(many.status, 1);
  assert.match(many.stderr, /vocabulary of at most \d+ tokens, not 5270/);
  assert.ok(!existsSync(at('none')));
});
