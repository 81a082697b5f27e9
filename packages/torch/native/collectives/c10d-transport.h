#pragma once
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <memory>

#include "transport.h"

namespace tunan {

// Gloo, over the interface of GLOO_SOCKET_IFNAME, the loopback where `local`, or that of the machine's name.
std::unique_ptr<Transport> glooTransport(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                         std::chrono::milliseconds timeout, bool local);
bool hasNccl();
// NCCL, for tensors on one CUDA device of this process, which becomes the current one. Throws UsageError where the addon was built without it.
std::unique_ptr<Transport> ncclTransport(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                         std::chrono::milliseconds timeout, int device);

}  // namespace tunan
