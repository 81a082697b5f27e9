#pragma once
#include <memory>
#include <string>

#include "transport.h"

namespace tunan {

// Opens the library of ../mpi/mpi-calls.h, once. Throws UsageError where it, or the MPI that it was built with, cannot
// be loaded.
void loadMpi(const std::string& path);

// MPI, for tensors on the CPU, between these ranks of a run of `size`; `rank` is this process's in the run. Its open()
// fails where MPI knows the process by another number. Throws UsageError where loadMpi was not called.
std::unique_ptr<Transport> mpiTransport(std::vector<int> ranks, int rank, int size);

}  // namespace tunan
