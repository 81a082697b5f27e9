/**
 * One of the processes that measure-cpu.ts starts, with a launcher's environment: takes the times of what a step of training is made of,
 * and the first writes them as JSON. Those that have a core compute at once; the others wait.
 */
import { writeFileSync } from 'node:fs';
import { UserMistake } from '@tunan/files';
import {
  attention,
  type DType,
  engineInfo,
  gemmPeak,
  linearCrossEntropy,
  ProcessGroup,
  randint,
  randn,
  rendezvousOf,
  scope,
  type Tensor,
  zeros,
} from '@tunan/torch';
import { gatherValues } from '../../parallel/gather-values.ts';
import { tellLauncher } from '../../parallel/launch.ts';
import type { CpuFigures } from './cpu-figures.ts';

const { cores, precision, memory, out } = JSON.parse(process.argv[2]!) as Pick<
  CpuFigures,
  'cores' | 'precision' | 'memory'
> & { readonly out: string };

/** Of the quickest of some tries: other work on the machine only takes away. */
function seconds(body: () => void, most = 0.3): number {
  scope(body);
  let least = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + 1000 * most; least === Number.POSITIVE_INFINITY || performance.now() < end; ) {
    const began = performance.now();
    scope(body);
    least = Math.min(least, (performance.now() - began) / 1000);
  }
  return least;
}

const learnt = (shape: number[], dtype: DType = precision) => {
  const made = randn(shape).to(dtype).detach();
  made.requiresGrad = true;
  return made;
};

/** Heads of 64, as most models have them. */
function attentionSpeed(): number {
  const [batch, time, heads, width] = [2, 256, 4, 64];
  return scope(() => {
    const [queries, keys, values] = [0, 1, 2].map(() => learnt([batch, time, heads, width])) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const taken = seconds(() => attention(queries, keys, values).to('float32').mean().backward());
    return (7 * batch * heads * time * time * width) / taken;
  });
}

function logitTime(peak: number): number {
  const [rows, width, words] = [256, 64, 4096];
  return scope(() => {
    const hidden = learnt([rows, width]);
    const weight = learnt([words, width], 'float32');
    const targets = randint(0, words, [rows]);
    const taken = seconds(() => linearCrossEntropy(hidden, weight, targets).backward());
    return Math.max(0, taken - (6 * rows * width * words) / peak) / (rows * words);
  });
}

function computing() {
  gemmPeak(precision, { sizes: [64] }); // what is done once for a process
  const empty = process.memoryUsage.rss();
  const peak = gemmPeak(precision, { sizes: [512, 1024, 2048], seconds: 1.5 });
  return scope(() => {
    const large = randn([2e6]);
    const small = zeros([1]);
    const many = () => {
      for (let once = 0; once < 50; once++) small.add(1);
    };
    return {
      peak,
      empty,
      bandwidth: (8 * large.size) / seconds(() => large.add(1), 0.6),
      attention: attentionSpeed(),
      logit: logitTime(peak),
      kernel: seconds(many, 0.1) / 50,
    };
  });
}

function talking(group: ProcessGroup) {
  if (group.size === 1) return { meeting: 0, sumRate: Number.MAX_VALUE, message: 0, link: Number.MAX_VALUE };
  const together = (body: () => void, times: number) => {
    let least = Number.POSITIVE_INFINITY;
    for (let time = 0; time < times; time++) {
      group.barrier();
      const began = performance.now();
      body();
      least = Math.min(least, (performance.now() - began) / 1000);
    }
    return least;
  };
  const thereAndBack = (sent: Tensor) => () => {
    if (group.rank === 0) group.send(sent, 1);
    if (group.rank < 2) group.receive(sent, 1 - group.rank);
    if (group.rank === 1) group.send(sent, 0);
  };
  return scope(() => {
    const [one, some, much] = [zeros([1]), zeros([2 ** 18]).to(precision), zeros([2 ** 18])];
    const meeting = together(() => group.allReduce(one), 100);
    const sum = together(() => group.allReduce(some), 60);
    const message = together(thereAndBack(one), 100) / 2;
    const sent = together(thereAndBack(much), 60) / 2;
    const bytes = some.size * (precision === 'bfloat16' ? 2 : 4);
    return {
      meeting,
      sumRate: (2 * (group.size - 1) * bytes) / Math.max(sum - meeting, sum / 10),
      message,
      link: (4 * much.size) / Math.max(sent - message, sent / 10),
    };
  });
}

function measure(): void {
  const place = rendezvousOf(process.env);
  const group = place === undefined ? ProcessGroup.alone() : ProcessGroup.meet(place);
  group.barrier();
  // All say what the slowest of them reaches.
  const computed = gatherValues(group, group.rank < cores ? computing() : undefined, 'cpu', true);
  const found = computed.filter((one) => one !== undefined);
  const least = (name: keyof (typeof found)[number]) => Math.min(...found.map((one) => one[name]));
  const most = (name: keyof (typeof found)[number]) => Math.max(...found.map((one) => one[name]));
  const talked = talking(group);
  if (group.rank === 0) {
    const figures: CpuFigures = {
      cores,
      processes: group.size,
      threads: engineInfo().threads,
      precision,
      memory,
      peak: least('peak'),
      bandwidth: least('bandwidth'),
      attention: least('attention'),
      logit: most('logit'),
      kernel: most('kernel'),
      empty: most('empty'),
      ...talked,
    };
    writeFileSync(out, JSON.stringify(figures));
  }
  group.leave();
}

try {
  measure();
} catch (error) {
  if (!(error instanceof UserMistake)) throw error;
  tellLauncher({ code: error.code, en: error.message, zh: error.chinese ?? error.message });
  process.exitCode = 1;
}
process.disconnect?.();
