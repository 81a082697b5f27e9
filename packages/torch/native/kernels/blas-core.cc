#include "blas-core.h"

#include <cstdlib>
#include <cstring>
#ifdef __linux__
#include <dlfcn.h>
#endif

#include "cpu-path.h"

namespace tunan {
namespace {

// The library is libtorch's, not ours, and may be another: its functions are looked for in what is loaded.
template <typename Function>
Function* loaded(const char* name) {
#ifdef __linux__
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
#else
  return nullptr;
#endif
}

constexpr const char* kOldest = "Prescott";

}  // namespace

const char* blasCore() {
  const auto name = loaded<char*()>("openblas_get_corename");
  return name == nullptr ? "" : name();
}

void chooseBlasCore() {
  constexpr const char* variable = "OPENBLAS_CORETYPE";
  if (std::getenv(variable) != nullptr || std::strcmp(blasCore(), kOldest) != 0) return;
  const CpuPath able = processorPath();
  const auto quit = loaded<void()>("gotoblas_dynamic_quit");
  const auto choose = loaded<void()>("gotoblas_dynamic_init");
  if (able < CpuPath::avx2 || quit == nullptr || choose == nullptr) return;
  setenv(variable, able >= CpuPath::avx512 ? "SkylakeX" : "Haswell", 1);
  quit();
  choose();
  unsetenv(variable);
}

}  // namespace tunan
