// What the addon calls of MPI, as a library of its own (tunan_mpi.so) that is opened where somebody asks for MPI: the
// addon neither needs an MPI nor loads one. Plain C, in front of any MPI of version 3 or newer. All functions are
// called from one thread, the one that called start(). Those that give a text give NULL where all went well, else what
// went wrong, valid until the next call.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tunan_mpi_kind {
  TUNAN_MPI_ALL_REDUCE,  // in place, in `out`
  TUNAN_MPI_ALL_GATHER,
  TUNAN_MPI_ALL_TO_ALL,
  TUNAN_MPI_BROADCAST,  // in place, in `out`, from rank `peer`
  TUNAN_MPI_SEND,       // of `in` to rank `peer`
  TUNAN_MPI_RECEIVE,    // into `out` from rank `peer`
  TUNAN_MPI_BARRIER,
};
enum tunan_mpi_number { TUNAN_MPI_FLOAT32, TUNAN_MPI_FLOAT64, TUNAN_MPI_INT32, TUNAN_MPI_INT64 };
enum tunan_mpi_reduction { TUNAN_MPI_SUM, TUNAN_MPI_MAXIMUM, TUNAN_MPI_MINIMUM };

struct tunan_mpi_operation {
  enum tunan_mpi_kind kind;
  const void* in;
  void* out;
  // Numbers that are reduced, else bytes: of this rank's part where all are gathered, of one rank's where all send to
  // all.
  int64_t count;
  enum tunan_mpi_number number;
  enum tunan_mpi_reduction reduction;
  int peer;
  int tag;
};

struct tunan_mpi_group;
struct tunan_mpi_request;

struct tunan_mpi_calls {
  // MPI itself. `rank` and `size` become those that the launcher gave.
  const char* (*start)(int* rank, int* size);
  // The group of these ranks of the run, among which this one is. Comes back when all of them have called.
  const char* (*open)(const int* ranks, int count, struct tunan_mpi_group** group);
  // Begins; the memory named must stay until test() says that it is done.
  const char* (*begin)(struct tunan_mpi_group* group, const struct tunan_mpi_operation* operation,
                       struct tunan_mpi_request** request);
  // Frees the request where it is done or has failed.
  const char* (*test)(struct tunan_mpi_request* request, int* done);
  const char* (*close)(struct tunan_mpi_group* group);
  // MPI itself, with all others.
  const char* (*finish)(void);
};

// The name under which the library gives them.
const struct tunan_mpi_calls* tunan_mpi(void);

#ifdef __cplusplus
}
#endif
