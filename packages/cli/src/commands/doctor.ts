/** `tunan doctor` */
import { defineCommand } from '../command.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkDisk, checkKernels, checkMemory, checkProcessor, checkThreads } from '../doctor/machine.ts';
import { checkBuildTools, checkNode, checkNpmPackages } from '../doctor/toolchain.ts';
import { text } from '../language.ts';

const marks: Record<Finding['status'], string> = { ok: '✓', warn: '!', fail: '✗' };

export default defineCommand({
  positionals: {},
  options: {},
  examples: ['tunan doctor', 'tunan doctor --json'],
  reports: true,
  run: async () => {
    const packages = checkNpmPackages();
    const engine =
      packages.status === 'fail'
        ? { findings: [], addonLoads: false }
        : (await import('../doctor/engine.ts')).checkEngine();
    const findings: Finding[] = [
      checkNode(),
      packages,
      ...checkBuildTools(engine.addonLoads),
      ...engine.findings,
      checkThreads(),
      checkProcessor(),
      checkKernels(),
      checkMemory(),
      checkDisk(),
    ];
    const failed = findings.some(({ status }) => status === 'fail');
    return { data: { ok: !failed, findings }, lines: findings.flatMap(linesOf), failed };
  },
});

function linesOf({ name, status, found, fix }: Finding): string[] {
  const line = `${marks[status]} ${name}: ${found}`;
  return fix === undefined ? [line] : [line, `    ${text('fix', '解决办法')}: ${fix}`];
}
