#include "mpi-calls.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MPI counts in int. Numbers are reduced in pieces of at most so many; more bytes than fit are described as one element
// of a type.
#define PIECE (1 << 30)

struct tunan_mpi_group {
  MPI_Comm comm;
};

struct tunan_mpi_request {
  // Bytes that a message must have; -1 elsewhere.
  int64_t expected;
  MPI_Datatype type;
  int own_type;
  int pieces;
  MPI_Request parts[];
};

static char said[MPI_MAX_ERROR_STRING + 64];

static const char* text_of(int error) {
  if (error == MPI_SUCCESS) return NULL;
  int length = 0;
  if (MPI_Error_string(error, said, &length) != MPI_SUCCESS) snprintf(said, sizeof said, "MPI's error %d", error);
  return said;
}

static const char* start(int* rank, int* size) {
  int level = 0, ready = 0;
  MPI_Initialized(&ready);
  if (!ready) {
    // This thread alone calls MPI.
    const char* error = text_of(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level));
    if (error != NULL) return error;
    if (level < MPI_THREAD_FUNNELED) return "this MPI does not allow other threads beside its own";
  }
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, rank);
  return text_of(MPI_Comm_size(MPI_COMM_WORLD, size));
}

static const char* open_group(const int* ranks, int count, struct tunan_mpi_group** group) {
  MPI_Group world, some;
  MPI_Comm comm;
  const char* error = text_of(MPI_Comm_group(MPI_COMM_WORLD, &world));
  if (error == NULL) error = text_of(MPI_Group_incl(world, count, ranks, &some));
  if (error == NULL) error = text_of(MPI_Comm_create_group(MPI_COMM_WORLD, some, 0, &comm));
  if (error != NULL) return error;
  MPI_Group_free(&some);
  MPI_Group_free(&world);
  MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
  *group = malloc(sizeof **group);
  (*group)->comm = comm;
  return NULL;
}

static const char* close_group(struct tunan_mpi_group* group) {
  const char* error = text_of(MPI_Comm_free(&group->comm));
  free(group);
  return error;
}

// One element of so many bytes, one behind the other without a gap.
static int type_of(int64_t bytes, MPI_Datatype* type) {
  MPI_Datatype piece, body, parts[2];
  int lengths[2] = {1, (int)(bytes % PIECE)};
  MPI_Aint places[2] = {0, (MPI_Aint)(bytes - bytes % PIECE)};
  int error = MPI_Type_contiguous(PIECE, MPI_BYTE, &piece);
  if (error == MPI_SUCCESS) error = MPI_Type_contiguous((int)(bytes / PIECE), piece, &body);
  parts[0] = body;
  parts[1] = MPI_BYTE;
  if (error == MPI_SUCCESS) error = MPI_Type_create_struct(2, lengths, places, parts, type);
  if (error == MPI_SUCCESS) error = MPI_Type_commit(type);
  MPI_Type_free(&piece);
  MPI_Type_free(&body);
  return error;
}

static MPI_Datatype number_of(enum tunan_mpi_number number) {
  switch (number) {
    case TUNAN_MPI_FLOAT32:
      return MPI_FLOAT;
    case TUNAN_MPI_FLOAT64:
      return MPI_DOUBLE;
    case TUNAN_MPI_INT32:
      return MPI_INT32_T;
    default:
      return MPI_INT64_T;
  }
}

static MPI_Op op_of(enum tunan_mpi_reduction reduction) {
  if (reduction == TUNAN_MPI_MAXIMUM) return MPI_MAX;
  return reduction == TUNAN_MPI_MINIMUM ? MPI_MIN : MPI_SUM;
}

static int begin_reduction(MPI_Comm comm, const struct tunan_mpi_operation* operation,
                           struct tunan_mpi_request* request) {
  const MPI_Datatype type = number_of(operation->number);
  int width;
  MPI_Type_size(type, &width);
  for (int i = 0; i < request->pieces; i++) {
    const int64_t first = (int64_t)i * PIECE, left = operation->count - first;
    const int error =
        MPI_Iallreduce(MPI_IN_PLACE, (char*)operation->out + first * width, (int)(left < PIECE ? left : PIECE), type,
                       op_of(operation->reduction), comm, &request->parts[i]);
    if (error != MPI_SUCCESS) return error;
  }
  return MPI_SUCCESS;
}

static int begin_moved(MPI_Comm comm, const struct tunan_mpi_operation* operation, int count, MPI_Datatype type,
                       MPI_Request* request) {
  const void* in = operation->in;
  void* out = operation->out;
  switch (operation->kind) {
    case TUNAN_MPI_ALL_GATHER:
      return MPI_Iallgather(in, count, type, out, count, type, comm, request);
    case TUNAN_MPI_ALL_TO_ALL:
      return MPI_Ialltoall(in, count, type, out, count, type, comm, request);
    case TUNAN_MPI_BROADCAST:
      return MPI_Ibcast(out, count, type, operation->peer, comm, request);
    case TUNAN_MPI_SEND:
      return MPI_Isend(in, count, type, operation->peer, operation->tag, comm, request);
    case TUNAN_MPI_RECEIVE:
      return MPI_Irecv(out, count, type, operation->peer, operation->tag, comm, request);
    default:
      return MPI_Ibarrier(comm, request);
  }
}

static const char* begin(struct tunan_mpi_group* group, const struct tunan_mpi_operation* operation,
                         struct tunan_mpi_request** out) {
  const int reduces = operation->kind == TUNAN_MPI_ALL_REDUCE;
  const int pieces = reduces ? (int)((operation->count + PIECE - 1) / PIECE) : 1;
  struct tunan_mpi_request* request = malloc(sizeof *request + (size_t)pieces * sizeof(MPI_Request));
  request->expected = operation->kind == TUNAN_MPI_RECEIVE ? operation->count : -1;
  request->type = MPI_BYTE;
  request->own_type = 0;
  request->pieces = pieces;
  for (int i = 0; i < pieces; i++) request->parts[i] = MPI_REQUEST_NULL;
  int error = MPI_SUCCESS;
  if (reduces) {
    error = begin_reduction(group->comm, operation, request);
  } else if (operation->count < PIECE) {
    error = begin_moved(group->comm, operation, (int)operation->count, MPI_BYTE, request->parts);
  } else {
    error = type_of(operation->count, &request->type);
    request->own_type = error == MPI_SUCCESS;
    if (error == MPI_SUCCESS) error = begin_moved(group->comm, operation, 1, request->type, request->parts);
  }
  *out = request;
  return text_of(error);
}

static const char* test(struct tunan_mpi_request* request, int* done) {
  MPI_Status status;
  int error = MPI_SUCCESS;
  *done = 1;
  for (int i = 0; i < request->pieces && error == MPI_SUCCESS && *done; i++)
    error = MPI_Test(&request->parts[i], done, &status);
  if (error == MPI_SUCCESS && !*done) return NULL;
  const char* text = text_of(error);
  if (text == NULL && request->expected >= 0) {
    MPI_Count got;
    MPI_Get_elements_x(&status, request->type, &got);
    if (got != request->expected) {
      snprintf(said, sizeof said, "a message of %lld bytes came, where %lld were expected", (long long)got,
               (long long)request->expected);
      text = said;
    }
  }
  if (request->own_type) MPI_Type_free(&request->type);
  free(request);
  return text;
}

static const char* finish(void) { return text_of(MPI_Finalize()); }

const struct tunan_mpi_calls* tunan_mpi(void) {
  static const struct tunan_mpi_calls calls = {start, open_group, begin, test, close_group, finish};
  return &calls;
}
