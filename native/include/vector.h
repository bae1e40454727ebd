// Vectors over channels, in the widest form of the instruction set this file is compiled for.
//
// Only +, -, *, / and comparisons of IEEE 754 are used, one lane per channel and never reassociated, and the build
// forbids contraction to fused multiply-add: so every instruction set gives the same bits.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

namespace native {

template <class T> struct Types;

template <> struct Types<float> {
  typedef float Vector __attribute__((vector_size(kVectorBytes)));
  typedef uint32_t Integers __attribute__((vector_size(kVectorBytes)));
  typedef double Wide __attribute__((vector_size(2 * kVectorBytes)));  // as many doubles as lanes
};

template <> struct Types<double> {
  typedef double Vector __attribute__((vector_size(kVectorBytes)));
  typedef uint64_t Integers __attribute__((vector_size(kVectorBytes)));
  typedef Vector Wide;
};

template <class T> using Vec = typename Types<T>::Vector;
template <class T> using Wide = typename Types<T>::Wide;
template <class T> constexpr int kLanes = kVectorBytes / sizeof(T);

template <class T> inline Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T> inline void store(T* to, Vec<T> v) { std::memcpy(to, &v, sizeof v); }

template <class T> inline Vec<T> all(T value) { return value - Vec<T>{}; }

template <class T> inline Wide<T> widen(Vec<T> v) { return __builtin_convertvector(v, Wide<T>); }
template <class T> inline Vec<T> narrow(Wide<T> v) { return __builtin_convertvector(v, Vec<T>); }

template <class V> inline V larger(V a, V b) { return a > b ? a : b; }

template <class V, class I> inline V as(I bits) {
  V v;
  static_assert(sizeof v == sizeof bits, "a vector of the same size");
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

template <class T> struct Exp;

// Maximum error over [floor, 88] 1.2 ulp, measured (tests/lalic/biwkv/test_cpu.py).
template <> struct Exp<float> {
  static constexpr float floor = -70;                // e^floor stays normal after the decays that are allowed
  static constexpr float round = 12582912;           // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  static constexpr float log2e = 1.44269504f;
  static constexpr float ln2_high = 0.693359375f;    // few bits, so that products with small integers are exact
  static constexpr float ln2_low = -2.12194440e-4f;
  static constexpr int mantissa = 23;
  // (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2: own minimax fit, off by at most 3.1e-9 of e^r
  static Vec<float> tail(Vec<float> r) {
    Vec<float> p = r * 1.38144670593e-3f + 8.36878041118e-3f;
    p = p * r + 4.16683942109e-2f;
    p = p * r + 1.66665201078e-1f;
    return p * r + 4.99999934125e-1f;
  }
};

// Maximum error over [floor, 709] 1.2 ulp, measured (tests/lalic/biwkv/test_cpu.py).
template <> struct Exp<double> {
  static constexpr double floor = -650;
  static constexpr double round = 6755399441055744;  // 1.5 * 2^52
  static constexpr double log2e = 1.4426950408889634;
  static constexpr double ln2_high = 0.693145751953125;
  static constexpr double ln2_low = 1.42860682030941723212e-6;
  static constexpr int mantissa = 52;
  // Taylor: the next term is below 2^-57 of e^r
  static Vec<double> tail(Vec<double> r) {
    Vec<double> p = r * (1. / 6227020800) + 1. / 479001600;
    p = p * r + 1. / 39916800;
    p = p * r + 1. / 3628800;
    p = p * r + 1. / 362880;
    p = p * r + 1. / 40320;
    p = p * r + 1. / 5040;
    p = p * r + 1. / 720;
    p = p * r + 1. / 120;
    p = p * r + 1. / 24;
    p = p * r + 1. / 6;
    return p * r + 0.5;
  }
};

// e^x; below the floor e^floor, which is nothing beside any other weight.
template <class T> inline Vec<T> exp(Vec<T> x) {
  using E = Exp<T>;
  using I = typename Types<T>::Integers;
  x = larger(all<T>(E::floor), x);  // in this order NaN stays NaN
  const Vec<T> shifted = x * E::log2e + E::round;
  const Vec<T> n = shifted - E::round;
  const Vec<T> r = (x - n * E::ln2_high) - n * E::ln2_low;
  const Vec<T> power = E::tail(r) * (r * r) + r + T(1);
  return as<Vec<T>>(as<I>(power) + (as<I>(shifted) << E::mantissa));
}

}  // namespace native
