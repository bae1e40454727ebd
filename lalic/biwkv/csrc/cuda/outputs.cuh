// Last kernel of the forward pass.
#pragma once

#include "tokens.cuh"

template <class S> struct Outputs : Nothing {
  static constexpr int phases = 3;
  struct Shared {
    float top[kWarps][kLanes];
    WarpSums sums;  // of the method without maxima: in units of the base, the peak being the largest weight itself
  };
  Lane l;
  Shared& shared;
  Tokens<S> tokens;
  Carried before, after;
  float base = 0;

  DEVICE Outputs(const Arguments& a, int64 index, int thread, Shared& shared)
      : l(a, carried_last_first(a, index), thread), shared(shared) {}

  // The blocks that were read last by the kernel before, and may still be in the cache, come first.
  DEVICE static int64 carried_last_first(const Arguments& a, int64 index) {
    return a.batch * a.blocks * ((a.channels + kLanes - 1) / kLanes) - 1 - index;
  }

  DEVICE void first() {
    tokens.load(l);
    before = load_sums(l.a.peaks, l.a.sums, carried(l.a), l.carry(0), l.active);
    after = load_sums(l.a.peaks, l.a.sums, carried(l.a), l.carry(1), l.active);
    shared.top[l.warp][l.lane] = tokens.top();
  }
  DEVICE void second() {
    Sums forward, backward;
    if (l.is_small()) {
      base = larger(float(before.peak), float(after.peak));
      for (int i = 0; i < kWarps; i++) base = larger(base, shared.top[i][l.lane]);
      small_sums(forward, backward);
    } else {
      forward = tokens.forward(l.w);
      backward = tokens.backward(l.w);
    }
    shared.sums.of[0][l.warp][l.lane] = forward;
    shared.sums.of[1][l.warp][l.lane] = backward;
  }
  DEVICE void third() {
    if (l.is_small()) {
      small();
    } else {
      general();
    }
  }

 private:
  DEVICE void write(int i, float numerator, float denominator) const {
    if (l.has(i)) static_cast<S*>(l.a.y)[l.at(i)] = rounded<S>(divide(numerator, denominator));
  }

  // From here on k holds the weights in units of the base.
  DEVICE void small_sums(Sums& forward, Sums& backward) {
    const float keep = exp_exact(-l.w);
    forward = backward = {0, 0, 0};
    UNROLL for (int i = 0; i < kTokens; i++) {
      tokens.k[i] = exp_fast(tokens.k[i] - base);
      grow(forward, keep, tokens.k[i], tokens.v[i]);
    }
    UNROLL for (int i = kTokens - 1; i >= 0; i--) grow(backward, keep, tokens.k[i], tokens.v[i]);
  }
  DEVICE static void grow(Sums& s, float keep, float weight, float value) {
    s.numerator = s.numerator * keep + weight * value;
    s.denominator = s.denominator * keep + weight;
    s.peak = larger(s.peak * keep, weight);
  }
  DEVICE Sums small_received(int direction, const Carried& outside, float keep) const {
    const float scale = exp_fast(float(outside.peak - double(base)));
    Sums s = {scale, outside.numerator * scale, outside.denominator * scale};
    const int count = direction == 0 ? l.warp : kWarps - 1 - l.warp;
    for (int i = 0; i < count; i++) {
      const Sums& next = shared.sums.of[direction][direction == 0 ? i : kWarps - 1 - i][l.lane];
      s.numerator = s.numerator * keep + next.numerator;
      s.denominator = s.denominator * keep + next.denominator;
      s.peak = larger(s.peak * keep, next.peak);
    }
    return s;
  }
  DEVICE void small() {
    const float keep = exp_exact(-l.w), boost = exp_exact(l.u), keep_warp = exp_exact(-kTokens * l.w);
    Sums right[kTokens];
    Sums s = small_received(1, after, keep_warp);
    UNROLL for (int i = kTokens - 1; i >= 0; i--) {
      right[i] = s;
      grow(s, keep, tokens.k[i], tokens.v[i]);
    }
    s = small_received(0, before, keep_warp);
    UNROLL for (int i = 0; i < kTokens; i++) {
      const float own = tokens.k[i] * boost, peak = larger(larger(s.peak, right[i].peak), own);
      const float denominator = s.denominator + right[i].denominator + own + kEpsilon * peak;
      write(i, s.numerator + right[i].numerator + own * tokens.v[i], denominator);
      grow(s, keep, tokens.k[i], tokens.v[i]);
    }
  }
  DEVICE void general() {
    Sums right[kTokens];
    Sums s = shared.sums.received(1, after.plain(), l.warp, l.lane, kTokens * l.w);
    UNROLL for (int i = kTokens - 1; i >= 0; i--) {
      right[i] = s;
      tokens.take(s, i, l.w);
    }
    s = shared.sums.received(0, before.plain(), l.warp, l.lane, kTokens * l.w);
    UNROLL for (int i = 0; i < kTokens; i++) {
      Sums total = s;
      total.add(right[i]);
      total.add(tokens.k[i] + l.u, tokens.v[i], 1);
      write(i, total.numerator, total.denominator + kEpsilon);
      tokens.take(s, i, l.w);
    }
  }
};
