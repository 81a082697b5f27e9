/** Constants of the time model that no data sheet gives. */

export interface Efficiency {
  /** Share of `Device.attainable` that products of full tiles reach inside a run. */
  readonly product: number;
  /** Inner width at which a product reaches half of that. */
  readonly halfWidth: number;
  /** Share of a link's bandwidth that collectives inside a server reach. */
  readonly link: number;
  /** s that every kernel costs beside its work. */
  readonly kernel: number;
  /** Of the memory's bandwidth, for elementwise kernels. */
  readonly memory: number;
  /** Of the network's bandwidth. */
  readonly network: number;
  /** Of a product whose rows are no multiples of 64 elements (Anthony et al. 2024 measure a fifth to a third less). */
  readonly unaligned: number;
}

/**
 * The first four are fitted to the ten rows of Narayanan et al. 2021, table 1, by `bench/planner.ts --fit`; the others are what is
 * usually measured, and were not moved.
 */
export const EFFICIENCY: Efficiency = {
  product: 0.883,
  halfWidth: 99.2,
  link: 0.836,
  kernel: 6.27e-6,
  memory: 0.8,
  network: 0.8,
  unaligned: 0.75,
};

/** What the program that trains does, as far as it costs time. */
export interface Runtime {
  /** Softmax with mask, bias with activation, bias with dropout in one kernel each. */
  readonly fusedKernels: boolean;
  /** Attention in one kernel that never writes the scores (FlashAttention). */
  readonly fusedAttention: boolean;
  /** Gradients of weights are added to the float32 buffer inside the product. */
  readonly fusedAccumulation: boolean;
  /** Each tensor device sends its share to the next stage, which gathers it (Narayanan et al. 2021, 4.1), both directions at once. */
  readonly scatterGather: boolean;
  /** Gradients are reduced while the last micro batch runs backward, and weights gathered in the next forward pass. */
  readonly overlapsData: boolean;
  /** Collectives of the tensor's devices run beside the products. */
  readonly overlapsTensor: boolean;
  /** Sends between stages run beside the products. */
  readonly overlapsPipeline: boolean;
}

const MEGATRON_2021: Runtime = {
  fusedKernels: true,
  fusedAttention: false,
  fusedAccumulation: false,
  scatterGather: true,
  overlapsData: false,
  overlapsTensor: false,
  overlapsPipeline: false,
};

export const RUNTIMES = {
  'megatron-2021': MEGATRON_2021,
  'megatron-2022': { ...MEGATRON_2021, fusedAccumulation: true },
  'megatron-2024': {
    fusedKernels: true,
    fusedAttention: true,
    fusedAccumulation: true,
    scatterGather: true,
    overlapsData: true,
    overlapsTensor: true,
    overlapsPipeline: true,
  },
  /** Megatron-DeepSpeed; its pipeline engine sends and receives one after the other, and has no interleaved schedule. */
  deepspeed: { ...MEGATRON_2021, scatterGather: false },
  'deepspeed-unfused': { ...MEGATRON_2021, scatterGather: false, fusedKernels: false },
  /** This project's engine on CUDA, as it is meant; not measured. */
  tunan: { ...MEGATRON_2021, fusedAttention: true, overlapsData: true },
} satisfies Record<string, Runtime>;
