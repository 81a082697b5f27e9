#pragma once
#include <napi.h>

namespace tunan {
void exportAllocator(Napi::Env env, Napi::Object exports);
}
