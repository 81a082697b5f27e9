#pragma once
#include <napi.h>

namespace tunan {

// Sets `groups` on the exports; where libtorch holds no process groups it is left out.
void exportGroups(Napi::Env env, Napi::Object exports);

}  // namespace tunan
