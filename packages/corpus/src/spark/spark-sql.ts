/**
 * Runs SQL scripts with the `spark-sql` of a stock Apache Spark: that of SPARK_HOME, else the first on the PATH. What
 * Spark prints goes to a log; a mistake that a stage program found is told as it would be in a local build.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answersSignals } from '@tunan/files';
import { type CarriedError, CorpusError, unpackError } from '../errors.ts';
import { failurePath } from './job.ts';

export interface SparkCommand {
  /** Master URL; what Spark's own configuration says where absent. */
  master: string | undefined;
  /** What Spark prints, of all scripts of a build. */
  log: string;
  /** The job file, beside which a stage program leaves its error. */
  job: string;
}

/** Settings that the scripts rely on: tables live for one session, and text is plain bytes without Hive's escapes. */
const SETTINGS = {
  'spark.sql.catalogImplementation': 'in-memory',
  'spark.sql.ansi.enabled': 'true',
  'spark.ui.showConsoleProgress': 'false',
};

/** @throws CorpusError CORPUS_SPARK where Spark is not found or a script fails, or the error of a stage program */
export async function runSparkSql(name: string, script: string, folder: string, command: SparkCommand): Promise<void> {
  const program = findSparkSql();
  const owner = ownerPath(folder);
  const file = join(folder, `${name}.sql`);
  writeFileSync(file, script);
  rmSync(failurePath(command.job), { force: true });
  const settings = {
    ...SETTINGS,
    'spark.app.name': `tunan corpus: ${name}`,
    'spark.sql.warehouse.dir': `file://${folder}/warehouse`,
  };
  const args = [
    ...(command.master === undefined ? [] : ['--master', command.master]),
    ...Object.entries(settings).flatMap(([key, value]) => ['--conf', `${key}=${value}`]),
    '-f',
    file,
  ];
  const log = openSync(command.log, 'a');
  try {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', log, log] });
    if (child.pid !== undefined) writeFileSync(owner, `${child.pid}\n`);
    const code = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve(status ?? signal ?? 'no status'));
    });
    if (code !== 0) throw failure(name, code, command);
  } finally {
    closeSync(log);
    rmSync(owner, { force: true });
  }
}

const LOOK_MILLISECONDS = 500;

/** Waits for the Spark of a build that was killed: it goes on by itself, and writes where the next one would. */
export async function sparkOfKilledBuild(folder: string): Promise<void> {
  const owner = ownerPath(folder);
  const pid = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : 0;
  while (pid > 0 && answersSignals(pid) && commandOf(pid).includes(folder)) await sleep(LOOK_MILLISECONDS);
  rmSync(owner, { force: true });
}

function ownerPath(folder: string): string {
  return join(folder, 'spark.pid');
}

/** The command line of a process: its number may be that of another one by now. */
function commandOf(pid: number): string {
  if (!existsSync('/proc/self/cmdline')) {
    return spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''; // it has just ended
    throw error;
  }
}

/** The path of spark-sql. @throws CorpusError CORPUS_SPARK */
export function findSparkSql(environment: NodeJS.ProcessEnv = process.env): string {
  const home = environment.SPARK_HOME;
  const folders = home === undefined || home === '' ? (environment.PATH ?? '').split(delimiter) : [join(home, 'bin')];
  const found = folders.map((folder) => join(folder, 'spark-sql')).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const where = home === undefined || home === '' ? 'PATH' : `SPARK_HOME (${home})`;
  throw new CorpusError('CORPUS_SPARK', {
    en: `there is no spark-sql in ${where}; install Apache Spark (pip install pyspark has it, in its folder pyspark) and set SPARK_HOME, or leave --runner spark out`,
    zh: `${where} 中没有 spark-sql；请安装 Apache Spark（pip install pyspark 的 pyspark 目录中有）并设置 SPARK_HOME，或不用 --runner spark`,
  });
}

function failure(name: string, code: number | string, { log, job }: SparkCommand): Error {
  const left = failurePath(job);
  if (existsSync(left)) return unpackError(JSON.parse(readFileSync(left, 'utf8')) as CarriedError);
  const reason = reasonIn(readFileSync(log, 'utf8'));
  return new CorpusError('CORPUS_SPARK', {
    en: `spark-sql ended with ${code} in step ${name}: ${reason}; all of it: ${log}`,
    zh: `spark-sql 在 ${name} 步骤以 ${code} 结束：${reason}；全部日志：${log}`,
  });
}

const NO_JAVA = /JAVA_HOME is not set|bin\/java: (No such file|not found)|Unable to locate a Java Runtime/;

/** What to fix where it is known, else the line of Spark's log that says most. */
function reasonIn(log: string): string {
  if (NO_JAVA.test(log)) return 'there is no Java; install one (Debian: default-jre-headless) or set JAVA_HOME';
  if (log.includes('UnsupportedClassVersionError'))
    return 'this Java is too old for this Spark; set JAVA_HOME to a newer';
  const found =
    /most recent failure: Lost task [^:]*: (.+)/.exec(log) ??
    /^\S+ \S+ ERROR \w+: (.+)/m.exec(log) ??
    /^Exception in thread "main" (.+)/m.exec(log) ??
    /^(?!\s+at ).*(?:Exception|[Ee]rror).*/m.exec(log);
  return (found?.[1] ?? found?.[0] ?? 'it says nothing').trim().slice(0, 300);
}
