import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commandTable } from './command-table.ts';
import { errorMessage } from './error-message.ts';
import { commandHelp } from './help.ts';

const binary = fileURLToPath(new URL('../bin/tunan.mjs', import.meta.url));

function tunan(args: readonly string[], locale = 'C'): { status: number | null; stdout: string; stderr: string } {
  const { LC_MESSAGES: _, ...env } = process.env;
  const options = { encoding: 'utf8', env: { ...env, LC_ALL: locale } } as const;
  return spawnSync(process.execPath, [binary, ...args], options);
}

test('--help lists every command, --version prints the version', () => {
  const { status, stdout } = tunan(['--help']);
  assert.equal(status, 0);
  for (const { name } of commandTable) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
  assert.match(tunan(['--version']).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('every command has a help with its own example', async () => {
  for (const entry of commandTable) {
    const help = commandHelp(entry, await entry.load());
    assert.match(help, new RegExp(`\n  (.*\\| )?tunan ${entry.name}`));
  }
});

test('messages are Chinese in a Chinese locale', () => {
  const { stdout } = tunan(['--help'], 'zh_CN.UTF-8');
  assert.match(stdout, /用法：tunan/);
  const { status, stderr } = tunan(['nothing'], 'zh_CN.UTF-8');
  assert.equal(status, 2);
  assert.match(stderr, /^错误：未知命令“nothing”\n参见：tunan --help\n$/);
});

test('--lang decides before the locale, and takes no other language', () => {
  assert.match(tunan(['--lang', 'zh', '--help']).stdout, /用法：tunan/);
  assert.match(tunan(['doctor', '--lang=en', '--help'], 'zh_CN.UTF-8').stdout, /^Usage: tunan doctor/m);
  const { status, stderr } = tunan(['doctor', '--lang', 'fr']);
  assert.equal(status, 2);
  assert.match(stderr, /^error: --lang is one of zh, en, not 'fr'\n/);
});

test('an unknown command names the one that was probably meant', () => {
  const hints: [string[], string][] = [
    [['corpsu', 'build'], 'unknown command \'corpsu\'; did you mean "tunan corpus build"?'],
    [['finetune'], 'unknown command \'finetune\'; did you mean "tunan train tune"?'],
    [['clean'], 'unknown command \'clean\'; did you mean "tunan corpus clean"?'],
    [['corpus', 'biuld'], 'did you mean "corpus build"?'],
    [['doctor', '--jsno'], 'unknown option --jsno; did you mean "--json"?'],
  ];
  for (const [argv, hint] of hints) {
    const { stderr } = tunan(argv);
    assert.ok(stderr.includes(hint), stderr);
  }
});

test('what the system refuses is told in words, in both languages, with the path', () => {
  let refused: unknown;
  try {
    mkdirSync(join(binary, 'inside'));
  } catch (error) {
    refused = error;
  }
  const { en, zh } = errorMessage(refused);
  assert.match(en, /tunan\.mjs\/inside: a part of the path is a file, not a folder/);
  assert.match(zh ?? '', /tunan\.mjs\/inside：路径中有一段是文件而不是目录（ENOTDIR）$/);
});

test('a command line that cannot be read: one line, a hint, exit code 2', () => {
  const unknown = tunan(['doctor', '--nothing']);
  assert.equal(unknown.status, 2);
  assert.equal(unknown.stderr, 'error: unknown option --nothing\nsee: tunan doctor --help\n');
  assert.equal(tunan([]).status, 2);
});
