// The kernels' argument, and sums over tokens: of a thread's, of a block's, and as blocks hand them on.
#pragma once

#include "types.cuh"

// The one argument of every kernel. S is float, Half or Bfloat16; C may be any.
struct Arguments {
  int64 batch, tokens, channels, blocks;
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

struct Lane {  // of all kernels but carry
  const Arguments& a;
  int warp, lane;
  int64 b, block, c, first;  // first: index of the thread's first token
  bool active;
  float w, u;

  DEVICE Lane(const Arguments& a, int64 index, int thread) : a(a), warp(thread / kLanes), lane(thread % kLanes) {
    const int64 groups = (a.channels + kLanes - 1) / kLanes;
    c = index % groups * kLanes + lane;
    block = index / groups % a.blocks;
    b = index / groups / a.blocks;
    active = c < a.channels;
    w = active ? a.w[c] : 0;
    u = active ? a.u[c] : 0;
    first = block * kBlock + warp * kTokens;
  }
  DEVICE bool has(int i) const { return active && first + i < a.tokens; }
  DEVICE int64 at(int i) const { return (b * a.tokens + first + i) * a.channels + c; }
  DEVICE int64 carry(int direction) const { return ((direction * a.batch + b) * a.blocks + block) * a.channels + c; }

  // Small changes over a block need no running maximum: sums in units of one exponent neither overflow nor vanish.
  DEVICE bool is_small() const {
    const float change = w < 0 ? -w * float(a.tokens > kBlock ? a.tokens : int64(kBlock)) : w * kBlock;
    return change <= kLimit && u <= kLimit && -u <= kLimit;
  }
};

DEVICE int64 carried(const Arguments& a) { return 2 * a.batch * a.blocks * a.channels; }

// A block's sums as its neighbours receive them, or those over all other blocks as it receives them.
DEVICE void store_sums(double* peaks, float* sums, int64 half, int64 i, double peak, const Sums& s) {
  peaks[i] = peak;
  sums[i] = s.numerator;
  sums[half + i] = s.denominator;
}

struct Carried {
  double peak;
  float numerator, denominator;
  DEVICE Sums plain() const { return {float(peak), numerator, denominator}; }
};

DEVICE Carried load_sums(const double* peaks, const float* sums, int64 half, int64 i, bool active) {
  if (!active) return {double(kNothing), 0, 0};
  return {peaks[i], sums[i], sums[half + i]};
}

// Sums of each warp, as the next warp (direction 0) or the one before (1) receives them.
struct WarpSums {
  Sums of[2][kWarps][kLanes];

  // The sums over the warps before (0) or after (1) this one and over what comes from outside the block.
  DEVICE Sums received(int direction, Sums outside, int warp, int lane, float decay) const {
    Sums s = outside;
    if (direction == 0) {
      for (int i = 0; i < warp; i++) join(s, of[0][i][lane], decay);
    } else {
      for (int i = kWarps - 1; i > warp; i--) join(s, of[1][i][lane], decay);
    }
    return s;
  }
  DEVICE static void join(Sums& s, const Sums& next, float decay) {
    s.peak -= decay;
    s.add(next);
  }
  // Over the whole block: by warp 0 for direction 0, by warp 1 for direction 1.
  DEVICE Sums all(int direction, int lane, float decay) const {
    return received(direction, no_sums(), direction == 0 ? kWarps : -1, lane, decay);
  }
};
