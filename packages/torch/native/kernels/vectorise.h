// What lets the compiler vectorise the row kernels for the machine they run on: vectorised<Kernel>(…) of cpu-path.h,
// and an exponential it can inline.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "cpu-path.h"

namespace tunan {

// e^x in float32 for x <= 88: range reduction by ln 2 in two parts and a degree-6 polynomial (Cephes' coefficients);
// relative error below 2e-7. Below e^-60 it is zero: beside a row's maximum of 1 that is nothing, and the denormal
// numbers it would lead to make every later product slow.
TUNAN_INLINE float exponential(float x) {
  const float clamped = x < -60.0f ? -60.0f : x;
  const float n = std::nearbyintf(clamped * 1.44269504088896341f);
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float mantissa = p * r * r + r + 1.0f;
  const int32_t bits = (int32_t(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return x < -60.0f ? 0.0f : mantissa * power;
}

TUNAN_INLINE double exponential(double x) { return std::exp(x); }

}  // namespace tunan
