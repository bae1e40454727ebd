// The kernels of biwkv.cu as a C++ program: every phase of all threads of a block, block by block.
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#define DEVICE inline
#define UNROLL
#define KEEP_LOOP
typedef long long int64;
typedef unsigned long long uint64;
inline float exp_fast(float x) { return x < -87 ? 0 : std::exp(x); }
inline float exp_exact(float x) { return std::exp(x); }
inline float log_fast(float x) { return std::log(x); }
inline float divide(float a, float b) { return a / b; }
template <class To, class From> To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From), "the same number of bits");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
template <class T> void store_last(T* to, T value) { *to = value; }
inline float bits_to_float(unsigned bits) { return bits_as<float>(bits); }
inline unsigned float_to_bits(float x) { return bits_as<unsigned>(x); }
inline float half_to_float(unsigned short bits) {  // binary16 by its definition
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = bits >> 15 ? -1 : 1;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024.f + fraction, exponent - 25) : std::ldexp(float(fraction), -24));
}
inline unsigned short float_to_half(float x) {  // to nearest, ties to even, for normal results
  const unsigned b = float_to_bits(x), sign = b >> 16 & 0x8000;
  const float magnitude = std::fabs(x);
  if (x != x) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < std::ldexp(1.f, -14)) return sign | (unsigned)std::nearbyint(std::ldexp(magnitude, 24));
  const unsigned m = (b & 0x7fffffff) + 0xfff + (b >> 13 & 1);
  return sign | ((m >> 13) - (112 << 10));
}

#include "biwkv.cu"

// turned: from the last thread to the first, which must make no difference.
template <class Body> void emulate(const Arguments& a, int blocks, int threads, bool turned) {
  for (int index = 0; index < blocks; index++) {
    auto shared = std::make_unique<typename Body::Shared>();
    std::memset(static_cast<void*>(shared.get()), 0xff, sizeof *shared);  // NaN: what is read must have been written
    std::vector<Body> bodies;
    bodies.reserve(threads);
    for (int thread = 0; thread < threads; thread++) bodies.emplace_back(a, index, thread, *shared);
    auto all = [&](auto phase) {
      for (int i = 0; i < threads; i++) phase(bodies[turned ? threads - 1 - i : i]);
    };
    all([](Body& body) { body.first(); });
    all([](Body& body) { body.second(); });
    if constexpr (Body::phases > 2) all([](Body& body) { body.third(); });
    if constexpr (Body::phases > 3) all([](Body& body) { body.fourth(); });
    if constexpr (Body::phases > 4) {
      all([](Body& body) { body.fifth(); });
      all([](Body& body) { body.sixth(); });
    }
  }
}

// Kernels by their names in biwkv.cu. Returns 1 for an unknown name or another number of threads.
extern "C" int launch(const char* kernel, const Arguments* a, int blocks, int threads, int turned) {
  const std::string name = kernel;
  if (threads != (name.rfind("carry", 0) == 0 ? Carry::kSegments * Carry::kRow : kWarps * kLanes)) return 1;
  if (name == "summaries") return emulate<Summaries<STORAGE>>(*a, blocks, threads, turned), 0;
  if (name == "outputs") return emulate<Outputs<STORAGE>>(*a, blocks, threads, turned), 0;
  if (name == "receivers") return emulate<Receivers<STORAGE>>(*a, blocks, threads, turned), 0;
  if (name == "gradients") return emulate<Gradients<STORAGE>>(*a, blocks, threads, turned), 0;
  if (name == "carry_givers") return emulate<CarryGivers>(*a, blocks, threads, turned), 0;
  if (name == "carry_receivers") return emulate<CarryReceivers>(*a, blocks, threads, turned), 0;
  return 1;
}
