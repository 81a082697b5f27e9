// CUDA graphs: what a thread begins on a device, recorded once and then begun by one call. Only where CUDA's headers were found.
#pragma once
#include <napi.h>

namespace tunan {

void exportDeviceGraphs(Napi::Env env, Napi::Object exports);

}  // namespace tunan
