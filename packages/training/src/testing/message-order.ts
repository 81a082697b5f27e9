/**
 * The messages and collectives that ranks begin and wait for, and whether they come to their end where they are done strictly in order:
 * those of two ranks of a group one behind the other, whichever way each goes, found by their order alone, and sent only while the receiver
 * takes them. NCCL does them so, Gloo and MPI find them by their tags. What native code begins by itself (the collectives of operators, the
 * buckets of gradients) is not seen.
 */
import { ProcessGroup, type Work } from '@tunan/torch';

export type Call =
  | { readonly begins: 'send' | 'receive'; readonly group: string; readonly with: number; readonly tag: number }
  | { readonly begins: 'collective'; readonly group: string; readonly ranks: readonly number[] }
  /** The number of a call of this rank. */
  | { readonly waits: number };

/** Has every call of this process noted from now on. @returns the notes, which grow */
export function recordMessages(): readonly Call[] {
  const calls: Call[] = [];
  const names = new WeakMap<ProcessGroup, string>();
  const made = new Map<string, number>();
  const { prototype } = ProcessGroup;

  const newGroup = prototype.newGroup;
  prototype.newGroup = function (ranks) {
    const group = newGroup.call(this, ranks);
    if (group === undefined || group.size === 1) return group;
    const list = group.ranks.join();
    const count = made.get(list) ?? 0;
    made.set(list, count + 1);
    names.set(group, `${list} #${count}`);
    return group;
  };

  const noted = (call: Call, work: Work): Work => {
    const number = calls.push(call) - 1;
    return {
      wait: (patient) => {
        calls.push({ waits: number });
        work.wait(patient);
      },
    };
  };
  const nameOf = (group: ProcessGroup) => names.get(group) ?? 'all';
  for (const [name, begins] of [
    ['startSend', 'send'],
    ['startReceive', 'receive'],
  ] as const) {
    const start = prototype[name];
    prototype[name] = function (tensor, other, tag = 0) {
      const call = { begins, group: nameOf(this), with: this.ranks[other]!, tag };
      return noted(call, start.call(this, tensor, other, tag));
    };
  }
  for (const name of ['startAllReduce', 'startAllGather', 'startReduceScatter', 'startBroadcast'] as const) {
    const start = prototype[name] as (...args: unknown[]) => Work;
    prototype[name] = function (this: ProcessGroup, ...args: unknown[]) {
      const work = start.apply(this, args);
      if (this.size === 1) return work;
      return noted({ begins: 'collective', group: nameOf(this), ranks: this.ranks }, work);
    };
  }
  return calls;
}

interface Begun {
  readonly rank: number;
  readonly number: number;
  readonly call: Exclude<Call, { readonly waits: number }>;
}

/** Plays the calls of all ranks. @returns a line for each rank that does not come to its end; none where all do */
export function playInOrder(ranks: readonly (readonly Call[])[]): string[] {
  const next = ranks.map(() => 0);
  const done = ranks.map(() => new Set<number>());
  /** Of each group and two of its ranks, or of all for its collectives: what each rank has begun and not done. */
  const lines = new Map<string, Map<number, Begun[]>>();
  const lineOf = (rank: number, call: Begun['call']) => {
    if (call.begins === 'collective') return `${call.group}: ${call.ranks}`;
    return `${call.group}: ${[rank, call.with].sort((a, b) => a - b)}`;
  };

  const goOn = (rank: number): boolean => {
    const before = next[rank]!;
    for (let call = ranks[rank]![before]; call !== undefined; call = ranks[rank]![next[rank]!]) {
      if ('waits' in call) {
        if (!done[rank]!.has(call.waits)) break;
      } else {
        const name = `${call.begins === 'collective' ? 'collectives' : 'messages'} of ${lineOf(rank, call)}`;
        const line = lines.get(name) ?? new Map<number, Begun[]>();
        lines.set(name, line);
        line.set(rank, [...(line.get(rank) ?? []), { rank, number: next[rank]!, call }]);
      }
      next[rank]!++;
    }
    return next[rank]! > before;
  };
  const meets = (heads: readonly Begun[]): boolean => {
    const [one, other] = heads.map(({ call }) => call) as [Begun['call'], Begun['call'] | undefined];
    if (one.begins === 'collective') return heads.length === one.ranks.length;
    if (other === undefined || other.begins === 'collective') return false;
    return one.begins !== other.begins && one.tag === other.tag;
  };
  const meet = (line: Map<number, Begun[]>): boolean => {
    const heads = [...line.values()].flatMap(([head]) => head ?? []);
    if (heads.length === 0 || !meets(heads)) return false;
    for (const { rank, number } of heads) {
      done[rank]!.add(number);
      line.get(rank)!.shift();
    }
    return true;
  };

  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (const rank of ranks.keys()) isMoving = goOn(rank) || isMoving;
    for (const line of lines.values()) while (meet(line)) isMoving = true;
  }
  return ranks.flatMap((calls, rank) => {
    const open = calls.findIndex((call, at) => !('waits' in call) && !done[rank]!.has(at));
    return open < 0 ? [] : [`rank ${rank} never ends call ${open} of ${calls.length}: ${JSON.stringify(calls[open])}`];
  });
}
