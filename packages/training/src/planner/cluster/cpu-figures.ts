/** What a machine's processors do for one process of several that train together, as far as a plan needs it: measured, in no table. */
import type { Precision } from '@tunan/model';

export interface CpuFigures {
  /** Processors that the processes may run on; fewer of them than processes are shared. */
  readonly cores: number;
  readonly processes: number;
  /** Of each process. */
  readonly threads: number;
  /** float16 is multiplied as float32. */
  readonly precision: Exclude<Precision, 'float16'>;
  /** The fastest product, FLOP/s, while as many processes compute at once as have cores of their own. So are the following. */
  readonly peak: number;
  /** Reading and writing large tensors, bytes/s. */
  readonly bandwidth: number;
  /** Causal attention, forward and backward, FLOP/s of what lies below the diagonal. */
  readonly attention: number;
  /** s for each logit of the output head beside its products, forward and backward. */
  readonly logit: number;
  /** s of an operation on next to nothing. */
  readonly kernel: number;
  /** Bytes of the machine that a process may fill. */
  readonly memory: number;
  /** Bytes that a process takes before it holds a model. */
  readonly empty: number;
  /** s of a sum of one number over all processes. The following are infinite or 0 where one is alone. */
  readonly meeting: number;
  /** Bytes/s of all that a sum over all processes moves, in the dtype of the products: 2 (N - 1) times its bytes. */
  readonly sumRate: number;
  /** s of a message of a few bytes to one other process. */
  readonly message: number;
  /** Bytes/s of messages to one other process. */
  readonly link: number;
}
