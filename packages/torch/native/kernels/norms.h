// What the norms share: activations in one dtype, normed ones in another, statistics and weights in the wider type.
#pragma once
#include "rows.h"

namespace tunan {

inline at::ScalarType wideType(at::ScalarType dtype) { return dtype == at::kDouble ? at::kDouble : at::kFloat; }

}  // namespace tunan
