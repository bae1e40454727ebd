// bfloat16 in memory: the upper half of a float32. Kernels compute with it as float32, so a template over the type in
// memory takes it as it takes float and double.
#pragma once

#include "vector.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace native {

// The upper halves of x's bits, rounded to nearest, ties to even; NaN stays NaN. F, I: float and uint32_t, or vectors.
template <class F, class I> inline I upper_half(F x, I bits) {
  const I rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16, quiet = I{} + 0x7fc0u;
  return x == x ? rounded : quiet;
}

struct Bfloat16 {
  uint16_t bits;

  Bfloat16() = default;
  explicit Bfloat16(float x) : bits(static_cast<uint16_t>(upper_half(x, as<uint32_t>(x)))) {}
  operator float() const { return as<float>(uint32_t(bits) << 16); }
};

template <class S> struct ComputedAs {
  typedef S Type;
};
template <> struct ComputedAs<Bfloat16> {
  typedef float Type;
};
// The type in which values that lie in memory as S are computed.
template <class S> using Computed = typename ComputedAs<S>::Type;

template <class T, int count> struct VectorOf {
  typedef T Type __attribute__((vector_size(count * sizeof(T))));
};

template <class From, class To> inline void widen(From from, To& to) { to = __builtin_convertvector(from, To); }
#if defined(__AVX2__)  // GCC 12 makes four instructions of that, where one does it
inline void widen(VectorOf<uint16_t, 8>::Type from, VectorOf<uint32_t, 8>::Type& to) {
  to = as<VectorOf<uint32_t, 8>::Type>(_mm256_cvtepu16_epi32(as<__m128i>(from)));
}
#endif
#if defined(__AVX512F__)
inline void widen(VectorOf<uint16_t, 16>::Type from, VectorOf<uint32_t, 16>::Type& to) {
  to = as<VectorOf<uint32_t, 16>::Type>(_mm512_maskz_cvtepu16_epi32(0xffff, as<__m256i>(from)));
}
#endif

// `count` values between memory and registers.
template <int count> struct Bfloat16Lanes {
  using Stored = typename VectorOf<uint16_t, count>::Type;
  using Bits = typename VectorOf<uint32_t, count>::Type;
  using Vector = typename VectorOf<float, count>::Type;

  static Vector load(const Bfloat16* from) {
    Stored stored;
    Bits bits;
    std::memcpy(&stored, from, sizeof stored);
    widen(stored, bits);
    bits <<= 16;
    Vector v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
  }
  static void store(Bfloat16* to, Vector v) {
    const Stored stored = __builtin_convertvector(upper_half(v, as<Bits>(v)), Stored);
    std::memcpy(to, &stored, sizeof stored);
  }
};

inline Vec<float> load(const Bfloat16* from) { return Bfloat16Lanes<kLanes<float>>::load(from); }
inline void store(Bfloat16* to, Vec<float> v) { Bfloat16Lanes<kLanes<float>>::store(to, v); }

}  // namespace native
