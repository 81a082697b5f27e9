/**
 * Packs every workspace into a tarball of built JavaScript: `npm run pack:all -- --out DIR`.
 *
 * In the checkout `exports` and `bin` lead to TypeScript; Node refuses to strip types inside node_modules, so what is
 * installed must be JavaScript. Everything is staged in a temporary folder, the checkout stays as it is: one tsc run builds
 * all packages (src/ → dist/, same depth, so that `new URL('../native', import.meta.url)` holds), files that are no
 * TypeScript travel along, and package.json is rewritten; a package that Vite builds (vite.config.ts) is one of built files alone, with all
 * that they need in them; publint looks whether each entry is there and well formed.
 * See docs/decisions/0006-packing.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const OLDEST_NODE = '>=24';
/** What only the checkout needs: tests with their stored numbers, build output, what npm installs. */
const notPacked = [
  'scripts/**', // what made data that stands in src/
  '**/*.test.ts',
  '**/golden/**',
  '**/fixtures/**',
  '**/node_modules/**',
  '**/dist/**',
  '**/build/**/*.node',
];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** Packs all workspaces into `out` and returns the tarballs' paths. */
function packAll(out: string): string[] {
  mkdirSync(out, { recursive: true });
  const stage = mkdtempSync(path.join(tmpdir(), 'tunan-pack-'));
  try {
    build(stage);
    return workspaceFolders().map((folder) => packOne(folder, stage, out));
  } finally {
    rmSync(stage, { recursive: true });
  }
}

function workspaceFolders(): string[] {
  const { workspaces } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { workspaces: string[] };
  return globSync(
    workspaces.map((pattern) => `${pattern}/package.json`),
    { cwd: root },
  )
    .map((file) => path.dirname(file))
    .sort();
}

/** Compiles the sources of all packages at once, for they see each other's types. */
function build(stage: string): void {
  const config = path.join(stage, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: path.join(root, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        rewriteRelativeImportExtensions: true,
        rootDir: root,
        outDir: path.join(stage, 'built'),
        typeRoots: [path.join(root, 'node_modules/@types')],
      },
      include: [path.join(root, 'packages/*/src')],
      exclude: ['*.test.ts', 'testing/**'].map((name) => path.join(root, 'packages/*/src/**', name)),
    }),
  );
  execFileSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', config], { stdio: ['ignore', 'inherit', 'inherit'] });
}

function packOne(folder: string, stage: string, out: string): string {
  const source = path.join(root, folder);
  const target = path.join(stage, 'packages', folder);
  mkdirSync(target, { recursive: true });
  const isPage = existsSync(path.join(source, 'vite.config.ts'));
  if (isPage) execFileSync(process.execPath, [path.join(source, 'scripts/build-page.ts'), path.join(target, 'dist')]);
  const built = path.join(stage, 'built', folder, 'src');
  for (const file of globSync('**/*.{js,d.ts}', { cwd: built }))
    copy(path.join(built, file), path.join(target, 'dist', file));
  for (const file of globSync('**/*.*', { cwd: source, exclude: notPacked })) {
    const isSource = file.startsWith(`src${path.sep}`) && (isPage || file.endsWith('.ts'));
    if (file === 'package.json' || isSource) continue;
    copy(path.join(source, file), path.join(target, file.replace(/^src(?=[\\/])/, 'dist')));
  }
  copy(path.join(root, 'LICENSE'), path.join(target, 'LICENSE'));
  const manifest = JSON.parse(readFileSync(path.join(source, 'package.json'), 'utf8')) as Manifest;
  writeFileSync(
    path.join(target, 'package.json'),
    `${JSON.stringify(publishedManifest(manifest, isPage), undefined, 2)}\n`,
  );
  requirePublishable(target);
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', out], { cwd: target, encoding: 'utf8' });
  const [packed] = JSON.parse(printed) as { filename: string }[];
  if (packed === undefined) throw new Error(`npm pack made nothing of ${folder}`);
  return path.join(out, packed.filename);
}

/** @throws what publint finds: an entry that leads nowhere, declarations of another kind than the code */
function requirePublishable(folder: string): void {
  const publint = path.join(root, 'node_modules/.bin/publint');
  const { status, stdout } = spawnSync(publint, ['run', '--strict', '--pack', 'false', folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`publint refuses ${folder}\n${stdout}`);
}

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
}

/** The manifest with entries that lead to dist/, and without what only the checkout uses: of a page, what is built in. */
function publishedManifest({ scripts, devDependencies, ...whole }: Manifest, isPage: boolean): object {
  const { dependencies, ...bare } = whole;
  const manifest: Manifest = isPage ? bare : whole;
  const entries = Object.entries(manifest.exports ?? {}).filter(([entry]) => !entry.startsWith('./testing/'));
  const exports = entries.map(([entry, target]) => {
    const built = /^\.\/src\/(.*)\.ts$/.exec(target)?.[1];
    if (built === undefined) return [entry, target];
    return [entry, { types: `./dist/${built}.d.ts`, default: `./dist/${built}.js` }];
  });
  return { ...manifest, engines: { node: OLDEST_NODE }, exports: Object.fromEntries(exports) };
}

const { values } = parseArgs({ options: { out: { type: 'string' } } });
if (values.out === undefined) {
  console.error('usage: npm run pack:all -- --out DIR');
  process.exitCode = 2;
} else {
  for (const tarball of packAll(path.resolve(values.out))) console.log(tarball);
}
