// GELU, the tanh approximation of Hendrycks & Gimpel 2016, by an exponential: u / (1 + e^(-2 sqrt(2 / pi) (u + 0.044715
// u³))).
#pragma once
#include "vectorise.h"

namespace tunan {

constexpr double kGeluScale = 1.5957691216057308;  // 2 sqrt(2 / pi)
constexpr double kGeluCubic = 0.044715;

template <typename Real>
TUNAN_INLINE Real geluOf(Real u) {
  Real z = Real(-kGeluScale) * (u + Real(kGeluCubic) * u * u * u);
  z = z > Real(80) ? Real(80) : z;
  return u / (Real(1) + exponential(z));
}

}  // namespace tunan
