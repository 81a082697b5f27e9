/**
 * What the set-up prints: the language of `--lang`, else Chinese where the locale is Chinese, English elsewhere; one line per step with its seconds.
 *
 * Plain JavaScript on purpose: the set-up runs on whatever Node >= 18 is there, before any npm package exists, so it can
 * neither strip types nor import the command line's own language module (packages/cli/src/language.ts decides alike).
 */
import { argv, env, stdout } from 'node:process';

const asked = /(?:^| )--lang[ =](zh|en)(?: |$)/.exec(argv.slice(2).join(' '))?.[1];
const chinese = asked === 'zh' || (asked !== 'en' && /^zh/i.test(env.LC_ALL || env.LC_MESSAGES || env.LANG || ''));

/**
 * @param {string} english
 * @param {string} inChinese
 */
export function text(english, inChinese) {
  return chinese ? inChinese : english;
}

/** @param {string} line */
export function say(line) {
  stdout.write(`${line}\n`);
}

/** A failure that the reader can fix: printed as one message without a stack trace, exit code 1. */
export class SetupError extends Error {}

/** Between two lines of a long step where the output is no terminal. */
const LINE_MILLISECONDS = 10_000;

/**
 * Runs one step and prints its name, then its seconds. On a terminal the seconds tick; elsewhere a line comes every ten seconds, so
 * that a log shows that a long compile is alive.
 * @template T
 * @param {string} label
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(label, work) {
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
  const terminal = stdout.isTTY === true;
  if (!terminal) say(`  … ${label}`);
  const tick = terminal
    ? setInterval(() => stdout.write(`\r\x1b[K  … ${label}  ${seconds()} s`), 200)
    : setInterval(() => say(`  … ${label}  ${seconds()} s`), LINE_MILLISECONDS);
  const clear = () => {
    clearInterval(tick);
    if (terminal) stdout.write('\r\x1b[K');
  };
  try {
    const result = await work();
    clear();
    say(`  ✓ ${label}  ${seconds()} s`);
    return result;
  } catch (error) {
    clear();
    say(`  ✗ ${label}  ${seconds()} s`);
    throw error;
  }
}
