#include "cpu-path.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "../guard.h"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tunan {
namespace {

constexpr const char* kNames[] = {"portable", "avx2", "avx512", "avx512-bf16", "amx"};

#ifdef TUNAN_X86
// Linux gives the tile registers' state only to processes that ask for it (ARCH_REQ_XCOMP_PERM for XFEATURE_XTILEDATA).
bool mayUseTiles() {
#ifdef __linux__
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return false;
#endif
}

// CPUID leaf 7: AMX-BF16 and AMX-TILE are EDX bits 22 and 24 of subleaf 0, AVX512-BF16 is EAX bit 5 of subleaf 1.
void cpuid7(unsigned subleaf, unsigned* eax, unsigned* edx) {
  unsigned ebx, ecx;
  __asm__("cpuid" : "=a"(*eax), "=b"(ebx), "=c"(ecx), "=d"(*edx) : "0"(7u), "2"(subleaf));
}

CpuPath detected() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
    return CpuPath::portable;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
  if (!avx512) return CpuPath::avx2;
  unsigned eax0, edx0, eax1, edx1;
  cpuid7(0, &eax0, &edx0);
  if (eax0 < 1) return CpuPath::avx512;
  cpuid7(1, &eax1, &edx1);
  if ((eax1 >> 5 & 1) == 0) return CpuPath::avx512;
  const bool amx = (edx0 >> 22 & 1) && (edx0 >> 24 & 1);
  return amx && mayUseTiles() ? CpuPath::amx : CpuPath::avx512Bf16;
}
#else
CpuPath detected() { return CpuPath::portable; }
#endif

CpuPath chosen() {
  const CpuPath best = processorPath();
  const char* wanted = std::getenv("TUNAN_CPU");
  if (wanted == nullptr || *wanted == '\0') return best;
  std::string able;
  for (int i = 0; i <= int(best); i++) {
    if (std::strcmp(wanted, kNames[i]) == 0) return CpuPath(i);
    able += (i == 0 ? "" : ", ") + std::string(kNames[i]);
  }
  throw UsageError("TUNAN_CPU=" + std::string(wanted) + " is not what this processor has; choose one of " + able +
                   " or unset it");
}

}  // namespace

CpuPath processorPath() { return detected(); }

CpuPath cpuPath() {
  static const CpuPath path = chosen();
  return path;
}

const char* cpuPathName(CpuPath path) { return kNames[int(path)]; }

}  // namespace tunan
