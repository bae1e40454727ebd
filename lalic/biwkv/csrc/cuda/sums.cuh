// The kernels' argument, and sums over tokens: of a thread's, of a block's, and as blocks hand them on.
#pragma once

#include "types.cuh"

// The one argument of every kernel. S is float, Half or Bfloat16; C may be any.
struct Arguments {
  unsigned batch, tokens, channels, blocks;
  const float *w, *u;             // [C]
  const void *k, *v, *grad;       // S [B, T, C]
  void *y, *dk, *dv;              // S [B, T, C]
  double *peaks, *peaks_back;     // [2, B, blocks, C]: of the giving tokens' sums, of the receiving tokens' sums
  float *sums, *sums_back;        // [2, 2, B, blocks, C]
  float* parts;                   // [2, B, blocks, C]: dw, du
};

// Sums over tokens in units of e^peak. A token gives weight e^exponent times (numerator, denominator).
struct Sums {
  float peak, numerator, denominator;

  DEVICE void add(float exponent, float own_numerator, float own_denominator) {
    const float top = larger(peak, exponent);
    const float old_scale = exp_fast(peak - top), new_scale = exp_fast(exponent - top);
    numerator = numerator * old_scale + own_numerator * new_scale;
    denominator = denominator * old_scale + own_denominator * new_scale;
    peak = top;
  }
  DEVICE void add(const Sums& s) { add(s.peak, s.numerator, s.denominator); }
};

DEVICE Sums no_sums() { return {kNothing, 0, 0}; }

// Sums in units of an exponent that does not change, for small changes: neither overflow nor vanish. largest: weight.
struct Linear {
  float largest, numerator, denominator;

  DEVICE void grow(float keep, float weight, float weighted) {
    numerator = numerator * keep + weighted;
    denominator = denominator * keep + weight;
    largest = larger(largest * keep, weight);
  }
  DEVICE void grow(float keep, const Linear& s, float scale) {
    numerator = numerator * keep + s.numerator * scale;
    denominator = denominator * keep + s.denominator * scale;
    largest = larger(largest * keep, s.largest * scale);
  }
};

// The blocks that the kernel before read last, and that may still be in the cache, come first.
DEVICE unsigned last_first(const Arguments& a, unsigned index) {
  return a.batch * a.blocks * ((a.channels + kLanes - 1) / kLanes) - 1 - index;
}

struct Lane {  // of all kernels but carry
  const Arguments& a;
  int warp, lane, count;  // count: of the thread's tokens
  unsigned b, block, c;
  uint64 start;  // index of the first of them in k and v
  bool active, small;
  float w, u;

  DEVICE Lane(const Arguments& a, unsigned index, int thread) : a(a), warp(thread / kLanes), lane(thread % kLanes) {
    const unsigned groups = (a.channels + kLanes - 1) / kLanes, rest = index / groups;
    c = (index - rest * groups) * kLanes + lane;
    b = a.batch > 1 ? rest / a.blocks : 0;  // a division is dear
    block = rest - b * a.blocks;
    active = c < a.channels;
    w = active ? a.w[c] : 0;
    u = active ? a.u[c] : 0;
    const unsigned first = block * kBlock + warp * kTokens;
    count = !active || first > a.tokens ? 0 : a.tokens - first < kTokens ? int(a.tokens - first) : kTokens;
    start = (uint64(b) * a.tokens + first) * a.channels + c;
    const bool longer = a.tokens > kBlock;
    const float change = w < 0 ? -w * float(longer ? a.tokens : kBlock) : w * float(longer ? kBlock : a.tokens);
    small = change <= kLimit && u <= kLimit && -u <= kLimit;
  }
  DEVICE bool has(int i) const { return i < count; }
  DEVICE uint64 carry(unsigned direction) const {
    return (uint64(direction * a.batch + b) * a.blocks + block) * a.channels + c;
  }

  template <class S> DEVICE void load(const void* from, float* to, float nothing) const {
    const S* first = static_cast<const S*>(from) + start;
    if (count == kTokens) {
      UNROLL for (int i = 0; i < kTokens; i++) to[i] = float(first[uint64(a.channels) * i]);
    } else {
      UNROLL for (int i = 0; i < kTokens; i++) to[i] = has(i) ? float(first[uint64(a.channels) * i]) : nothing;
    }
  }
  template <class S> DEVICE void store(void* to, int i, float value) const {
    if (has(i)) write(static_cast<S*>(to) + start + uint64(a.channels) * i, value);
  }
};

DEVICE uint64 carried(const Arguments& a) { return 2 * uint64(a.batch) * a.blocks * a.channels; }

// A block's sums as its neighbours receive them, or those over all other blocks as it receives them.
struct Carried {
  double peak;
  float numerator, denominator;
  DEVICE Sums plain() const { return {float(peak), numerator, denominator}; }
  DEVICE Linear over(double base) const {  // of giving tokens, in units of e^base
    const float scale = exp_fast(float(peak - base));
    return {scale, numerator * scale, denominator * scale};
  }
};

DEVICE Carried nothing_carried() { return {double(kNothing), 0, 0}; }

DEVICE void store_sums(double* peaks, float* sums, uint64 half, uint64 i, const Carried& s) {
  peaks[i] = s.peak;
  sums[i] = s.numerator;
  sums[half + i] = s.denominator;
}

DEVICE Carried load_sums(const double* peaks, const float* sums, uint64 half, uint64 i) {
  return {peaks[i], sums[i], sums[half + i]};
}

// Sums of each warp, as the next warp (direction 0) or the one before (1) receives them: in units of e^base. Those of
// channels with running maxima have no largest, the base being their peak.
struct WarpSums {
  struct Own {
    float base;
    Linear sums;
  };
  Own of[2][kWarps][kLanes];

  DEVICE void set(int direction, const Lane& l, float base, const Linear& s) {
    of[direction][l.warp][l.lane] = {base, s};
  }
  DEVICE void set(int direction, const Lane& l, const Sums& s) {
    of[direction][l.warp][l.lane] = {s.peak, {0, s.numerator, s.denominator}};
  }

  // Of all warps, by one warp for either direction.
  DEVICE float top(int direction, int lane) const {
    float most = kNothing;
    UNROLL for (int i = 0; i < kWarps; i++) most = larger(most, of[direction][i][lane].base);
    return most;
  }
  // Over the warps, in units of e^top; keep: over a warp.
  DEVICE Linear total(int direction, int lane, float keep, float top) const {
    Linear s = {0, 0, 0};
    UNROLL for (int i = 0; i < kWarps; i++) {
      const Own& next = of[direction][nearer(direction, i)][lane];
      s.grow(keep, next.sums, exp_fast(next.base - top));
    }
    return s;
  }
  // Puts in each warp's place the sums s from outside the block and over the warps before (0) or after (1) it.
  DEVICE void scan(int direction, int lane, float keep, float top, Linear s) {
    UNROLL for (int i = 0; i < kWarps; i++) {
      Own& place = of[direction][nearer(direction, i)][lane];
      const Own next = place;
      place = {top, s};
      s.grow(keep, next.sums, exp_fast(next.base - top));
    }
  }
  DEVICE static int nearer(int direction, int i) { return direction == 0 ? i : kWarps - 1 - i; }

  // The same with running maxima: what scan puts into this warp's place, by each warp for itself.
  DEVICE Sums received(int direction, Sums outside, int warp, int lane, float decay) const {
    Sums s = outside;
    const int count = nearer(direction, warp);
    KEEP_LOOP for (int i = 0; i < count; i++) {
      const Own& next = of[direction][nearer(direction, i)][lane];
      s.peak -= decay;
      s.add(next.base, next.sums.numerator, next.sums.denominator);
    }
    return s;
  }
  DEVICE Sums all(int direction, int lane, float decay) const {
    return received(direction, no_sums(), direction == 0 ? kWarps : -1, lane, decay);
  }
};
