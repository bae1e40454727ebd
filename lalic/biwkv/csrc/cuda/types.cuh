// What the device offers, the constants of all kernels, and the types that tensors are stored in.
#pragma once

#ifdef __CUDACC__
#define DEVICE __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#define KEEP_LOOP _Pragma("unroll 1")
typedef long long int64;
typedef unsigned long long uint64;
DEVICE float exp_fast(float x) {  // within 2 ulp for the x near 0 that matter; 0 below -87
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x * 1.44269504f));
  return y;
}
DEVICE float exp_exact(float x) { return expf(x); }  // for factors that are multiplied many times
DEVICE float log_fast(float x) { return __logf(x); }
DEVICE float divide(float a, float b) {  // within 2 ulp; 0 over what has no normal reciprocal
  float reciprocal;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(reciprocal) : "f"(b));
  return a * reciprocal;
}
template <class T> DEVICE void store_last(T* to, T value) { __stcs(to, value); }  // leaves the cache to what is read again
DEVICE float bits_to_float(unsigned bits) { return __uint_as_float(bits); }
DEVICE unsigned float_to_bits(float x) { return __float_as_uint(x); }
DEVICE float half_to_float(unsigned short bits) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
  return x;
}
DEVICE unsigned short float_to_half(float x) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}
#endif

constexpr int kLanes = 32;
constexpr int kTokens = TOKENS;  // per thread
constexpr int kWarps = WARPS;     // per block
constexpr int kBlock = kTokens * kWarps;  // tokens per block
constexpr float kEpsilon = 1e-6f;         // added to the denominator, measured relative to the largest weight
constexpr float kNothing = -1e30f;        // exponent of no token: finite, so that differences stay numbers
constexpr float kLimit = 16;              // largest |u| and change over a block of channels without running maxima

struct Half {
  unsigned short bits;
  DEVICE operator float() const { return half_to_float(bits); }
  DEVICE static Half from(float x) { return {float_to_half(x)}; }
};

struct Bfloat16 {
  unsigned short bits;
  DEVICE operator float() const { return bits_to_float(unsigned(bits) << 16); }
  DEVICE static Bfloat16 from(float x) {
    const unsigned b = float_to_bits(x);
    if (x != x) return {(unsigned short)0x7fc0};
    return {(unsigned short)((b + 0x7fff + (b >> 16 & 1)) >> 16)};  // to nearest, ties to even
  }
};

template <class S> DEVICE void write(S* to, float x) { store_last(&to->bits, S::from(x).bits); }
template <> DEVICE void write<float>(float* to, float x) { store_last(to, x); }

// One instruction. It drops NaN, which the weights taken relative to the result bring back.
DEVICE float larger(float a, float b) { return fmaxf(a, b); }
DEVICE double larger(double a, double b) { return fmax(a, b); }
