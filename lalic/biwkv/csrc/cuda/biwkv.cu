// BiWKV on the GPU: a two-level scan over T. A warp has one channel per lane and kTokens tokens, a block kWarps warps
// one after the other in T. Kernels, in order; README.md has the maths:
//   summaries   the sums over each block's tokens, as both neighbours receive them
//   carry       the sums over all blocks before and after each block
//   outputs     y
// and for the gradients, after summaries and carry:
//   receivers   the sums over each block's receiving tokens
//   carry       as above
//   gradients   dk, dv, and each block's part of dw and du
//
// Channels of small decay and boost, all that are trained, are linear recurrences with one exponential per token; the
// others have a running maximum, and take several times as long.
//
// Accumulation is in float32. A peak that is carried over thousands of blocks is in double precision, since each step
// would round it. No atomics: results depend on nothing but the arguments. Compiled at run time with TOKENS, WARPS,
// RESIDENT (blocks per multiprocessor), STORAGE (float, Half or Bfloat16) and BACKWARD (0 or 1) defined; the tests
// compile the same text as C++ and run the phases of all threads of a block one after the other.

#include "carry.cuh"
#include "gradients.cuh"
#include "outputs.cuh"
#include "summaries.cuh"

#ifdef __CUDACC__
template <class Body> DEVICE void run(const Arguments& a) {
  __shared__ typename Body::Shared shared;
  Body body(a, blockIdx.x, threadIdx.x, shared);
  body.first();
  __syncthreads();
  body.second();
  if constexpr (Body::phases > 2) {
    __syncthreads();
    body.third();
  }
  if constexpr (Body::phases > 3) {
    __syncthreads();
    body.fourth();
  }
  if constexpr (Body::phases > 4) {
    __syncthreads();
    body.fifth();
    __syncthreads();
    body.sixth();
  }
}

#define KERNEL(name, bounds, ...) \
  extern "C" __global__ void __launch_bounds__ bounds name(const __grid_constant__ Arguments a) { run<__VA_ARGS__>(a); }
#define OF_TOKENS (kWarps * kLanes, RESIDENT)
#define OF_CARRY (Carry::kSegments * Carry::kRow)

KERNEL(summaries, OF_TOKENS, Summaries<STORAGE>)
KERNEL(carry_givers, OF_CARRY, CarryGivers)
#if BACKWARD
KERNEL(receivers, OF_TOKENS, Receivers<STORAGE>)
KERNEL(carry_receivers, OF_CARRY, CarryReceivers)
KERNEL(gradients, OF_TOKENS, Gradients<STORAGE>)
#else
KERNEL(outputs, OF_TOKENS, Outputs<STORAGE>)
#endif
#endif
