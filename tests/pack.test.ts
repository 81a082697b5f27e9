/**
 * What is published works where it is installed: all tarballs in an empty project, the packages of others from npm.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '..');
const project = mkdtempSync(path.join(tmpdir(), 'tunan-installed-'));
after(() => rmSync(project, { recursive: true }));

// `npm test` tells its children where its own project is, which an npm in another folder must not hear; and `npx` must find
// the pinned Node first.
const environment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD|NODE_TEST_CONTEXT)/i.test(name)),
);
environment.PATH = [path.dirname(process.execPath), process.env.PATH].join(path.delimiter);
environment.npm_config_yes = 'false'; // a command that is not installed must not be asked of the registry

function run(command: string, args: readonly string[], cwd = project): string {
  return execFileSync(command, args, { cwd, env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

test('all tarballs install in an empty project', () => {
  const tarballs = run(process.execPath, ['scripts/pack.ts', '--out', path.join(project, 'tarballs')], root)
    .trim()
    .split('\n');
  assert.ok(tarballs.length >= 10);
  writeFileSync(path.join(project, 'package.json'), '{"private":true,"type":"module"}');
  run('npm', ['install', '--no-audit', '--no-fund', ...tarballs]);
  const typescript = globSync('node_modules/@tunan/**/*.ts', { cwd: project }).filter(
    (file) => !file.endsWith('.d.ts'),
  );
  assert.deepEqual(typescript, []);
});

test('page reads a page where nothing else of tunan is installed', () => {
  const alone = path.join(project, 'page-alone');
  mkdirSync(alone);
  writeFileSync(path.join(alone, 'package.json'), '{"private":true,"type":"module"}');
  const [tarball] = globSync('tarballs/tunan-page-*.tgz', { cwd: project });
  run('npm', ['install', '--no-audit', '--no-fund', path.join(project, tarball!)], alone);
  assert.deepEqual(globSync('node_modules/@tunan/*', { cwd: alone }), [path.join('node_modules', '@tunan', 'page')]);
  const file = path.join(root, 'tests/fixtures/pages/traditional.html');
  writeFileSync(
    path.join(alone, 'read.js'),
    `import { readFileSync } from 'node:fs';
import { decodePage, extractPage, isRejection, repairText } from '@tunan/page';
const { text, encoding } = decodePage(readFileSync(${JSON.stringify(file)}));
const page = extractPage(text);
const damaged = new TextDecoder('windows-1252').decode(Buffer.from(page.body));
const { body, repaired } = repairText(damaged, page.title);
console.log(JSON.stringify({ encoding, same: body === page.body, length: body.length, repaired }));
console.log(isRejection(decodePage(Buffer.from('%PDF-1.7'))));`,
  );
  const [answer = '', binary] = run(process.execPath, ['read.js'], alone).trim().split('\n');
  const { length, ...rest } = JSON.parse(answer) as { length: number };
  assert.deepEqual(rest, { encoding: 'utf-8', same: true, repaired: ['charset'] });
  assert.ok(length > 100);
  assert.equal(binary, 'true');
});

test('tunan doctor passes there', () => {
  const report = JSON.parse(run('npx', ['tunan', 'doctor', '--json']).trim().split('\n').at(-1) ?? '') as {
    ok: boolean;
  };
  assert.equal(report.ok, true);
});

test('the page of a server is there, built, with all that it needs', () => {
  const told = run(process.execPath, [
    '-e',
    "import('@tunan/playground').then(async (m) => console.log(await m.pageFolder()))",
  ]);
  const folder = told.trim();
  assert.ok(folder.startsWith(path.join(project, 'node_modules')), folder);
  const html = readFileSync(path.join(folder, 'index.html'), 'utf8');
  for (const [, file = ''] of html.matchAll(/(?:src|href)="\.\/(page\/[^"]+)"/g))
    assert.ok(readFileSync(path.join(folder, file)).length > 0, file);
});

test('every command loads there', () => {
  const commands = run('npx', ['tunan', '--help']).match(/^ {2}[a-z]+ ?[a-z]*(?= {2,}\S)/gm) ?? [];
  assert.ok(commands.length >= 10);
  // All in one process: each of its own would take half a minute. The commands are what the help tells.
  const program = `import { glob } from 'node:fs/promises';
for await (const file of glob('node_modules/@tunan/cli/dist/commands/**/*.js')) {
  const { default: command } = await import(process.cwd() + '/' + file);
  if (typeof command?.run === 'function') console.log(file);
}`;
  const loaded = run(process.execPath, ['--input-type=module', '-e', program]).trim().split('\n');
  assert.ok(loaded.length >= commands.length, `${loaded.length} of ${commands.length}`);
  assert.match(run('npx', ['tunan', 'eval', 'run', '--help']), /tunan eval run/);
});

test('example 03 runs there', () => {
  const [example] = globSync('examples/03-*.ts', { cwd: root });
  assert.ok(example, 'examples/03-*.ts is missing');
  const source = readFileSync(path.join(root, example), 'utf8');
  writeFileSync(path.join(project, 'example.js'), stripTypeScriptTypes(source));
  assert.notEqual(run(process.execPath, ['example.js']), '');
});

test('the declarations satisfy the compiler', () => {
  writeFileSync(
    path.join(project, 'use.ts'),
    "import { tensor } from '@tunan/torch';\nexport const two: number = tensor([2]).item();\n",
  );
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--lib',
    'es2024,esnext.disposable',
  ];
  const types = ['--types', 'node', '--typeRoots', path.join(root, 'node_modules/@types')];
  run(path.join(root, 'node_modules/.bin/tsc'), [...options, ...types, 'use.ts']);
});
