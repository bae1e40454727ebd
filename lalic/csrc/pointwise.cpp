// What stands between LALIC's matrix products, in one pass over memory each. Arrays are contiguous.

#include <algorithm>

#include "export.h"
#include "vector.h"

namespace lalic {

using namespace native;

constexpr int64_t kBlock = 4096;  // values per task

// f(start, count) for all blocks; count is kBlock but for the last.
template <class F> void over_blocks(int64_t size, int threads, F f) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t start = 0; start < size; start += kBlock) f(start, std::min(kBlock, size - start));
}

// f(vectors of the arrays) written to the first, the rest of the last vector being filled with what is there.
template <class T, class F> void in_place(T* to, const T* from, int64_t count, F f) {
  int64_t i = 0;
  for (; i + kLanes<T> <= count; i += kLanes<T>) store(to + i, f(load(to + i), load(from + i)));
  if (i == count) return;
  T left[kLanes<T>] = {}, right[kLanes<T>] = {};
  std::copy(to + i, to + count, left);
  std::copy(from + i, from + count, right);
  store(left, f(load(left), load(right)));
  std::copy(left, left + (count - i), to + i);
}

template <class T> void gate(int64_t size, T* receptance, const T* x, int threads) {
  over_blocks(size, threads, [=](int64_t start, int64_t count) {
    in_place(receptance + start, x + start, count, [](Vec<T> r, Vec<T> value) {
      const Vec<T> most = all<T>(-Exp<T>::floor), minus = -r;
      return value / (exp<T>(most < minus ? most : minus) + T(1));  // in this order NaN stays NaN
    });
  });
}

template <class T> void squared_relu(int64_t size, T* x, int threads) {
  over_blocks(size, threads, [=](int64_t start, int64_t count) {
    in_place(x + start, x + start, count, [](Vec<T> value, Vec<T>) {
      const Vec<T> positive = larger(Vec<T>{}, value);
      return positive * positive;
    });
  });
}

}  // namespace lalic

NATIVE_EXPORT void lalic_gate_f32(int64_t n, float* r, const float* x, int threads) { lalic::gate(n, r, x, threads); }
NATIVE_EXPORT void lalic_gate_f64(int64_t n, double* r, const double* x, int threads) { lalic::gate(n, r, x, threads); }
NATIVE_EXPORT void lalic_squared_relu_f32(int64_t n, float* x, int threads) { lalic::squared_relu(n, x, threads); }
NATIVE_EXPORT void lalic_squared_relu_f64(int64_t n, double* x, int threads) { lalic::squared_relu(n, x, threads); }
