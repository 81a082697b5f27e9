/**
 * Checks that packages import each other only along the arrows of docs/architecture.md.
 *
 * The constitution below says which package may know which; each package.json declares the arrows that it really uses, and
 * must stay inside the constitution. Every import of a package is then either relative inside it, a `node:` module, or a
 * declared dependency through an entry of its `exports`. Programs outside the packages (tests, examples, bench, scripts)
 * may use any package, but only through its entries. Circles cannot pass: the constitution has none, which is checked too. Inside a
 * package the folders right below src/, and the files beside them, have none either, so that each can be read and tested alone.
 *
 * Imports are read with a real parser (type imports count); specifiers that are not literals are not seen.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { parseSync } from 'oxc-parser';

/** Package → what it may import directly. What those may import is open to it as well: a model hands out tensors. */
export const constitution: Readonly<Record<string, readonly string[]>> = {
  files: [],
  page: ['page/personal-data'],
  'page/personal-data': [],
  torch: ['files'],
  tokenizer: ['files', 'tokenizer/shards'],
  'tokenizer/shards': ['files'],
  protocol: ['protocol/client', 'protocol/mistakes', 'protocol/studies'],
  'protocol/client': ['files'],
  'protocol/mistakes': ['files'],
  'protocol/studies': ['files'],
  recipes: [],
  classifier: ['torch', 'tokenizer', 'classifier/proportion'],
  'classifier/proportion': [],
  corpus: ['page', 'tokenizer', 'classifier', 'files', 'protocol/mistakes'],
  model: ['torch', 'protocol/mistakes'],
  training: ['model', 'tokenizer/shards', 'files', 'protocol/mistakes'],
  inference: ['model', 'tokenizer', 'protocol/client'],
  applications: ['inference', 'protocol'],
  evaluation: [
    'applications',
    'inference',
    'training',
    'classifier/proportion',
    'page/personal-data',
    'protocol/client',
    'protocol/mistakes',
    'protocol/studies',
  ],
  api: ['applications', 'inference', 'protocol', 'classifier', 'page/personal-data'],
  playground: ['protocol'],
  gallery: ['protocol'],
  cli: ['api', 'corpus', 'evaluation', 'playground', 'gallery', 'recipes'],
};

const scope = '@tunan/';

interface Manifest {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly exports?: Record<string, unknown>;
}

interface Package {
  readonly name: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** One line per violation, each naming the file and what is wrong with it; empty when all arrows hold. */
export function checkArrows(root: string, arrows = constitution): string[] {
  const packages = readPackages(root);
  const rootManifest = readManifest(path.join(root, 'package.json'));
  const problems = findCircles(arrows);
  for (const one of packages.values()) {
    problems.push(...checkDeclarations(one, packages, arrows), ...checkRooms(root, one));
    for (const file of globSync('{src,bin,scripts}/**/*.{ts,tsx,mts,mjs}', { cwd: one.folder })) {
      problems.push(...checkFile(root, path.join(one.folder, file), one, packages, rootManifest, arrows));
    }
  }
  for (const file of globSync('{tests,examples,bench,scripts}/**/*.{ts,mjs}', { cwd: root })) {
    problems.push(...checkFile(root, path.join(root, file), undefined, packages, rootManifest, arrows));
  }
  return problems;
}

function readPackages(root: string): Map<string, Package> {
  const packages = new Map<string, Package>();
  for (const file of globSync(['packages/*/package.json', 'apps/*/package.json', 'recipes/package.json'], {
    cwd: root,
  })) {
    const manifest = readManifest(path.join(root, file));
    const name = manifest.name.slice(scope.length);
    packages.set(name, { name, folder: path.join(root, path.dirname(file)), manifest });
  }
  return packages;
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}

function findCircles(arrows: typeof constitution): string[] {
  return Object.keys(arrows)
    .filter((name) => (arrows[name] ?? []).some((next) => reachable(next, arrows).has(name)))
    .map((name) => `the constitution has a circle through ${name}`);
}

/** The package itself and all that it may know, followed to the end. */
function reachable(name: string, arrows: typeof constitution): Set<string> {
  const seen = new Set<string>();
  const visit = (next: string): void => {
    if (seen.has(next)) return;
    seen.add(next);
    for (const further of arrows[next] ?? []) visit(further);
  };
  visit(name);
  return seen;
}

/** Whether `from` may import `@tunan/<target>`, where target is a package or an entry that the constitution names. */
function mayImport(from: string, target: string, arrows: typeof constitution): boolean {
  const known = reachable(from, arrows);
  const [bare = target] = target.split('/');
  return target in arrows ? known.has(target) : known.has(bare);
}

function checkDeclarations(one: Package, packages: Map<string, Package>, arrows: typeof constitution): string[] {
  const place = `${path.basename(path.dirname(one.folder))}/${path.basename(one.folder)}/package.json`;
  if (!(one.name in arrows)) return [`${place}: ${one.name} has no place in the constitution`];
  const known = [...reachable(one.name, arrows)].map((target) => target.split('/')[0]);
  return declared(one).flatMap((target) => {
    if (!packages.has(target)) return [`${place}: depends on ${scope}${target}, which does not exist`];
    return known.includes(target) ? [] : [`${place}: ${one.name} → ${target} is not an arrow of the constitution`];
  });
}

function declared(one: Package): string[] {
  return Object.keys(one.manifest.dependencies ?? {})
    .filter((name) => name.startsWith(scope))
    .map((name) => name.slice(scope.length));
}

/** Circles among the rooms of a package: the folders below src/, and each file there. Tests may look into any room. */
function checkRooms(root: string, one: Package): string[] {
  const src = path.join(one.folder, 'src');
  const arrows: Record<string, string[]> = {};
  const places = new Map<string, string>();
  for (const file of globSync('**/*.{ts,tsx}', { cwd: src })) {
    if (/(^|\/)testing\/|\.test\.ts$/.test(file)) continue;
    const from = roomOf(file);
    for (const specifier of importsOf(path.join(src, file))) {
      const to = specifier.startsWith('.') ? roomOf(path.join(path.dirname(file), specifier)) : from;
      if (to === from || to === '..') continue;
      arrows[from] = [...(arrows[from] ?? []), to];
      places.set(`${from} ${to}`, file);
    }
  }
  const inCircle = [...places].filter(([arrow]) => {
    const [from = '', to = ''] = arrow.split(' ');
    return reachable(to, arrows).has(from);
  });
  if (inCircle.length === 0) return [];
  const said = inCircle.map(([arrow, file]) => `${arrow.replace(' ', ' → ')} (${file})`).sort();
  return [`${path.relative(root, src)}: folders in a circle: ${said.join(', ')}`];
}

function roomOf(file: string): string {
  return file.split(path.sep)[0]!;
}

function checkFile(
  root: string,
  file: string,
  owner: Package | undefined,
  packages: Map<string, Package>,
  rootManifest: Manifest,
  arrows: typeof constitution,
): string[] {
  const place = path.relative(root, file);
  return importsOf(file).flatMap((specifier) => {
    const problem = specifier.startsWith('.')
      ? checkRelative(file, specifier, owner, packages)
      : specifier.startsWith(scope)
        ? checkArrow(specifier.slice(scope.length), owner, packages, arrows)
        : checkExternal(specifier, file, owner, rootManifest);
    return problem === undefined ? [] : [`${place}: '${specifier}' ${problem}`];
  });
}

function checkRelative(
  file: string,
  specifier: string,
  owner: Package | undefined,
  packages: Map<string, Package>,
): string | undefined {
  const target = path.resolve(path.dirname(file), specifier);
  if (!existsSync(target)) return 'does not exist';
  const home = [...packages.values()].find((one) => target.startsWith(one.folder + path.sep));
  return home === owner ? undefined : 'reaches over the wall of its package; import by package name';
}

function checkArrow(
  target: string,
  owner: Package | undefined,
  packages: Map<string, Package>,
  arrows: typeof constitution,
): string | undefined {
  const [name = target, ...rest] = target.split('/');
  const entry = ['.', ...rest].join('/');
  const found = packages.get(name);
  if (found === undefined) return 'is no package of this repository';
  if (!isExported(entry, found.manifest)) return `is a deep import: ${scope}${name} does not export it`;
  if (owner === undefined || owner === found) return undefined;
  if (!mayImport(owner.name, target, arrows)) return `is not an arrow of the constitution (${owner.name} → ${target})`;
  return declared(owner).includes(name) ? undefined : `is not declared in the dependencies of ${owner.manifest.name}`;
}

function isExported(entry: string, manifest: Manifest): boolean {
  return Object.keys(manifest.exports ?? {}).some((pattern) => {
    const [head = '', tail] = pattern.split('*');
    return tail === undefined ? entry === pattern : entry.startsWith(head) && entry.endsWith(tail);
  });
}

/** Packages name what they ship with; what is never packed (tests, their helpers, scripts) may use the root's development tools. */
function checkExternal(
  specifier: string,
  file: string,
  owner: Package | undefined,
  rootManifest: Manifest,
): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  if (isBuiltin(specifier)) return 'must be written with node:';
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const tools = owner === undefined || isNeverPacked(file, owner) ? rootManifest.devDependencies : undefined;
  const names = { ...owner?.manifest.dependencies, ...tools };
  return name in names ? undefined : `is not declared in the dependencies of ${owner?.manifest.name ?? 'the root'}`;
}

function isNeverPacked(file: string, { folder }: Package): boolean {
  const [top, ...rest] = path.relative(folder, file).split(path.sep);
  return file.endsWith('.test.ts') || top === 'scripts' || (top === 'src' && rest.includes('testing'));
}

/** All module specifiers of one file: imports, re-exports and dynamic imports of a literal, types included. */
function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const { module, errors } = parseSync(file, source);
  if (errors[0] !== undefined) throw new SyntaxError(`${file}: ${errors[0].message}`);
  const specifiers = [
    ...module.staticImports.map((found) => found.moduleRequest.value),
    ...module.staticExports.flatMap((found) => found.entries.map((entry) => entry.moduleRequest?.value)),
    ...module.dynamicImports.map((found) => literal(source.slice(found.moduleRequest.start, found.moduleRequest.end))),
  ];
  return [...new Set(specifiers.filter((specifier) => specifier !== undefined))];
}

function literal(expression: string): string | undefined {
  return /^(['"])(.*)\1$/.exec(expression)?.[2];
}

if (import.meta.main) {
  const problems = checkArrows(path.resolve(import.meta.dirname, '..'));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
