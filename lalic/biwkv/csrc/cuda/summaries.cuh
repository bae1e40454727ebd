// First kernel.
#pragma once

#include "tokens.cuh"

template <class S> struct Summaries : Nothing {
  static constexpr int phases = 2;
  using Shared = WarpSums;
  Lane l;
  Shared& shared;

  DEVICE Summaries(const Arguments& a, unsigned index, int thread, Shared& shared) : l(a, index, thread), shared(shared) {}

  DEVICE void first() {
    Tokens<S> tokens;
    tokens.load(l);
    if (l.small) {
      const float base = tokens.weigh();
      tokens.share(shared, l, base, exp_exact(-l.w));
    } else {
      Giving(tokens).share(shared, l);
    }
  }
  DEVICE void second() {
    const int direction = l.warp;
    if (direction > 1 || !l.active) return;
    Carried s;
    if (l.small) {
      const float top = shared.top(direction, l.lane);
      s = in_units_of_largest(top, shared.total(direction, l.lane, exp_exact(-kTokens * l.w), top));
    } else {
      const Sums all = shared.all(direction, l.lane, kTokens * l.w);
      s = {double(all.peak), all.numerator, all.denominator};
    }
    store_sums(l.a.peaks, l.a.sums, carried(l.a), l.carry(direction), s);
  }

 private:
  DEVICE static Carried in_units_of_largest(float base, const Linear& s) {
    const float peak = s.largest > 0 ? log_fast(s.largest) : 0, scale = exp_exact(-peak);
    return {double(base) + double(peak), s.numerator * scale, s.denominator * scale};
  }
};
