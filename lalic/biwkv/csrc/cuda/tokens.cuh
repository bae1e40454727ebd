// A thread's tokens.
#pragma once

#include "sums.cuh"

// A thread's giving tokens; where there are none, weight 0.
template <class S> struct Tokens {
  float k[kTokens], v[kTokens];

  DEVICE void load(const Lane& l) {
    UNROLL for (int i = 0; i < kTokens; i++) {
      k[i] = l.has(i) ? float(static_cast<const S*>(l.a.k)[l.at(i)]) : kNothing;
      v[i] = l.has(i) ? float(static_cast<const S*>(l.a.v)[l.at(i)]) : 0;
    }
  }
  DEVICE float top() const {
    float most = k[0];
    UNROLL for (int i = 1; i < kTokens; i++) most = larger(most, k[i]);
    return most;
  }
  DEVICE float weight(int i) const { return k[i] > kNothing / 2 ? 1.f : 0.f; }

  DEVICE void take(Sums& s, int i, float w) const {
    s.peak -= w;
    s.add(k[i], v[i], weight(i));
  }
  DEVICE Sums forward(float w) const {
    Sums s = no_sums();
    UNROLL for (int i = 0; i < kTokens; i++) take(s, i, w);
    return s;
  }
  DEVICE Sums backward(float w) const {
    Sums s = no_sums();
    UNROLL for (int i = kTokens - 1; i >= 0; i--) take(s, i, w);
    return s;
  }
};

struct Nothing {
  DEVICE void third() {}
  DEVICE void fourth() {}
  DEVICE void fifth() {}
};
