// Last kernel of the forward pass.
#pragma once

#include "tokens.cuh"

template <class S> struct Outputs : Nothing {
  static constexpr int phases = 3;
  using Shared = WarpSums;
  Lane l;
  Shared& shared;
  Tokens<S> tokens;
  Outside outside;
  float base = 0;

  DEVICE Outputs(const Arguments& a, unsigned index, int thread, Shared& shared)
      : l(a, last_first(a, index), thread), shared(shared) {}

  DEVICE void first() {
    tokens.load(l);
    if (l.warp < 2) outside.load(l);
    if (l.small) {
      base = tokens.weigh();
      tokens.share(shared, l, base, exp_exact(-l.w));
    } else {
      Giving(tokens).share(shared, l);
    }
  }
  DEVICE void second() {
    if (l.warp < 2 && l.small) outside.scan(shared, l);
  }
  DEVICE void third() {
    if (l.small) {
      small();
    } else {
      general();
    }
  }

 private:
  DEVICE void small() {
    const float keep = exp_exact(-l.w), boost = exp_exact(l.u);
    const WarpSums::Own &before = shared.of[0][l.warp][l.lane], &after = shared.of[1][l.warp][l.lane];
    tokens.scale(exp_fast(base - after.base));
    UNROLL for (int i = 0; i < kTokens; i++) tokens.v[i] *= tokens.k[i];
    Linear right[kTokens];
    Linear s = after.sums;
    UNROLL for (int i = kTokens - 1; i >= 0; i--) {
      right[i] = s;
      s.grow(keep, tokens.k[i], tokens.v[i]);
    }
    s = before.sums;
    UNROLL for (int i = 0; i < kTokens; i++) {
      const float own = tokens.k[i] * boost, largest = larger(larger(s.largest, right[i].largest), own);
      const float numerator = s.numerator + right[i].numerator + boost * tokens.v[i];
      const float denominator = s.denominator + right[i].denominator + own + kEpsilon * largest;
      l.store<S>(l.a.y, i, divide(numerator, denominator));
      s.grow(keep, tokens.k[i], tokens.v[i]);
    }
  }
  DEVICE void general() {
    if (!l.active) return;
    const Giving giving(tokens);
    Sums right[kTokens];
    Sums s = giving.received(1, l, shared);
    KEEP_LOOP for (int i = kTokens - 1; i >= 0; i--) {
      right[i] = s;
      giving.take(s, i, l.w);
    }
    s = giving.received(0, l, shared);
    KEEP_LOOP for (int i = 0; i < kTokens; i++) {
      Sums total = s;
      total.add(right[i]);
      total.add(giving.k[i] + l.u, giving.v[i], 1);
      l.store<S>(l.a.y, i, divide(total.numerator, total.denominator + kEpsilon));
      giving.take(s, i, l.w);
    }
  }
};
