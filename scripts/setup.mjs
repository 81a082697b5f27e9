/**
 * Prepares a checkout: npm packages, the pinned Node, compiler tools and libtorch, the compiled addon.
 *
 * Runs on any Node >= 18 with nothing installed. It lists what it is going to do before it does it, and costs a fraction of
 * a second when everything is there: a stamp, keyed by the lock file and the native sources, says so, and the files that
 * matter are looked at. System packages are installed only on Debian and Ubuntu as root; elsewhere the command is printed.
 *
 * `node scripts/setup.mjs [--test]` — with --test also what the browser tests need.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { argv, env, execPath, exit, getuid, stderr } from 'node:process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import {
  buildTools,
  debianLibtorch,
  debianTestPackages,
  libtorch,
  missingDebianPackages,
  npmPackagesInstalled,
  onDebian,
  pinnedNode,
  pinnedNodeVersion,
  pinnedNodeWorks,
  root,
} from './setup/probe.mjs';
import { SetupError, say, step, text } from './setup/say.mjs';

const stampFile = path.join(root, 'node_modules/.tunan-setup');
const logFile = path.join(root, 'build/setup.log');
const nativeFolders = ['packages/torch/native', 'packages/torch/src/build'];

/**
 * Everything `npm run …` needs, done once.
 * @param {{ tests?: boolean }} [wanted]
 */
async function ensureSetup({ tests = false } = {}) {
  const key = stampKey();
  if (stampHolds(key, tests)) return;
  const plan = planSetup(tests);
  announce(plan);
  mkdirSync(path.dirname(logFile), { recursive: true });
  writeFileSync(logFile, '');
  await carryOut(plan);
  const artifacts = await buildAddon();
  writeFileSync(stampFile, JSON.stringify({ key, tests, artifacts }));
}

/** @returns {string} */
function stampKey() {
  const hash = createHash('sha256');
  hash.update(readFileSync(path.join(root, 'package-lock.json')));
  hash.update(env.TUNAN_LIBTORCH ?? '');
  for (const folder of nativeFolders) {
    for (const file of filesBelow(path.join(root, folder))) hash.update(file).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const place = path.join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(place) : [place];
    });
}

/**
 * @param {string} key
 * @param {boolean} tests
 */
function stampHolds(key, tests) {
  if (!existsSync(stampFile)) return false;
  const stamp = JSON.parse(readFileSync(stampFile, 'utf8'));
  if (stamp.key !== key || (tests && !stamp.tests)) return false;
  return [pinnedNode, ...stamp.artifacts].every((file) => existsSync(file)) && npmPackagesInstalled();
}

/** @param {boolean} tests */
function planSetup(tests) {
  const tools = buildTools();
  const engine = libtorch();
  /** @type {string[]} */
  const system = [];
  if (!tools.compiler) system.push('g++');
  if (!tools.cmake) system.push('cmake');
  if (!tools.make) system.push('make');
  if (onDebian() && (engine === undefined || engine.source === 'system')) {
    system.push(...missingDebianPackages(debianLibtorch));
  } else if (engine === undefined) {
    system.push('libtorch');
  }
  return {
    packages: !npmPackagesInstalled(),
    node: !pinnedNodeWorks(),
    system,
    forTests: tests && onDebian() ? missingDebianPackages(debianTestPackages) : [],
    engine,
  };
}

/** @typedef {ReturnType<typeof planSetup>} Plan */

/** @param {Plan} plan */
function announce(plan) {
  const lines = [];
  const debian = [...plan.system, ...plan.forTests];
  if (debian.length > 0) lines.push(`${text('system packages', '系统软件包')}: ${debian.join(' ')}`);
  if (plan.packages) lines.push(text('npm packages of package-lock.json', 'package-lock.json 中的 npm 软件包'));
  if (plan.node) {
    lines.push(
      text(`Node ${pinnedNodeVersion()}, for this project only`, `Node ${pinnedNodeVersion()}（仅供本项目使用）`),
    );
  }
  const engine = plan.engine ? `${plan.engine.source} (${plan.engine.place})` : "Debian's libtorch-dev";
  lines.push(
    text(`the libtorch addon, compiled once against: ${engine}`, `编译一次 libtorch 扩展，所用 libtorch：${engine}`),
  );
  say(text('tunan set-up. What will be done:', 'tunan 环境准备，将要进行：'));
  for (const line of lines) say(`  • ${line}`);
  say('');
}

/** @param {Plan} plan */
async function carryOut(plan) {
  const mayInstall = onDebian() && getuid?.() === 0;
  if (plan.system.length > 0 && !mayInstall) throw new SetupError(installByHand(plan.system));
  const debian = mayInstall ? [...plan.system, ...plan.forTests] : plan.system;
  if (debian.length > 0) {
    const options = ['install', '-y', '--no-install-recommends'];
    await step(text('package lists (apt-get update)', '软件包列表（apt-get update）'), () =>
      logged('apt-get', ['update']),
    );
    await step(`apt-get install ${debian.join(' ')}`, () => logged('apt-get', [...options, ...debian]));
  }
  if (plan.forTests.length > 0 && !mayInstall) {
    say(
      text('  ! the browser tests will be skipped; they need: ', '  ! 浏览器测试将被跳过，它需要：') +
        plan.forTests.join(' '),
    );
  }
  if (plan.packages) await step('npm ci', () => logged('npm', ['ci', '--no-audit', '--no-fund']));
  if (!pinnedNodeWorks()) await step(`Node ${pinnedNodeVersion()}`, fetchPinnedNode);
  if (!npmPackagesInstalled())
    await step(text('npm packages that need the newer Node', '需要新版 Node 的 npm 软件包'), completePackages);
}

/** npm may be told not to run install scripts (npm 12, or ignore-scripts): then the package's own script is run here. */
async function fetchPinnedNode() {
  const place = path.join(root, 'node_modules/node');
  await logged(execPath, ['installArchSpecificPackage.js'], place);
  // npm links only commands that exist, and this one did not when it linked.
  if (!existsSync(pinnedNode)) symlinkSync(path.join('..', 'node', 'bin', 'node'), pinnedNode);
  if (!pinnedNodeWorks()) throw new SetupError(failure(`Node ${pinnedNodeVersion()}`));
}

/** npm on an older Node leaves out, without a word, optional binaries that ask for a newer one: npm on the pinned Node adds them. */
async function completePackages() {
  await logged('npm', ['install', '--no-save', '--no-audit', '--no-fund'], root, [path.dirname(pinnedNode)]);
  if (!npmPackagesInstalled()) throw new SetupError(failure('npm install'));
}

/** @param {string[]} missing */
function installByHand(missing) {
  if (onDebian()) {
    const command = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`;
    return text(
      `These system packages are missing; run this, then try again:\n  ${command}`,
      `缺少系统软件包，请先运行：\n  ${command}`,
    );
  }
  const lacks = missing.join(', ');
  const command =
    process.platform === 'darwin'
      ? 'xcode-select --install; brew install cmake pytorch'
      : "sudo dnf install gcc-c++ cmake make && python3 -m pip install 'torch>=2.4'";
  return text(
    `Missing: ${lacks}. Install them, for example:\n  ${command}\nA libtorch unpacked elsewhere is named by TUNAN_LIBTORCH=<folder>.`,
    `缺少：${lacks}。请先安装，例如：\n  ${command}\n已另行解压的 libtorch 可用 TUNAN_LIBTORCH=<目录> 指定。`,
  );
}

/** Compiles the addon where it is not yet; returns the files whose loss makes the stamp void. */
async function buildAddon() {
  const entry = path.join(root, 'packages/torch/src/build/main.ts');
  const child = spawn(pinnedNode, [entry], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const events = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await nextEvent(events);
  const last =
    first?.event === 'compiling'
      ? await step(compiling(first), () => nextEvent(events).then(finished))
      : finished(first);
  await ended;
  say(`  ${text(`addon for libtorch ${last.version}`, `libtorch ${last.version} 的扩展`)}: ${last.path}`);
  return [last.path];
}

/**
 * @param {AsyncIterator<string>} lines
 * @returns {Promise<Record<string, string> | undefined>}
 */
async function nextEvent(lines) {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
}

/** @param {Record<string, string>} event */
function compiling({ version, source, libraries }) {
  const place = `libtorch ${version} (${source}, ${libraries})`;
  return text(`the addon, compiled against ${place}; one to five minutes`, `针对 ${place} 编译扩展，约需一至五分钟`);
}

/**
 * @param {Record<string, string> | undefined} event the last one of a build
 * @returns {Record<string, string>}
 */
function finished(event) {
  if (event?.event === 'ready') return event;
  const said = event === undefined ? '' : `: ${text(event.message ?? '', event.chinese ?? '')}`;
  throw new SetupError(text('the libtorch addon could not be built', 'libtorch 扩展编译失败') + said);
}

/**
 * Runs a command with its output in the log, and without node_modules/.bin in PATH: `npm ci` removes the very Node that an
 * `npm run` has put there.
 * @param {string} command
 * @param {string[]} args
 * @param {string} [folder]
 * @param {string[]} [first] folders to look for commands in before all others
 */
async function logged(command, args, folder = root, first = []) {
  const search = (env.PATH ?? '').split(path.delimiter);
  const others = search.filter((place) => !place.endsWith(path.join('node_modules', '.bin')));
  const log = openSync(logFile, 'a');
  writeSync(log, `\n$ ${[command, ...args].join(' ')}\n`);
  try {
    const code = await new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: folder,
        env: { ...env, PATH: [...first, ...others].join(path.delimiter), DEBIAN_FRONTEND: 'noninteractive' },
        stdio: ['ignore', log, log],
      });
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new SetupError(failure([command, ...args].join(' ')));
  } finally {
    closeSync(log);
  }
}

/**
 * One message with what the last command in the log said: npm puts the reason first, apt and compilers put it last.
 * @param {string} what
 */
function failure(what) {
  const heard = readFileSync(logFile, 'utf8').split('\n$ ').at(-1) ?? '';
  const lines = heard
    .trimEnd()
    .split('\n')
    .slice(1)
    .filter((line) => !line.startsWith('npm warn'));
  const shown = (lines.length > 12 ? [...lines.slice(0, 6), '…', ...lines.slice(-6)] : lines).join('\n    ');
  return text(`${what} failed; the log is ${logFile}:\n    ${shown}`, `${what} 失败；日志 ${logFile}：\n    ${shown}`);
}

/**
 * Runs the set-up for a script; a lack is one message and exit code 1.
 * @param {{ tests?: boolean }} [wanted]
 */
export async function setupOrExit(wanted) {
  try {
    await ensureSetup(wanted);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    stderr.write(`${text('error', '错误')}: ${error.message}\n`);
    exit(1);
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  await setupOrExit({ tests: argv.includes('--test') });
  say(text('Ready. Try: npm run tunan -- --help', '准备完毕。试试：npm run tunan -- --help'));
}
