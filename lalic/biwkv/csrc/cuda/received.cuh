// What receivers and gradients begin with: each token as a receiver.
#pragma once

#include "tokens.cuh"

struct Pair {  // sums over givers or receivers
  float numerator, denominator;
  DEVICE void grow(float keep, float own_numerator, float own_denominator) {
    numerator = numerator * keep + own_numerator;
    denominator = denominator * keep + own_denominator;
  }
};

// Channels with running maxima, in memory as Giving is. h, y, peak: of the thread's tokens as receivers.
struct General : Giving {
  Sums left[kTokens], right[kTokens];  // over the earlier and the later givers
  float h[kTokens], y[kTokens], peak[kTokens];

  template <class S>
  DEVICE General(const Lane& l, const Tokens<S>& tokens, const float* grad, const WarpSums& givers) : Giving(tokens) {
    UNROLL for (int i = 0; i < kTokens; i++) h[i] = grad[i];
    Sums s = received(1, l, givers);
    KEEP_LOOP for (int i = kTokens - 1; i >= 0; i--) {
      right[i] = s;
      take(s, i, l.w);
    }
    s = received(0, l, givers);
    KEEP_LOOP for (int i = 0; i < kTokens; i++) {
      left[i] = s;
      Sums total = s;
      total.add(right[i]);
      total.add(k[i] + l.u, v[i], weight(i));
      total.denominator += kEpsilon;
      peak[i] = total.peak;
      y[i] = divide(total.numerator, total.denominator);
      h[i] = divide(h[i], total.denominator);
      take(s, i, l.w);
    }
  }
  DEVICE void receive(const Lane& l, Sums& s, int i) const {
    s.peak -= l.w;
    s.add(l.has(i) ? -peak[i] : kNothing, h[i] * y[i], h[i]);
  }
};

template <class S> struct Received {
  struct Shared {
    WarpSums givers, receivers;
    float decay_parts[kWarps][kLanes], boost_parts[kWarps][kLanes];  // of gradients
  };
  Lane l;
  Shared& shared;
  Tokens<S> tokens;
  Outside outside;
  float base = 0, keep, boost;
  // Without running maxima, in units of the block's base: h, the gradient of y over the denominator; hy, h * y.
  float h[kTokens], hy[kTokens];
  Pair left[kTokens], right[kTokens];  // over the earlier and the later givers

  DEVICE Received(const Arguments& a, unsigned index, int thread, Shared& shared) : l(a, index, thread), shared(shared) {
    keep = exp_exact(-l.w);
    boost = exp_exact(l.u);
  }

  DEVICE void first() {
    tokens.load(l);
    l.load<S>(l.a.grad, h, 0);
    if (l.warp < 2) outside.load(l);
    if (l.small) {
      base = tokens.weigh();
      tokens.share(shared.givers, l, base, keep);
    } else {
      Giving(tokens).share(shared.givers, l);
    }
  }
  DEVICE void second() {
    if (l.warp < 2 && l.small) outside.scan(shared.givers, l);
  }
  DEVICE void third() {
    if (l.small) {
      small();
    } else if (l.active) {
      general();
    }
  }
  // The base of the block's sums after second(); the receivers' sums are in units of e^-base.
  DEVICE float block_base() const { return shared.givers.of[0][l.warp][l.lane].base; }

 private:
  DEVICE void small() {
    const WarpSums::Own &before = shared.givers.of[0][l.warp][l.lane], &after = shared.givers.of[1][l.warp][l.lane];
    tokens.scale(exp_fast(base - after.base));
    float largest[kTokens];  // of the later givers
    Linear s = after.sums;
    UNROLL for (int i = kTokens - 1; i >= 0; i--) {
      right[i] = {s.numerator, s.denominator};
      largest[i] = s.largest;
      s.grow(keep, tokens.k[i], tokens.k[i] * tokens.v[i]);
    }
    s = before.sums;
    Pair earlier = {0, 0}, later = {0, 0};
    UNROLL for (int i = 0; i < kTokens; i++) {
      left[i] = {s.numerator, s.denominator};
      const float own = tokens.k[i] * boost, most = larger(larger(s.largest, largest[i]), own);
      const float numerator = s.numerator + right[i].numerator + own * tokens.v[i];
      const float denominator = s.denominator + right[i].denominator + own + kEpsilon * most;
      h[i] = l.has(i) ? divide(h[i], denominator) : 0;
      hy[i] = l.has(i) ? h[i] * divide(numerator, denominator) : 0;
      earlier.grow(keep, hy[i], h[i]);
      s.grow(keep, tokens.k[i], tokens.k[i] * tokens.v[i]);
    }
    UNROLL for (int i = kTokens - 1; i >= 0; i--) later.grow(keep, hy[i], h[i]);
    shared.receivers.set(0, l, 0, {0, earlier.numerator, earlier.denominator});
    shared.receivers.set(1, l, 0, {0, later.numerator, later.denominator});
  }
  DEVICE void general() {
    const General found(l, tokens, h, shared.givers);
    Sums s = no_sums();
    KEEP_LOOP for (int i = 0; i < kTokens; i++) found.receive(l, s, i);
    shared.receivers.set(0, l, s);
    s = no_sums();
    KEEP_LOOP for (int i = kTokens - 1; i >= 0; i--) found.receive(l, s, i);
    shared.receivers.set(1, l, s);
  }
};
