// Third and last kernel of the gradients.
#pragma once

#include "tokens.cuh"

// What receivers and gradients begin with: each token as a receiver.
template <class S> struct Received {
  struct Shared {
    WarpSums givers, receivers;
  };
  Lane l;
  Shared& shared;
  Tokens<S> tokens;
  Sums left[kTokens], right[kTokens];            // over the earlier and the later givers
  float peak[kTokens], y[kTokens], h[kTokens];  // h: the gradient of y over the denominator, in units of e^-peak

  DEVICE Received(const Arguments& a, int64 index, int thread, Shared& shared) : l(a, index, thread), shared(shared) {}

  DEVICE void first() {
    tokens.load(l);
    UNROLL for (int i = 0; i < kTokens; i++) h[i] = l.has(i) ? float(static_cast<const S*>(l.a.grad)[l.at(i)]) : 0;
    shared.givers.of[0][l.warp][l.lane] = tokens.forward(l.w);
    shared.givers.of[1][l.warp][l.lane] = tokens.backward(l.w);
  }
  DEVICE void second() {
    Sums s = shared.givers.received(1, outside(1), l.warp, l.lane, kTokens * l.w);
    UNROLL for (int i = kTokens - 1; i >= 0; i--) {
      right[i] = s;
      tokens.take(s, i, l.w);
    }
    s = shared.givers.received(0, outside(0), l.warp, l.lane, kTokens * l.w);
    UNROLL for (int i = 0; i < kTokens; i++) {
      left[i] = s;
      Sums total = s;
      total.add(right[i]);
      total.add(tokens.k[i] + l.u, tokens.v[i], tokens.weight(i));
      total.denominator += kEpsilon;
      peak[i] = total.peak;
      y[i] = divide(total.numerator, total.denominator);
      h[i] = divide(h[i], total.denominator);
      tokens.take(s, i, l.w);
    }
    s = no_sums();
    UNROLL for (int i = 0; i < kTokens; i++) receive(s, i);
    shared.receivers.of[0][l.warp][l.lane] = s;
    s = no_sums();
    UNROLL for (int i = kTokens - 1; i >= 0; i--) receive(s, i);
    shared.receivers.of[1][l.warp][l.lane] = s;
  }
  DEVICE Sums outside(int direction) const {
    return load_sums(l.a.peaks, l.a.sums, carried(l.a), l.carry(direction), l.active).plain();
  }
  DEVICE void receive(Sums& s, int i) const {
    s.peak -= l.w;
    s.add(l.has(i) ? -peak[i] : kNothing, h[i] * y[i], h[i]);
  }
};

template <class S> struct Receivers : Received<S>, Nothing {
  static constexpr int phases = 3;
  using typename Received<S>::Shared;
  using Received<S>::Received;

  DEVICE void third() {
    const Lane& l = this->l;
    if (l.warp > 1 || !l.active) return;
    const Sums s = this->shared.receivers.all(l.warp, l.lane, kTokens * l.w);
    store_sums(l.a.peaks_back, l.a.sums_back, carried(l.a), l.carry(l.warp), double(s.peak), s);
  }
};

template <class S> struct Gradients : Received<S> {
  static constexpr int phases = 5;
  using typename Received<S>::Shared;
  using Received<S>::Received;
  float decay_part = 0, boost_part = 0;
  float dk[kTokens], dv[kTokens];

  DEVICE void third() {
    const Lane& l = this->l;
    Sums s = received(0);
    UNROLL for (int i = 0; i < kTokens; i++) {
      const float value = this->tokens.v[i], y = this->y[i];
      const float own = exp_fast(this->tokens.k[i] + l.u - this->peak[i]) * this->h[i];
      boost_part += own * (value - y);
      dv[i] = own;
      dk[i] = own * (value - y);
      give(i, s, this->right[i]);
    }
    s = received(1);
    UNROLL for (int i = kTokens - 1; i >= 0; i--) give(i, s, this->left[i]);
    UNROLL for (int i = 0; i < kTokens; i++) {
      if (!l.has(i)) continue;
      static_cast<S*>(l.a.dk)[l.at(i)] = rounded<S>(dk[i]);
      static_cast<S*>(l.a.dv)[l.at(i)] = rounded<S>(dv[i]);
    }
  }
  // The sums are read by third() of all warps before they make room for the parts.
  DEVICE void fourth() {
    this->shared.givers.of[0][this->l.warp][this->l.lane] = {decay_part, boost_part, 0};
  }
  DEVICE void fifth() {
    const Lane& l = this->l;
    if (l.warp > 1 || !l.active) return;
    float sum = 0;
    for (int i = 0; i < kWarps; i++) {
      const Sums& part = this->shared.givers.of[0][i][l.lane];
      sum += l.warp == 0 ? part.peak : part.numerator;
    }
    l.a.parts[l.carry(l.warp)] = sum;
  }

 private:
  DEVICE Sums received(int direction) const {
    const Lane& l = this->l;
    const Carried s = load_sums(l.a.peaks_back, l.a.sums_back, carried(l.a), l.carry(direction), l.active);
    return this->shared.receivers.received(direction, s.plain(), l.warp, l.lane, kTokens * l.w);
  }
  // What token i gives to the receivers s on one side, and what flows over it to them from the givers on its other.
  DEVICE void give(int i, Sums& s, const Sums& givers) {
    if (this->l.has(i)) {
      const float weight = exp_fast(this->tokens.k[i] + s.peak), share = weight * s.denominator;
      dv[i] += share;
      dk[i] += share * this->tokens.v[i] - weight * s.numerator;
      const float flow = s.denominator * givers.numerator - s.numerator * givers.denominator;
      decay_part -= exp_fast(s.peak + givers.peak - this->l.w) * flow;
    }
    this->receive(s, i);
  }
};
