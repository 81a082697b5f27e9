// Environments that hold every engine of the bench to one instruction set: our kernels, oneDNN, libtorch's vectors, OpenBLAS, MKL.
export const instructionSets: Readonly<Record<string, NodeJS.ProcessEnv>> = {
  native: {},
  amx: { TUNAN_CPU: 'amx', ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_AMX' },
  'avx512-bf16': { TUNAN_CPU: 'avx512-bf16', ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_BF16', OPENBLAS_CORETYPE: 'SkylakeX' },
  avx512: { TUNAN_CPU: 'avx512', ONEDNN_MAX_CPU_ISA: 'AVX512_CORE', OPENBLAS_CORETYPE: 'SkylakeX' },
  avx2: {
    TUNAN_CPU: 'avx2',
    ONEDNN_MAX_CPU_ISA: 'AVX2',
    ATEN_CPU_CAPABILITY: 'avx2',
    OPENBLAS_CORETYPE: 'Haswell',
    MKL_ENABLE_INSTRUCTIONS: 'AVX2',
  },
  portable: {
    TUNAN_CPU: 'portable',
    ONEDNN_MAX_CPU_ISA: 'SSE41',
    ATEN_CPU_CAPABILITY: 'default',
    OPENBLAS_CORETYPE: 'Nehalem',
    MKL_ENABLE_INSTRUCTIONS: 'SSE4_2',
  },
};
