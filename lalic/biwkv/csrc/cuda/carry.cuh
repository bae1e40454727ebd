// Second kernel, and fourth of the gradients.
#pragma once

#include "tokens.cuh"

// Replaces each block's sums by those over all blocks before (direction 0) or after (1) it, as it receives them. A
// thread runs over `segment` blocks; the segments of a channel are the warps of one block.
struct Carry : Nothing {
  static constexpr int phases = 2;
  static constexpr int kSegments = 16;
  struct Shared {
    double peak[kSegments][kLanes];
    float numerator[kSegments][kLanes], denominator[kSegments][kLanes];
  };
  const Arguments& a;
  Shared& shared;
  double* peaks;
  float* sums;
  int warp, lane;
  int64 b, c, segment, begin, end;
  int direction;
  double decay;  // over a block

  DEVICE Carry(const Arguments& a, int64 index, int thread, Shared& shared, double* peaks, float* sums)
      : a(a), shared(shared), peaks(peaks), sums(sums), warp(thread / kLanes), lane(thread % kLanes) {
    const int64 groups = (a.channels + kLanes - 1) / kLanes;
    c = index % groups * kLanes + lane;
    b = index / groups % a.batch;
    direction = int(index / groups / a.batch);
    segment = (a.blocks + kSegments - 1) / kSegments;
    begin = warp * segment;
    end = begin + segment < a.blocks ? begin + segment : a.blocks;
    decay = c < a.channels ? double(kBlock) * a.w[c] : 0;
  }
  DEVICE int64 at(int64 step) const {
    const int64 block = direction == 0 ? step : a.blocks - 1 - step;
    return ((direction * a.batch + b) * a.blocks + block) * a.channels + c;
  }
  DEVICE static void join(Carried& s, double aged_by, const Carried& next) {
    const double aged = s.peak - aged_by, top = larger(aged, next.peak);
    const float old_scale = exp_fast(float(aged - top)), new_scale = exp_fast(float(next.peak - top));
    s = {top, s.numerator * old_scale + next.numerator * new_scale,
         s.denominator * old_scale + next.denominator * new_scale};
  }

  DEVICE void first() {
    Carried s = {double(kNothing), 0, 0};
    if (c < a.channels)
      for (int64 i = begin; i < end; i++) join(s, decay, load_sums(peaks, sums, carried(a), at(i), true));
    shared.peak[warp][lane] = s.peak;
    shared.numerator[warp][lane] = s.numerator;
    shared.denominator[warp][lane] = s.denominator;
  }
  DEVICE void second() {
    if (c >= a.channels) return;
    Carried s = {double(kNothing), 0, 0};
    for (int i = 0; i < warp; i++)
      join(s, decay * double(segment), {shared.peak[i][lane], shared.numerator[i][lane], shared.denominator[i][lane]});
    for (int64 i = begin; i < end; i++) {
      const Carried own = load_sums(peaks, sums, carried(a), at(i), true);
      store_sums(peaks, sums, carried(a), at(i), s.peak, s.plain());
      join(s, decay, own);
    }
  }
};

struct CarryGivers : Carry {
  DEVICE CarryGivers(const Arguments& a, int64 index, int thread, Shared& s) : Carry(a, index, thread, s, a.peaks, a.sums) {}
};

struct CarryReceivers : Carry {
  DEVICE CarryReceivers(const Arguments& a, int64 index, int thread, Shared& s)
      : Carry(a, index, thread, s, a.peaks_back, a.sums_back) {}
};
