// Which of its own kernels OpenBLAS runs, for libtorch's products in float32.
#pragma once

namespace tunan {

// OpenBLAS chooses by the processor's model number, and takes kernels of 2004 (Prescott, without AVX) for every model
// made after it: 0.3.21 of Debian 12 does so on Emerald Rapids, Meteor Lake and Zen 5, where products in float32 run at
// a seventh of their speed. Where that happened, the kernels are chosen again by what the processor can do. To be
// called once, before the first product. Does nothing for another BLAS, or where OPENBLAS_CORETYPE is set.
void chooseBlasCore();

// As OpenBLAS names it (SkylakeX, Haswell …); empty for another BLAS.
const char* blasCore();

}  // namespace tunan
