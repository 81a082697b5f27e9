// The ways of data between JavaScript, files and tensors: typed arrays in and out (copied), files mapped into tensors,
// tensors written to a file descriptor without a second copy in memory.
#include "host-data.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "guard.h"
#include "tensor-handle.h"

namespace tunan {
namespace {

constexpr napi_type_tag kMappingTag = {0x74756e616e6d6170ULL, 0x66696c656d617070ULL};

struct Mapping {
  void* address = MAP_FAILED;
  size_t bytes = 0;
  ~Mapping() {
    if (address != MAP_FAILED) munmap(address, bytes);
  }
};

std::string systemMessage(const std::string& what) { return what + ": " + std::strerror(errno); }

// fromBytes(ArrayBufferView, dtype code, shape) → tensor on the CPU holding a copy.
Napi::Value fromBytes(const Napi::CallbackInfo& info) {
  return guarded(info, "tensor", [&]() -> Napi::Value {
    if (!info[0].IsTypedArray()) throw UsageError("expected a typed array");
    const auto array = info[0].As<Napi::TypedArray>();
    const auto dtype = at::ScalarType(info[1].ToNumber().Int32Value());
    const std::vector<int64_t> shape = integerList(info[2]);
    at::Tensor out = at::empty(shape, at::TensorOptions().dtype(dtype));
    if (out.nbytes() != array.ByteLength()) {
      throw UsageError("the shape holds " + std::to_string(out.nbytes()) + " bytes, the data " +
                       std::to_string(array.ByteLength()));
    }
    if (out.nbytes() > 0) {
      std::memcpy(out.data_ptr(), static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset(),
                  out.nbytes());
    }
    return wrapTensor(info.Env(), out);
  });
}

// toBytes(tensor) → ArrayBuffer with a contiguous copy of the elements.
Napi::Value toBytes(const Napi::CallbackInfo& info) {
  return guarded(info, "toArray", [&]() -> Napi::Value {
    at::Tensor source = unwrapTensor(info[0]).detach().to(at::kCPU).contiguous();
    Napi::ArrayBuffer out = Napi::ArrayBuffer::New(info.Env(), source.nbytes());
    if (source.nbytes() > 0) std::memcpy(out.Data(), source.data_ptr(), source.nbytes());
    return out;
  });
}

// item(tensor of one element) → number; an integer that a number cannot hold is refused.
Napi::Value item(const Napi::CallbackInfo& info) {
  return guarded(info, "item", [&]() -> Napi::Value {
    const at::Scalar scalar = unwrapTensor(info[0]).item();
    constexpr int64_t limit = int64_t(1) << 53;
    if (scalar.isIntegral(false) && (scalar.toLong() > limit || scalar.toLong() < -limit)) {
      throw UsageError("the integer is beyond 2^53; read it with toArray()");
    }
    return Napi::Number::New(info.Env(), scalar.toDouble());
  });
}

// mapFile(path) → mapping; pages are private: writing into a mapped tensor never changes the file.
Napi::Value mapFile(const Napi::CallbackInfo& info) {
  return guarded(info, "mapFile", [&]() -> Napi::Value {
    const std::string path = info[0].ToString();
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw UsageError(systemMessage(path));
    struct stat status {};
    if (fstat(descriptor, &status) != 0) {
      const std::string message = systemMessage(path);
      close(descriptor);
      throw UsageError(message);
    }
    auto mapping = std::make_shared<Mapping>();
    mapping->bytes = size_t(status.st_size);
    if (mapping->bytes > 0)
      mapping->address = mmap(nullptr, mapping->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
    const std::string message = mapping->bytes > 0 && mapping->address == MAP_FAILED ? systemMessage(path) : "";
    close(descriptor);
    if (!message.empty()) throw UsageError(message);
    auto external =
        Napi::External<std::shared_ptr<Mapping>>::New(info.Env(), new std::shared_ptr<Mapping>(std::move(mapping)),
                                                      [](Napi::Env, std::shared_ptr<Mapping>* dead) { delete dead; });
    external.TypeTag(&kMappingTag);
    return external;
  });
}

std::shared_ptr<Mapping>& mappingOf(const Napi::Value& value) {
  if (!value.IsExternal() || !value.As<Napi::External<void>>().CheckTypeTag(&kMappingTag))
    throw UsageError("expected a mapping");
  return *value.As<Napi::External<std::shared_ptr<Mapping>>>().Data();
}

// releaseMapping(mapping): the pages go when the last tensor over them does, without waiting for the collector.
Napi::Value releaseMapping(const Napi::CallbackInfo& info) {
  return guarded(info, "releaseMapping", [&]() -> Napi::Value {
    mappingOf(info[0]).reset();
    return info.Env().Undefined();
  });
}

// mappedTensor(mapping, byte offset, dtype code, shape) → tensor over the mapped bytes; it keeps the mapping alive.
Napi::Value mappedTensor(const Napi::CallbackInfo& info) {
  return guarded(info, "mappedTensor", [&]() -> Napi::Value {
    const std::shared_ptr<Mapping> mapping = mappingOf(info[0]);
    if (mapping == nullptr) throw UsageError("the file is closed");
    const size_t offset = size_t(info[1].ToNumber().Int64Value());
    const auto dtype = at::ScalarType(info[2].ToNumber().Int32Value());
    const std::vector<int64_t> shape = integerList(info[3]);
    size_t bytes = c10::elementSize(dtype);
    for (const int64_t size : shape) bytes *= size_t(size);
    if (offset + bytes > mapping->bytes || offset + bytes < offset)
      throw UsageError("the tensor reaches past the end of the file");
    if (bytes == 0) return wrapTensor(info.Env(), at::empty(shape, at::TensorOptions().dtype(dtype)));
    char* address = static_cast<char*>(mapping->address) + offset;
    if (reinterpret_cast<uintptr_t>(address) % c10::elementSize(dtype) !=
        0) {  // bytes before it are of a narrower dtype
      const at::Tensor copy = at::empty(shape, at::TensorOptions().dtype(dtype));
      std::memcpy(copy.data_ptr(), address, bytes);
      return wrapTensor(info.Env(), copy);
    }
    return wrapTensor(info.Env(), at::from_blob(
                                      address, shape, [mapping](void*) {}, at::TensorOptions().dtype(dtype)));
  });
}

// writeTensor(file descriptor, tensor) appends the contiguous bytes; a short write is continued, an error names the
// cause.
Napi::Value writeTensor(const Napi::CallbackInfo& info) {
  return guarded(info, "writeTensor", [&]() -> Napi::Value {
    const int descriptor = info[0].ToNumber().Int32Value();
    const at::Tensor source = unwrapTensor(info[1]).detach().to(at::kCPU).contiguous();
    const char* data = static_cast<const char*>(source.data_ptr());
    size_t left = source.nbytes();
    while (left > 0) {
      const ssize_t written = write(descriptor, data, std::min(left, size_t(1) << 30));
      if (written < 0) {
        if (errno == EINTR) continue;
        Napi::Error error = Napi::Error::New(info.Env(), std::strerror(errno));
        error.Set("code", Napi::String::New(info.Env(), errno == ENOSPC   ? "ENOSPC"
                                                        : errno == EDQUOT ? "EDQUOT"
                                                        : errno == EROFS  ? "EROFS"
                                                                          : "EIO"));
        throw error;
      }
      data += written;
      left -= size_t(written);
    }
    return info.Env().Undefined();
  });
}

}  // namespace

void exportHostData(Napi::Env env, Napi::Object exports) {
  exports.Set("fromBytes", Napi::Function::New(env, fromBytes));
  exports.Set("toBytes", Napi::Function::New(env, toBytes));
  exports.Set("item", Napi::Function::New(env, item));
  exports.Set("mapFile", Napi::Function::New(env, mapFile));
  exports.Set("releaseMapping", Napi::Function::New(env, releaseMapping));
  exports.Set("mappedTensor", Napi::Function::New(env, mappedTensor));
  exports.Set("writeTensor", Napi::Function::New(env, writeTensor));
}

}  // namespace tunan
