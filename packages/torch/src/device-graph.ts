/**
 * Work that is the same every time but for the numbers in its tensors, begun by one call: on a CUDA device recorded as a graph, whose kernels
 * then start without this process telling each; on the CPU done again.
 */
import type { Device } from './dtype.ts';
import { TorchError } from './errors.ts';
import { guarded } from './guard.ts';
import { type NativeGraphs, native } from './native.ts';

export interface DeviceGraph extends Disposable {
  /** Does the work, in the order of what was begun before and will be begun behind it. */
  replay(): void;
}

/**
 * Before the first tensor whose work is to be recorded is made: from now on this process begins its work on a stream of its own, for on CUDA's
 * default stream nothing can be recorded.
 * @throws TorchError TORCH_BAD_SETTING where the addon was compiled without graphs
 */
export function prepareGraphs(device: Device): void {
  if (device !== 'cpu') guarded(() => nativeGraphs().useStream(Number(device.split(':')[1] ?? 0)));
}

/**
 * Records `body`; nothing is done yet. What it reads and leaves must stay where it is: tensors made before it, which it reads, adds to and
 * copies to. It must have run once before, so that libraries are ready, and it reads no number of a tensor.
 */
export function recordGraph(device: Device, body: () => void): DeviceGraph {
  if (device === 'cpu') return { replay: body, [Symbol.dispose]() {} };
  const graphs = nativeGraphs();
  const graph = guarded(() => graphs.begin());
  try {
    body();
  } finally {
    guarded(() => graphs.end(graph));
  }
  return {
    replay: () => guarded(() => graphs.replay(graph)),
    [Symbol.dispose]: () => guarded(() => graphs.drop(graph)),
  };
}

function nativeGraphs(): NativeGraphs {
  const { graphs } = native();
  if (graphs !== undefined) return graphs;
  throw new TorchError('TORCH_BAD_SETTING', {
    en: "the addon was compiled without CUDA graphs, which need CUDA's headers: tunan doctor says what to install",
    zh: '原生扩展编译时未包含 CUDA 图（需要 CUDA 头文件）：tunan doctor 会说明应安装什么',
  });
}
