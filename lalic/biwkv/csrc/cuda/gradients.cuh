// Third and last kernel of the gradients.
#pragma once

#include "received.cuh"

template <class S> struct Receivers : Received<S>, Nothing {
  static constexpr int phases = 4;
  using typename Received<S>::Shared;
  using Received<S>::third;

  DEVICE Receivers(const Arguments& a, unsigned index, int thread, Shared& shared)
      : Received<S>(a, last_first(a, index), thread, shared) {}

  DEVICE void fourth() {
    const Lane& l = this->l;
    const int direction = l.warp;
    if (direction > 1 || !l.active) return;
    Carried s;
    if (l.small) {
      const Linear all = this->shared.receivers.total(direction, l.lane, exp_exact(-kTokens * l.w), 0);
      s = {-double(this->block_base()), all.numerator, all.denominator};
    } else {
      const Sums all = this->shared.receivers.all(direction, l.lane, kTokens * l.w);
      s = {double(all.peak), all.numerator, all.denominator};
    }
    store_sums(l.a.peaks_back, l.a.sums_back, carried(l.a), l.carry(direction), s);
  }
};

template <class S> struct Gradients : Received<S> {
  static constexpr int phases = 6;
  using typename Received<S>::Shared;
  using Received<S>::Received;
  float decay_part = 0, boost_part = 0;

  DEVICE void fourth() {
    const Lane& l = this->l;
    if (l.warp > 1 || !l.active || !l.small) return;
    const Linear s = received(l.warp).over(-double(this->block_base()));
    this->shared.receivers.scan(l.warp, l.lane, exp_exact(-kTokens * l.w), 0, s);
  }
  DEVICE void fifth() {
    const Lane& l = this->l;
    if (l.small) {
      small();
    } else if (l.active) {
      general();
    }
    this->shared.decay_parts[l.warp][l.lane] = decay_part;
    this->shared.boost_parts[l.warp][l.lane] = boost_part;
  }
  DEVICE void sixth() {
    const Lane& l = this->l;
    if (l.warp > 1 || !l.active) return;
    const auto& parts = l.warp == 0 ? this->shared.decay_parts : this->shared.boost_parts;
    float sum = 0;
    UNROLL for (int i = 0; i < kWarps; i++) sum += parts[i][l.lane];
    l.a.parts[l.carry(l.warp)] = sum;
  }

 private:
  DEVICE Carried received(int direction) const {
    const Lane& l = this->l;
    return load_sums(l.a.peaks_back, l.a.sums_back, carried(l.a), l.carry(direction));
  }

  // What flows over token i from the givers on one side to the receivers on the other.
  DEVICE static float flow(const Pair& receivers, const Pair& givers) {
    return receivers.denominator * givers.numerator - receivers.numerator * givers.denominator;
  }
  DEVICE Pair from(int direction) const {
    const Linear& s = this->shared.receivers.of[direction][this->l.warp][this->l.lane].sums;
    return {s.numerator, s.denominator};
  }
  DEVICE void small() {
    const Lane& l = this->l;
    const float keep = this->keep, boost = this->boost;
    float flows = 0;
    Pair all[kTokens], s = from(0);
    UNROLL for (int i = 0; i < kTokens; i++) {
      all[i] = {s.numerator + boost * this->hy[i], s.denominator + boost * this->h[i]};
      flows += flow(s, this->right[i]);
      s.grow(keep, this->hy[i], this->h[i]);
    }
    s = from(1);
    UNROLL for (int i = kTokens - 1; i >= 0; i--) {
      const float weight = this->tokens.k[i], value = this->tokens.v[i];
      const float dv = weight * (all[i].denominator + s.denominator);
      l.store<S>(l.a.dv, i, dv);
      l.store<S>(l.a.dk, i, value * dv - weight * (all[i].numerator + s.numerator));
      boost_part += weight * boost * (value * this->h[i] - this->hy[i]);
      flows += flow(s, this->left[i]);
      s.grow(keep, this->hy[i], this->h[i]);
    }
    decay_part = -keep * flows;
  }
  DEVICE void general() {
    const Lane& l = this->l;
    const General found(l, this->tokens, this->h, this->shared.givers);
    float dk[kTokens], dv[kTokens];
    Sums s = across(0);
    KEEP_LOOP for (int i = 0; i < kTokens; i++) {
      const float own = exp_fast(found.k[i] + l.u - found.peak[i]) * found.h[i];
      dv[i] = own;
      dk[i] = own * (found.v[i] - found.y[i]);
      boost_part += dk[i];
      give(found, i, s, found.right[i], dk, dv);
    }
    s = across(1);
    KEEP_LOOP for (int i = kTokens - 1; i >= 0; i--) {
      give(found, i, s, found.left[i], dk, dv);
      l.store<S>(l.a.dk, i, dk[i]);
      l.store<S>(l.a.dv, i, dv[i]);
    }
  }
  DEVICE Sums across(int direction) const {
    const Lane& l = this->l;
    const Carried s = received(direction);
    return this->shared.receivers.received(direction, s.plain(), l.warp, l.lane, kTokens * l.w);
  }
  // What token i gives to the receivers s on one side, and what flows over it to them from the givers on its other.
  DEVICE void give(const General& found, int i, Sums& s, const Sums& givers, float* dk, float* dv) {
    const Lane& l = this->l;
    if (l.has(i)) {
      const float weight = exp_fast(found.k[i] + s.peak), share = weight * s.denominator;
      dv[i] += share;
      dk[i] += share * found.v[i] - weight * s.numerator;
      const float flows = flow({s.numerator, s.denominator}, {givers.numerator, givers.denominator});
      decay_part -= exp_fast(s.peak + givers.peak - l.w) * flows;
    }
    found.receive(l, s, i);
  }
};
