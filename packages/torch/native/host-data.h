#pragma once
#include <napi.h>

namespace tunan {
void exportHostData(Napi::Env env, Napi::Object exports);
}
