// Which instructions the kernels use: the best that this processor has, or less where TUNAN_CPU says so (for tests and
// comparisons).
#pragma once

namespace tunan {

// In rising order: each has what stands before it.
enum class CpuPath : int { portable, avx2, avx512, avx512Bf16, amx };

// Read once, at first use. TUNAN_CPU: portable, avx2, avx512, avx512-bf16 or amx; throws UsageError where it is none
// that the processor has.
CpuPath cpuPath();

// The best that this processor has, whatever TUNAN_CPU says.
CpuPath processorPath();

// The name as TUNAN_CPU takes it.
const char* cpuPathName(CpuPath path);

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define TUNAN_X86 1
#endif

#define TUNAN_INLINE inline __attribute__((always_inline))

// Runs Kernel::run(arguments…), an always-inline static function, compiled for the instruction set in use. The three
// wrappers are the same source; what differs is what the compiler may vectorise with.
#ifdef TUNAN_X86
template <typename Kernel, typename... Arguments>
__attribute__((target("arch=x86-64-v4,prefer-vector-width=512"), noinline)) auto runAvx512(Arguments... arguments) {
  return Kernel::run(arguments...);
}
template <typename Kernel, typename... Arguments>
__attribute__((target("arch=x86-64-v3"), noinline)) auto runAvx2(Arguments... arguments) {
  return Kernel::run(arguments...);
}
#endif
template <typename Kernel, typename... Arguments>
__attribute__((noinline)) auto runPortable(Arguments... arguments) {
  return Kernel::run(arguments...);
}

template <typename Kernel, typename... Arguments>
auto vectorised(Arguments... arguments) {
#ifdef TUNAN_X86
  if (cpuPath() >= CpuPath::avx512) return runAvx512<Kernel>(arguments...);
  if (cpuPath() >= CpuPath::avx2) return runAvx2<Kernel>(arguments...);
#endif
  return runPortable<Kernel>(arguments...);
}

// The same for kernels written in vectors: Kernel<Bytes> with the bytes of a vector register.
template <template <int> class Kernel, typename... Arguments>
auto vectorisedByWidth(Arguments... arguments) {
#ifdef TUNAN_X86
  if (cpuPath() >= CpuPath::avx512) return runAvx512<Kernel<64>>(arguments...);
  if (cpuPath() >= CpuPath::avx2) return runAvx2<Kernel<32>>(arguments...);
#endif
  return runPortable<Kernel<16>>(arguments...);
}

}  // namespace tunan
