// Second kernel, and fourth of the gradients.
#pragma once

#include "tokens.cuh"

// Replaces each block's sums by those over all blocks before (direction 0) or after (1) it, as it receives them. A
// thread runs over a segment of `segment` blocks; the segments of kRow channels are one block's threads.
struct Carry : Nothing {
  static constexpr int phases = 3;
  static constexpr int kRow = 8, kSegments = 64, kGroup = 8, kBatch = 6;  // kBatch: loads at a time
  struct Shared {
    Carried of[kSegments][kRow], groups[kSegments / kGroup][kRow];
  };
  const Arguments& a;
  Shared& shared;
  double* peaks;
  float* sums;
  int own, lane, group;  // segment, channel, and the group of segments
  int64 start, step, segment, begin, end;
  bool active;
  double decay;   // over a block
  Carried inner;  // over the segments of the group before the own one

  DEVICE Carry(const Arguments& a, unsigned index, int thread, Shared& shared, double* peaks, float* sums)
      : a(a), shared(shared), peaks(peaks), sums(sums), own(thread / kRow), lane(thread % kRow), group(own / kGroup) {
    const unsigned rows = (a.channels + kRow - 1) / kRow, rest = index / rows, direction = rest >= a.batch;
    const unsigned c = index % rows * kRow + lane;
    active = c < a.channels;
    segment = (int64(a.blocks) + kSegments - 1) / kSegments;
    begin = own * segment;
    end = !active ? begin : begin + segment < a.blocks ? begin + segment : a.blocks;
    decay = active ? double(kBlock) * a.w[c] : 0;
    const int64 first = int64(rest) * a.blocks;  // rest: direction * batch + b
    start = (direction ? first + a.blocks - 1 : first) * a.channels + c;
    step = direction ? -int64(a.channels) : int64(a.channels);
  }

  DEVICE static void join(Carried& s, double aged_by, const Carried& next) {
    const double aged = s.peak - aged_by, top = larger(aged, next.peak);
    const float old_scale = exp_fast(float(aged - top)), new_scale = exp_fast(float(next.peak - top));
    s = {top, s.numerator * old_scale + next.numerator * new_scale,
         s.denominator * old_scale + next.denominator * new_scale};
  }

  DEVICE void first() {
    Carried s = nothing_carried(), next[kBatch];
    for (int64 i = begin; i < end; i += kBatch) {
      load(next, i);
      UNROLL for (int j = 0; j < kBatch; j++)
        if (i + j < end) join(s, decay, next[j]);
    }
    shared.of[own][lane] = s;
  }
  DEVICE void second() {
    inner = nothing_carried();
    for (int i = group * kGroup; i < own; i++) join(inner, decay * double(segment), shared.of[i][lane]);
    if (own % kGroup < kGroup - 1) return;
    Carried all = inner;
    join(all, decay * double(segment), shared.of[own][lane]);
    shared.groups[group][lane] = all;
  }
  DEVICE void third() {
    Carried s = nothing_carried(), next[kBatch];
    for (int i = 0; i < group; i++) join(s, decay * double(segment) * kGroup, shared.groups[i][lane]);
    join(s, decay * double(segment) * (own % kGroup), inner);
    for (int64 i = begin; i < end; i += kBatch) {
      load(next, i);
      UNROLL for (int j = 0; j < kBatch; j++) {
        if (i + j >= end) continue;
        const Carried mine = s;
        join(s, decay, next[j]);
        next[j] = mine;
      }
      UNROLL for (int j = 0; j < kBatch; j++)
        if (i + j < end) store_sums(peaks, sums, carried(a), start + (i + j) * step, next[j]);
    }
  }

 private:
  DEVICE void load(Carried* next, int64 i) const {
    UNROLL for (int j = 0; j < kBatch; j++)
      if (i + j < end) next[j] = load_sums(peaks, sums, carried(a), start + (i + j) * step);
  }
};

struct CarryGivers : Carry {
  DEVICE CarryGivers(const Arguments& a, unsigned index, int thread, Shared& s) : Carry(a, index, thread, s, a.peaks, a.sums) {}
};

struct CarryReceivers : Carry {
  DEVICE CarryReceivers(const Arguments& a, unsigned index, int thread, Shared& s)
      : Carry(a, index, thread, s, a.peaks_back, a.sums_back) {}
};
