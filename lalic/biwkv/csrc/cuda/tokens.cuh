// A thread's tokens.
#pragma once

#include "sums.cuh"

// A thread's giving tokens; where there are none, weight 0.
template <class S> struct Tokens {
  float k[kTokens], v[kTokens];

  DEVICE void load(const Lane& l) {
    l.load<S>(l.a.k, k, kNothing);
    l.load<S>(l.a.v, v, 0);
  }

  // Without running maxima: k becomes the weights in units of e^base, which is returned: the largest key.
  DEVICE float weigh() {
    float base = kNothing;  // not less, if all keys are -inf
    UNROLL for (int i = 0; i < kTokens; i++) base = larger(base, k[i]);
    UNROLL for (int i = 0; i < kTokens; i++) k[i] = exp_fast(k[i] - base);
    return base;
  }
  DEVICE void scale(float by) {
    UNROLL for (int i = 0; i < kTokens; i++) k[i] *= by;
  }
  DEVICE void share(WarpSums& shared, const Lane& l, float base, float keep) const {
    Linear forward = {0, 0, 0}, backward = {0, 0, 0};
    UNROLL for (int i = 0; i < kTokens; i++) forward.grow(keep, k[i], k[i] * v[i]);
    UNROLL for (int i = kTokens - 1; i >= 0; i--) backward.grow(keep, k[i], k[i] * v[i]);
    shared.set(0, l, base, forward);
    shared.set(1, l, base, backward);
  }
};

// The same tokens with running maxima, for channels of large decay: in memory, so that others have the registers.
struct Giving {
  float k[kTokens], v[kTokens];

  template <class S> DEVICE explicit Giving(const Tokens<S>& tokens) {
    UNROLL for (int i = 0; i < kTokens; i++) {
      k[i] = tokens.k[i];
      v[i] = tokens.v[i];
    }
  }
  // What this warp receives from one side, of outside and of its block.
  DEVICE static Sums received(int direction, const Lane& l, const WarpSums& shared) {
    const Carried outside = load_sums(l.a.peaks, l.a.sums, carried(l.a), l.carry(direction));
    return shared.received(direction, outside.plain(), l.warp, l.lane, kTokens * l.w);
  }
  DEVICE float weight(int i) const { return k[i] > kNothing / 2 ? 1.f : 0.f; }
  DEVICE void take(Sums& s, int i, float w) const {
    s.peak -= w;
    s.add(k[i], v[i], weight(i));
  }
  DEVICE void share(WarpSums& shared, const Lane& l) const {
    Sums s = no_sums();
    KEEP_LOOP for (int i = 0; i < kTokens; i++) take(s, i, l.w);
    shared.set(0, l, s);
    s = no_sums();
    KEEP_LOOP for (int i = kTokens - 1; i >= 0; i--) take(s, i, l.w);
    shared.set(1, l, s);
  }
};

// What a block receives from outside: for warp 0 from before, for warp 1 from after it.
struct Outside {
  Carried own;
  double other;  // the other direction's peak

  DEVICE void load(const Lane& l) {
    own = nothing_carried();
    other = own.peak;
    if (!l.active) return;
    own = load_sums(l.a.peaks, l.a.sums, carried(l.a), l.carry(l.warp));
    other = l.a.peaks[l.carry(1 - l.warp)];
  }
  DEVICE void scan(WarpSums& shared, const Lane& l) const {
    const float top = larger(larger(float(own.peak), float(other)), shared.top(l.warp, l.lane));
    shared.scan(l.warp, l.lane, exp_exact(-kTokens * l.w), top, own.over(top));
  }
};

struct Nothing {
  DEVICE void third() {}
  DEVICE void fourth() {}
  DEVICE void fifth() {}
  DEVICE void sixth() {}
};
