// What the norms share: activations in one dtype, normed ones in another, statistics and weights in the wider type.
#pragma once
#include "rows.h"

namespace tunan {

inline at::ScalarType wideType(at::ScalarType dtype) { return dtype == at::kDouble ? at::kDouble : at::kFloat; }

// Calls body(storage type of the input, storage type of the result).
template <typename Body>
void dispatchPair(at::ScalarType in, at::ScalarType out, const char* operation, Body&& body) {
  dispatchStored(in, operation, [&](auto storedIn) {
    dispatchStored(out, operation, [&](auto storedOut) { body(storedIn, storedOut); });
  });
}

}  // namespace tunan
