// BiWKV's gradients for decays that are small over a chunk: one exponential per element and pass, as in forward.h.
#pragma once

#include "forward.h"

namespace biwkv {

template <class T> struct Pair {  // sums over givers or receivers, in units known from the context
  Vec<T> numerator, denominator;

  void grow(Vec<T> keep, Vec<T> own_numerator, Vec<T> own_denominator) {
    numerator = numerator * keep + own_numerator;
    denominator = denominator * keep + own_denominator;
  }
};

// A chunk's tokens as receivers, in units of e^top: h, the gradient of y over its denominator, and hy, h * y.
template <class T> struct Receivers {
  Vec<T> top, weights[kChunk], h[kChunk], hy[kChunk];
  Pair<T> earlier[kChunk], later[kChunk];  // over the givers on either side

  // before, after: the sums over all tokens before and after the chunk. grad: dL/dy, rows as those of k.
  void receive(const Rows<T>& rows, const Factors<T>& f, Carry<T> before, Carry<T> after, const T* grad) {
    top = larger(largest_key(rows), larger(before.peak(), after.peak()));
    Vec<T> peaks[kChunk];  // of the later givers
    Relative<T> sums = after.relative(top);
    for (int i = rows.count - 1; i >= 0; i--) {
      rows.prefetch(rows.count - 1 - i);
      weights[i] = exp<T>(rows.key(i) - top);
      later[i] = {sums.numerator, sums.denominator};
      peaks[i] = sums.peak;
      sums.grow(f.keep, weights[i], weights[i] * rows.value(i));
    }
    sums = before.relative(top);
    for (int i = 0; i < rows.count; i++) {
      earlier[i] = {sums.numerator, sums.denominator};
      const Vec<T> own = weights[i] * f.boost, peak = larger(larger(sums.peak, peaks[i]), own);
      const Vec<T> numerator = sums.numerator + later[i].numerator + own * rows.value(i);
      const Vec<T> denominator = sums.denominator + later[i].denominator + own + peak * T(kEpsilon);
      const Vec<T> reciprocal = T(1) / denominator;
      h[i] = load(grad + i * rows.stride) * reciprocal;
      hy[i] = h[i] * (numerator * reciprocal);
      sums.grow(f.keep, weights[i], weights[i] * rows.value(i));
    }
  }

  // Their sums as the next token after the chunk (before it) receives them, in units of e^-top.
  void summarise(const Rows<T>& rows, const Factors<T>& f, Carry<T> forward, Carry<T> backward) const {
    Pair<T> sums{}, back{};
    for (int i = 0; i < rows.count; i++) sums.grow(f.keep, hy[i], h[i]);
    for (int i = rows.count - 1; i >= 0; i--) back.grow(f.keep, hy[i], h[i]);
    forward.put(-widen<T>(top), sums.numerator, sums.denominator);
    backward.put(-widen<T>(top), back.numerator, back.denominator);
  }

  // dk and dv of the chunk's tokens, and its part of dw and du, from the receivers before and after the chunk.
  void give(const Rows<T>& rows, const Factors<T>& f, Carry<T> before, Carry<T> after, T* dk, T* dv, double* dw,
            double* du) const {
    Pair<T> all[kChunk], sums = pair(before);
    Vec<T> flows{}, boosts{};
    for (int i = 0; i < rows.count; i++) {
      all[i] = {sums.numerator + f.boost * hy[i], sums.denominator + f.boost * h[i]};
      flows += flow(sums, later[i]);
      sums.grow(f.keep, hy[i], h[i]);
    }
    sums = pair(after);
    for (int i = rows.count - 1; i >= 0; i--) {
      const Vec<T> value = rows.value(i), share = weights[i] * (all[i].denominator + sums.denominator);
      store(dv + i * rows.stride, share);
      store(dk + i * rows.stride, value * share - weights[i] * (all[i].numerator + sums.numerator));
      boosts += weights[i] * (value * h[i] - hy[i]);
      flows += flow(sums, earlier[i]);
      sums.grow(f.keep, hy[i], h[i]);
    }
    const Wide<T> decay_part = widen<T>(-f.keep * flows), boost_part = widen<T>(f.boost * boosts);
    std::memcpy(dw, &decay_part, sizeof decay_part);
    std::memcpy(du, &boost_part, sizeof boost_part);
  }

 private:
  Pair<T> pair(Carry<T> carry) const {
    const Relative<T> sums = carry.relative(-top);
    return {sums.numerator, sums.denominator};
  }
  // All that flows over one token, from the givers on one side to the receivers on the other.
  static Vec<T> flow(const Pair<T>& receivers, const Pair<T>& givers) {
    return receivers.denominator * givers.numerator - receivers.numerator * givers.denominator;
  }
};

}  // namespace biwkv
