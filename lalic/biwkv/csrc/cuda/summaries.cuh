// First kernel.
#pragma once

#include "tokens.cuh"

template <class S> struct Summaries : Nothing {
  static constexpr int phases = 3;
  struct Shared {
    float top[kWarps][kLanes];
    WarpSums sums;
  };
  Lane l;
  Shared& shared;
  Tokens<S> tokens;
  float base = 0;

  DEVICE Summaries(const Arguments& a, int64 index, int thread, Shared& shared) : l(a, index, thread), shared(shared) {}

  DEVICE void first() {
    tokens.load(l);
    shared.top[l.warp][l.lane] = tokens.top();
  }
  DEVICE void second() {
    if (l.is_small()) {
      base = kNothing;  // not less, if all keys are -inf
      for (int i = 0; i < kWarps; i++) base = larger(base, shared.top[i][l.lane]);
      small();
    } else {
      shared.sums.of[0][l.warp][l.lane] = tokens.forward(l.w);
      shared.sums.of[1][l.warp][l.lane] = tokens.backward(l.w);
    }
  }
  DEVICE void third() {
    if (l.warp > 1 || !l.active) return;
    const Sums s = shared.sums.all(l.warp, l.lane, kTokens * l.w);
    store_sums(l.a.peaks, l.a.sums, carried(l.a), l.carry(l.warp), double(base) + double(s.peak), s);
  }

 private:
  DEVICE void small() {
    const float keep = exp_exact(-l.w);
    Sums forward = no_sums(), backward = no_sums();
    float kept = 1, lag = 0;
    UNROLL for (int i = 0; i < kTokens; i++) {
      const float exponent = tokens.k[i] - base, weight = exp_fast(exponent), weighted = weight * tokens.v[i];
      forward.numerator = forward.numerator * keep + weighted;
      forward.denominator = forward.denominator * keep + weight;
      forward.peak = larger(forward.peak - l.w, exponent);
      backward.numerator += kept * weighted;
      backward.denominator += kept * weight;
      backward.peak = larger(backward.peak, exponent - lag);
      kept *= keep;
      lag += l.w;
    }
    shared.sums.of[0][l.warp][l.lane] = in_units_of_peak(forward);
    shared.sums.of[1][l.warp][l.lane] = in_units_of_peak(backward);
  }
  DEVICE static Sums in_units_of_peak(const Sums& s) {  // from units of the base; the peak is relative to it
    const float peak = larger(s.peak, -60.f);           // below, the scale would overflow, and the sums count for nothing
    const float scale = exp_fast(-peak);
    return {peak, s.numerator * scale, s.denominator * scale};
  }
};
