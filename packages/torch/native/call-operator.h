#pragma once
#include <napi.h>

namespace tunan {
void exportCallOperator(Napi::Env env, Napi::Object exports);
}
