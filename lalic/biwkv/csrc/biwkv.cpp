// BiWKV on the CPU. Arrays are contiguous: w, u [C], k, v, y and their gradients [B, T, C], C a multiple of 16.
// Every function returns 0, or 1 if memory ran out.

#include <atomic>
#include <cmath>
#include <memory>
#include <new>
#include <vector>

#include "forward.h"
#include "general.h"

#if defined(_WIN32)
#define BIWKV_EXPORT extern "C" __declspec(dllexport)
#else
#define BIWKV_EXPORT extern "C" __attribute__((visibility("default")))
#endif

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

template <class T> class Forward {
 public:
  Forward(Shape shape, const T* w, const T* u, const T* k, const T* v, T* y, int threads)
      : shape_(shape), w_(w), u_(u), k_(k), v_(v), y_(y), threads_(threads) {
    chunks_ = (shape.tokens + kChunk - 1) / kChunk;
    windows_ = shape.channels / kLanes<T>;
    for (int64_t window = 0; window < windows_; window++) {
      const int64_t c = window * kLanes<T> / kGroup * kGroup;
      (is_small(w + c, u + c, shape.tokens) ? small_ : general_).push_back(window);
    }
    const size_t carried = small_.empty() ? 0 : 2 * shape.batch * chunks_ * shape.channels;
    peaks_.reset(new double[carried]);
    sums_.reset(new T[2 * carried]);
  }

  void run() {
    if (!small_.empty()) {
      over_chunks([this](int64_t b, int64_t chunk, int64_t window, const Factors<T>& f) {
        summarise(rows(b, chunk, window), f, carry(0, b, chunk, window), carry(1, b, chunk, window));
      });
      scan();
      over_chunks([this](int64_t b, int64_t chunk, int64_t window, const Factors<T>& f) {
        const Rows<T> tokens = rows(b, chunk, window);
        outputs(tokens, f, carry(0, b, chunk, window), carry(1, b, chunk, window), y_ + (tokens.k - k_));
      });
    }
    general();
  }

 private:
  // All small windows of every chunk; a chunk's windows stay together, as they share its memory pages.
  template <class F> void over_chunks(F f) {
    std::vector<Factors<T>> factors;
    for (const int64_t window : small_) factors.emplace_back(w_ + window * kLanes<T>, u_ + window * kLanes<T>);
    const int64_t count = small_.size(), rows = shape_.batch * chunks_;
    const int64_t group = rows >= 4 * threads_ ? count : 1, groups = (count + group - 1) / group;
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int64_t task = 0; task < rows * groups; task++) {
      const int64_t row = task / groups, first = task % groups * group;
      for (int64_t i = first; i < std::min(first + group, count); i++)
        f(row / chunks_, row % chunks_, small_[i], factors[i]);
    }
  }

  void scan() {
    const int64_t count = small_.size();
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int64_t task = 0; task < shape_.batch * count * 2; task++) {
      const int64_t b = task / 2 / count, window = small_[task / 2 % count];
      const int direction = task % 2;
      const Wide<T> decay = widen<T>(load(w_ + window * kLanes<T>));
      Running<T> sums;
      for (int64_t i = 0; i < chunks_; i++) {
        const int64_t chunk = direction == 0 ? i : chunks_ - 1 - i;
        sums.exchange(carry(direction, b, chunk, window), decay * double(length(chunk)));
      }
    }
  }

  void general() {
    const int64_t parts = kLanes<T> / kLanes<double>, count = general_.size() * parts;
    Guard guard;
#pragma omp parallel for num_threads(threads_) schedule(dynamic)
    for (int64_t task = 0; task < shape_.batch * count; task++) {
      const int64_t i = task % count, c = general_[i / parts] * kLanes<T> + i % parts * kLanes<double>;
      const int64_t start = task / count * shape_.tokens * shape_.channels + c;
      const D decay = Column<T>::read(w_ + c), boost = Column<T>::read(u_ + c);
      const Column<T> column{shape_.tokens, shape_.channels, decay, boost, k_ + start, v_ + start};
      guard([&] { column.forward(y_ + start); });
    }
    guard.rethrow();
  }

  int length(int64_t chunk) const { return std::min<int64_t>(kChunk, shape_.tokens - chunk * kChunk); }

  Rows<T> rows(int64_t b, int64_t chunk, int64_t window) const {
    const int64_t column = window * kLanes<T>;
    const int64_t start = (b * shape_.tokens + chunk * kChunk) * shape_.channels + column;
    const int64_t ahead = chunk + 1 < chunks_ ? kChunk * (shape_.channels + column) - column : 0;
    return {k_ + start, v_ + start, shape_.channels, length(chunk), ahead};
  }

  Carry<T> carry(int direction, int64_t b, int64_t chunk, int64_t window) const {
    const int64_t i = (((direction * shape_.batch + b) * chunks_ + chunk) * windows_ + window) * kLanes<T>;
    return {peaks_.get() + i, sums_.get() + 2 * i, sums_.get() + 2 * i + kLanes<T>};
  }

  Shape shape_;
  const T *w_, *u_, *k_, *v_;
  T* y_;
  int threads_;
  int64_t chunks_, windows_;
  std::vector<int64_t> small_, general_;  // windows of kLanes<T> channels, by the method that they need
  std::unique_ptr<double[]> peaks_;
  std::unique_ptr<T[]> sums_;
};

// dw, du [B, C], overwritten.
template <class T>
void backward(Shape shape, const T* w, const T* u, const T* k, const T* v, const T* grad, double* dw, double* du, T* dk,
              T* dv, int threads) {
  const int64_t columns = shape.channels / kLanes<double>;
  Guard guard;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int64_t task = 0; task < shape.batch * columns; task++) {
    const int64_t b = task / columns, c = task % columns * kLanes<double>;
    const int64_t start = b * shape.tokens * shape.channels + c, sum = b * shape.channels + c;
    const D decay = Column<T>::read(w + c), boost = Column<T>::read(u + c);
    const Column<T> column{shape.tokens, shape.channels, decay, boost, k + start, v + start};
    guard([&] { column.backward(grad + start, dk + start, dv + start, dw + sum, du + sum); });
  }
  guard.rethrow();
}

template <class F> int guarded(F f) {
  try {
    f();
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

}  // namespace biwkv

#define BIWKV_DEFINE(T, suffix)                                                                                       \
  BIWKV_EXPORT int biwkv_forward_##suffix(int64_t b, int64_t t, int64_t c, const T* w, const T* u, const T* k,         \
                                          const T* v, T* y, int threads) {                                             \
    return biwkv::guarded([=] { biwkv::Forward<T>({b, t, c}, w, u, k, v, y, threads).run(); });                        \
  }                                                                                                                    \
  BIWKV_EXPORT int biwkv_backward_##suffix(int64_t b, int64_t t, int64_t c, const T* w, const T* u, const T* k,        \
                                           const T* v, const T* grad, double* dw, double* du, T* dk, T* dv,            \
                                           int threads) {                                                              \
    return biwkv::guarded([=] { biwkv::backward<T>({b, t, c}, w, u, k, v, grad, dw, du, dk, dv, threads); });          \
  }                                                                                                                    \
  BIWKV_EXPORT void biwkv_exp_##suffix(int64_t count, const T* x, T* y) {                                              \
    for (int64_t i = 0; i + biwkv::kLanes<T> <= count; i += biwkv::kLanes<T>)                                          \
      biwkv::store(y + i, biwkv::exp<T>(biwkv::load(x + i)));                                                          \
  }

BIWKV_DEFINE(float, f32)
BIWKV_DEFINE(double, f64)
