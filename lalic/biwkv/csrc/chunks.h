// How sequences are cut into chunks of tokens and windows of channels, each of a method, for all of a call's threads.
#pragma once

#include <atomic>
#include <cmath>
#include <memory>
#include <new>
#include <vector>

#include "forward.h"
#include "general.h"

namespace biwkv {

// The largest |u| and growth or decay over a chunk that forward.h may meet. A weight below e^floor is then less than
// e^(floor + 2 * limit), 3e-17 in float32, of the weight that dominates the same output.
constexpr double kLimit = 16;

struct Shape {
  int64_t batch, tokens, channels;
};

constexpr int kGroup = 16;  // channels whose method is chosen together: a multiple of every vector's lanes

template <class T> bool is_small(const T* w, const T* u, int64_t tokens) {
  for (int i = 0; i < kGroup; i++) {
    const double change = w[i] < 0 ? -double(w[i]) * tokens : double(w[i]) * std::min<int64_t>(tokens, kChunk);
    if (!(change <= kLimit && std::abs(double(u[i])) <= kLimit)) return false;
  }
  return true;
}

// A parallel region's tasks: memory that runs out in one is told after the region, which no exception may leave.
class Guard {
 public:
  template <class F> void operator()(F task) {
    try {
      if (!failed_) task();
    } catch (const std::bad_alloc&) {
      failed_ = true;
    }
  }
  void rethrow() const {
    if (failed_) throw std::bad_alloc();
  }

 private:
  std::atomic<bool> failed_{false};
};

// S: the type of k and v in memory.
template <class S> class Chunks {
 public:
  using T = Computed<S>;

  Chunks(Shape shape, const S* k, const S* v, const T* w, const T* u, int threads)
      : shape_(shape), k_(k), v_(v), w_(w), u_(u), threads_(threads) {
    chunks_ = (shape.tokens + kChunk - 1) / kChunk;
    windows_ = shape.channels / kLanes<T>;
    for (int64_t window = 0; window < windows_; window++) {
      const int64_t c = window * kLanes<T> / kGroup * kGroup;
      (is_small(w + c, u + c, shape.tokens) ? small_ : general_).push_back(window);
    }
  }
  bool any_small() const { return !small_.empty(); }
  size_t carried() const { return small_.empty() ? 0 : shape_.batch * chunks_ * shape_.channels; }

  // Where a window of a chunk stands.
  struct Place {
    int64_t b, chunk, window;
  };
  // Memory for each chunk's sums in both directions.
  struct Carries {
    std::unique_ptr<double[]> peaks;
    std::unique_ptr<T[]> sums;
    explicit Carries(size_t carried) : peaks(new double[2 * carried]), sums(new T[4 * carried]) {}
  };

  int64_t index(const Place& p) const { return ((p.b * chunks_ + p.chunk) * windows_ + p.window) * kLanes<T>; }
  Carry<T> carry(const Carries& carries, int direction, const Place& p) const {
    const int64_t i = direction * shape_.batch * chunks_ * windows_ * kLanes<T> + index(p);
    return {carries.peaks.get() + i, carries.sums.get() + 2 * i, carries.sums.get() + 2 * i + kLanes<T>};
  }
  Rows<S> rows(const Place& p) const {
    const int64_t column = p.window * kLanes<T>;
    const int64_t start = (p.b * shape_.tokens + p.chunk * kChunk) * shape_.channels + column;
    const int64_t ahead = p.chunk + 1 < chunks_ ? kChunk * (shape_.channels + column) - column : 0;
    return {k_ + start, v_ + start, shape_.channels, length(p.chunk), ahead};
  }

  // f(place, factors) for all small windows of every chunk; a chunk's windows stay together, as they share its pages.
  template <class F> void over_chunks(F f) const {
    std::vector<Factors<T>> factors;
    for (const int64_t window : small_) factors.emplace_back(w_ + window * kLanes<T>, u_ + window * kLanes<T>);
    const int64_t count = small_.size(), rows = shape_.batch * chunks_;
    const int64_t group = rows >= 4 * threads_ ? count : 1, groups = (count + group - 1) / group;
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int64_t task = 0; task < rows * groups; task++) {
      const int64_t row = task / groups, first = task % groups * group;
      for (int64_t i = first; i < std::min(first + group, count); i++)
        f(Place{row / chunks_, row % chunks_, small_[i]}, factors[i]);
    }
  }

  // Each chunk's sums of small windows become those over all chunks before and after it.
  void scan(const Carries& carries) const {
    const int64_t count = small_.size();
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int64_t task = 0; task < shape_.batch * count * 2; task++) {
      const int64_t b = task / 2 / count, window = small_[task / 2 % count];
      const int direction = task % 2;
      const Wide<T> decay = widen<T>(load(w_ + window * kLanes<T>));
      Running<T> sums;
      for (int64_t i = 0; i < chunks_; i++) {
        const int64_t chunk = direction == 0 ? i : chunks_ - 1 - i;
        sums.exchange(carry(carries, direction, {b, chunk, window}), decay * double(length(chunk)));
      }
    }
  }

  // Of what each chunk of small windows has put at its index the sums over the chunks, to [B, C].
  void add_up(const double* parts, double* sums) const {
    for (int64_t b = 0; b < shape_.batch; b++)
      for (const int64_t window : small_)
        for (int64_t c = window * kLanes<T>; c < (window + 1) * kLanes<T>; c++) {
          double sum = 0;
          for (int64_t chunk = 0; chunk < chunks_; chunk++)
            sum += parts[(b * chunks_ + chunk) * shape_.channels + c];
          sums[b * shape_.channels + c] = sum;
        }
  }

  // f(column, offset of its first value in k, batch, channel) for the channels of all other windows.
  template <class F> void over_columns(F f) const {
    const int64_t parts = kLanes<T> / kLanes<double>, count = general_.size() * parts;
    Guard guard;
#pragma omp parallel for num_threads(threads_) schedule(dynamic)
    for (int64_t task = 0; task < shape_.batch * count; task++) {
      const int64_t b = task / count, i = task % count;
      const int64_t c = general_[i / parts] * kLanes<T> + i % parts * kLanes<double>;
      const int64_t start = b * shape_.tokens * shape_.channels + c;
      const D decay = Column<S>::read(w_ + c), boost = Column<S>::read(u_ + c);
      const Column<S> column{shape_.tokens, shape_.channels, decay, boost, k_ + start, v_ + start};
      guard([&] { f(column, start, b, c); });
    }
    guard.rethrow();
  }

 private:
  int length(int64_t chunk) const { return std::min<int64_t>(kChunk, shape_.tokens - chunk * kChunk); }

  Shape shape_;
  const S *k_, *v_;
  const T *w_, *u_;
  int threads_;
  int64_t chunks_, windows_;
  std::vector<int64_t> small_, general_;  // windows of kLanes<T> channels, by the method that they need
};

}  // namespace biwkv
