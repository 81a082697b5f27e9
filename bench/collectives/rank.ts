/** One rank of bench/collectives.ts: node rank.ts '{"bytes": …, "times": …}'. Writes milliseconds of every operation, all ranks in step. */
import { ProcessGroup, rendezvousOf, zeros } from '@tunan/torch';

const { bytes, times } = JSON.parse(process.argv[2]!) as { readonly bytes: number; readonly times: number };
const group = ProcessGroup.meet(rendezvousOf(process.env)!);
const x = zeros([Math.ceil(bytes / 4 / group.size) * group.size]);
const part = zeros([x.size / group.size]);
const other = group.size - 1 - group.rank;

const operations = {
  'all-reduce': () => group.allReduce(x),
  'all-gather': () => group.allGather(x, part),
  'reduce-scatter': () => group.reduceScatter(part, x),
  broadcast: () => group.broadcast(x, 0),
  'there and back': () => {
    if (group.rank < other) group.send(x, other);
    if (group.rank !== other) group.receive(x, other);
    if (group.rank > other) group.send(x, other);
  },
};

const result: Record<string, number[]> = {};
for (const [name, operate] of Object.entries(operations)) {
  for (let warm = 0; warm < 3; warm++) operate();
  result[name] = Array.from({ length: times }, () => {
    group.barrier();
    const began = performance.now();
    operate();
    return performance.now() - began;
  });
}
process.stdout.write(JSON.stringify(result));
group.leave();
process.exit(0);
