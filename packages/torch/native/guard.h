// Every native entry passes through `guarded`: a C++ exception becomes a JavaScript error that names the operation.
#pragma once
#include <c10/util/Exception.h>
#include <napi.h>

#include <string>

namespace tunan {

// A mistake in how the addon was called (wrong type, disposed tensor); the text is complete as it stands.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename Body>
Napi::Value guarded(const Napi::CallbackInfo& info, const char* operation, Body&& body) {
  std::string message;
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const c10::Error& error) {
    message = error.what_without_backtrace();
  } catch (const std::exception& error) {
    message = error.what();
  }
  throw Napi::Error::New(info.Env(), std::string(operation) + ": " + message);
}

}  // namespace tunan
