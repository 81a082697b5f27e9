/** Slurm on this machine alone, out of a temporary folder, for tests: munged, slurmctld and slurmd without systemd. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@tunan/torch/testing/run-ranks';

/** Daemons stand where only an administrator looks. */
const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'srun'];
/** In milliseconds, for a node to come up. */
const PATIENCE = 60_000;

/** Why there is none; false where there is, as a test's `skip` wants it. */
export function whyNoSlurm(): string | false {
  const absent = PROGRAMS.filter((name) => !PATH.split(':').some((folder) => existsSync(path.join(folder, name))));
  return absent.length > 0 && `no ${absent.join(', ')} (Debian: slurm-wlm)`;
}

export interface Slurm extends AsyncDisposable {
  /** For srun and sbatch. */
  readonly environment: Readonly<Record<string, string>>;
}

/** @param processors that the node is said to have */
export async function startSlurm(processors: number): Promise<Slurm> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-slurm-'));
  const at = (name: string) => path.join(folder, name);
  for (const name of ['munge', 'state', 'spool']) mkdirSync(at(name));
  writeFileSync(at('munge/key-file'), randomBytes(1024), { mode: 0o400 });
  const node = os.hostname();
  const user = os.userInfo().username;
  const settings = {
    ClusterName: 'tunan',
    SlurmctldHost: `${node}(127.0.0.1)`,
    SlurmUser: user,
    SlurmdUser: user,
    AuthInfo: `socket=${at('munge/socket')}`,
    StateSaveLocation: at('state'),
    SlurmdSpoolDir: at('spool'),
    SlurmctldPidFile: at('slurmctld.pid'),
    SlurmdPidFile: at('slurmd.pid'),
    SlurmctldPort: await freePort(),
    SlurmdPort: await freePort(),
    // No control groups: a container may forbid them.
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    JobAcctGatherType: 'jobacct_gather/none',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_CPU',
    SlurmdParameters: 'config_overrides',
    NodeName: `${node} NodeAddr=127.0.0.1 CPUs=${processors}`,
    PartitionName: 'all Nodes=ALL Default=YES State=UP',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(at('slurm.conf'), lines.join(''));

  const environment = { SLURM_CONF: at('slurm.conf'), PATH };
  const daemons: ChildProcess[] = [];
  const start = (program: string, args: readonly string[]) =>
    daemons.push(spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...environment } }));
  const stop = async () => {
    for (const daemon of daemons.reverse()) {
      if (daemon.exitCode !== null || daemon.pid === undefined) continue;
      daemon.kill('SIGTERM');
      await Promise.race([once(daemon, 'exit'), delay(5000)]);
      daemon.kill('SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const own = ['key-file', 'pid-file', 'log-file', 'seed-file'].map((name) => `--${name}=${at(`munge/${name}`)}`);
  start('munged', ['--foreground', '--force', `--socket=${at('munge/socket')}`, ...own]);
  start('slurmctld', ['-D', '-f', at('slurm.conf'), '-L', at('slurmctld.log')]);
  start('slurmd', ['-D', '-f', at('slurm.conf'), '-L', at('slurmd.log')]);
  const end = performance.now() + PATIENCE;
  for (;;) {
    const said = spawnSync('sinfo', ['-h', '-o', '%T'], { encoding: 'utf8', env: { ...process.env, ...environment } });
    if (said.stdout?.startsWith('idle')) return { environment, [Symbol.asyncDispose]: stop };
    if (performance.now() > end) {
      const logs = ['slurmctld.log', 'slurmd.log'].map((name) =>
        existsSync(at(name)) ? readFileSync(at(name), 'utf8') : '',
      );
      await stop();
      throw new Error(`Slurm did not come up: ${said.stdout}${said.stderr}\n${logs.join('\n')}`);
    }
    await delay(200);
  }
}
