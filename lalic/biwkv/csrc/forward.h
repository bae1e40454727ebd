// BiWKV forward for decays that are small over a chunk: one exponential per element and pass. README.md has the maths.
// S: the type of k, v and y in memory, T: that of the sums, of w and of u.
#pragma once

#include <algorithm>

#include "bfloat16.h"
#include "sums.h"
#include "vector.h"

namespace biwkv {

constexpr float kLeastTop = -1e30f;  // of a chunk whose keys are all -inf: differences from it stay numbers
constexpr int kChunk = 128;  // tokens; fixed, so that results do not depend on the number of threads

// Decay and boost of one vector of channels, as factors.
template <class T> struct Factors {
  Vec<T> decay, keep, boost;  // w, e^-w, e^u

  Factors(const T* w, const T* u) : decay(load(w)), keep(exp<T>(-decay)), boost(exp<T>(load(u))) {}
};

// A chunk's tokens in one vector of channels: rows of `stride` values.
template <class S> struct Rows {
  using T = Computed<S>;
  const S* k;
  const S* v;
  int64_t stride;
  int count;
  int64_t ahead;  // offset of this vector's share of the next chunk, taken as one run of memory

  Vec<T> key(int i) const { return load(k + i * stride); }
  Vec<T> value(int i) const { return load(v + i * stride); }

  // Asks for one line of the next chunk. One per exponential and in the order of memory: this halves the time, where
  // requests in bursts or row by row gain nothing (measured, 2 cores, T = 98304, C = 96).
  void prefetch(int i) const {
    __builtin_prefetch(k + ahead + i * kLanes<T>, 0, 2);
    __builtin_prefetch(v + ahead + i * kLanes<T>, 0, 2);
  }
};

template <class S> inline Vec<Computed<S>> largest_key(const Rows<S>& rows) {
  using T = Computed<S>;
  Vec<T> most = all<T>(T(kLeastTop));
  for (int i = 0; i < rows.count; i++) most = larger(most, rows.key(i));
  return most;
}

// The chunk's sums as the next token after it (forward) and the last before it (backward) receive them.
template <class S, class T>
void summarise(const Rows<S>& rows, const Factors<T>& f, Carry<T> forward, Carry<T> backward) {
  const Vec<T> top = largest_key(rows);
  const Vec<T> least = all<T>(Exp<T>::floor);
  Vec<T> numerator{}, denominator{}, peak = least;
  Vec<T> numerator_back{}, denominator_back{}, peak_back = least;
  Vec<T> kept = all<T>(1), lag{};
  for (int i = 0; i < rows.count; i++) {
    rows.prefetch(i);
    const Vec<T> exponent = rows.key(i) - top;
    const Vec<T> weight = exp<T>(exponent);
    const Vec<T> weighted = weight * rows.value(i);
    numerator = numerator * f.keep + weighted;
    denominator = denominator * f.keep + weight;
    peak = larger(peak - f.decay, exponent);
    numerator_back += kept * weighted;
    denominator_back += kept * weight;
    peak_back = larger(peak_back, exponent - lag);
    kept *= f.keep;
    lag += f.decay;
  }
  forward.set(top, peak, numerator, denominator);
  backward.set(top, peak_back, numerator_back, denominator_back);
}

// y of the chunk's tokens, from the sums over all tokens before and after the chunk.
template <class S, class T>
void outputs(const Rows<S>& rows, const Factors<T>& f, Carry<T> before, Carry<T> after, S* y) {
  const Vec<T> top = larger(largest_key(rows), larger(before.peak(), after.peak()));
  Vec<T> weights[kChunk], numerators[kChunk], denominators[kChunk], peaks[kChunk];
  Relative<T> sums = after.relative(top);
  for (int i = rows.count - 1; i >= 0; i--) {
    rows.prefetch(rows.count - 1 - i);
    weights[i] = exp<T>(rows.key(i) - top);
    numerators[i] = sums.numerator;
    denominators[i] = sums.denominator;
    peaks[i] = sums.peak;
    sums.grow(f.keep, weights[i], weights[i] * rows.value(i));
  }
  sums = before.relative(top);
  for (int i = 0; i < rows.count; i++) {
    const Vec<T> value = rows.value(i), weight = weights[i], weighted = weight * value;
    const Vec<T> own = weight * f.boost;
    const Vec<T> peak = larger(larger(sums.peak, peaks[i]), own);
    const Vec<T> numerator = sums.numerator + numerators[i] + own * value;
    const Vec<T> denominator = sums.denominator + denominators[i] + own + peak * T(kEpsilon);
    store(y + i * rows.stride, numerator / denominator);
    sums.grow(f.keep, weight, weighted);
  }
}

}  // namespace biwkv
