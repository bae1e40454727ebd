// Weighted sums over runs of tokens, one lane per channel, and how they are carried from chunk to chunk.
#pragma once

#include "vector.h"

namespace biwkv {

using namespace native;

constexpr double kEpsilon = 1e-6;     // added to the denominator, measured relative to the largest weight
constexpr double kNothing = -1e300;   // peak of the sums over no tokens: finite, so that differences stay numbers

// Sums in units of e^reference, the reference being known from the context.
template <class T> struct Relative {
  Vec<T> peak, numerator, denominator;  // peak: the largest weight itself

  void grow(Vec<T> keep, Vec<T> weight, Vec<T> weighted) {
    numerator = numerator * keep + weighted;
    denominator = denominator * keep + weight;
    peak = larger(peak * keep, weight);
  }
};

// Sums in units of e^peak in memory, for one vector of channels. The peak, the largest exponent, is kept in double
// precision: it is carried over thousands of chunks, and in float32 each step would round it.
template <class T> struct Carry {
  double* peaks;
  T* numerators;
  T* denominators;

  Wide<T> wide_peak() const {
    Wide<T> v;
    std::memcpy(&v, peaks, sizeof v);
    return v;
  }
  Vec<T> peak() const { return narrow<T>(wide_peak()); }

  void put(Wide<T> peak, Vec<T> numerator, Vec<T> denominator) const {
    std::memcpy(peaks, &peak, sizeof peak);
    store(numerators, numerator);
    store(denominators, denominator);
  }

  // From sums in units of e^reference with the largest exponent `peak` above it.
  void set(Vec<T> reference, Vec<T> peak, Vec<T> numerator, Vec<T> denominator) const {
    const Vec<T> scale = exp<T>(-peak);
    put(widen<T>(reference) + widen<T>(peak), numerator * scale, denominator * scale);
  }

  Relative<T> relative(Vec<T> reference) const {
    const Vec<T> scale = exp<T>(narrow<T>(wide_peak() - widen<T>(reference)));
    return {scale, load(numerators) * scale, load(denominators) * scale};
  }
};

// The running sums over all chunks seen so far, as the next chunk receives them.
template <class T> struct Running {
  Wide<T> peak = kNothing - Wide<T>{};
  Vec<T> numerator{}, denominator{};

  // Replaces a chunk's own sums by the sums over all chunks before it, and takes the chunk in; `decay` is that over it.
  void exchange(Carry<T> chunk, Wide<T> decay) {
    const Running seen = *this;
    const Wide<T> own = chunk.wide_peak(), aged = peak - decay;
    peak = aged > own ? aged : own;
    const Vec<T> old_scale = exp<T>(narrow<T>(aged - peak)), new_scale = exp<T>(narrow<T>(own - peak));
    numerator = numerator * old_scale + load(chunk.numerators) * new_scale;
    denominator = denominator * old_scale + load(chunk.denominators) * new_scale;
    chunk.put(seen.peak, seen.numerator, seen.denominator);
  }
};

}  // namespace biwkv
