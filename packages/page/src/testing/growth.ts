/** For tests of what must not explode on hostile text: time that grows with the length alone, on a machine of any speed. */
import assert from 'node:assert/strict';

/** Microseconds below which a clock tells nothing. */
const NOISE = 50_000;
const TRIES = 3;

/** Of this process alone: other work on the machine does not count. The least of a few tries. */
function processorTime(run: () => void): number {
  const times = Array.from({ length: TRIES }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return Math.min(...times);
}

/** Four times the text may take four times as long; a square would take sixteen. */
export function assertLinear(what: string, units: number, run: (text: string) => void): void {
  const text = (length: number) => what.repeat(Math.ceil(length / what.length));
  const quarter = processorTime(() => run(text(units / 4)));
  const whole = processorTime(() => run(text(units)));
  const told = `${JSON.stringify(what)}: ${quarter} µs for ${units / 4} units, ${whole} µs for ${units}`;
  assert.ok(whole < 9 * quarter + NOISE, told);
}
