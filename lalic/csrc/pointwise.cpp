// What stands between LALIC's matrix products, and its gradients, in one pass over memory each. Arrays are contiguous.
// S: the type in memory, T: that of the computation.

#include <algorithm>

#include "bfloat16.h"
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
template <class S, class F> void in_place(S* to, const S* from, int64_t count, F f) {
  constexpr int lanes = kLanes<Computed<S>>;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(to + i, f(load(to + i), load(from + i)));
  if (i == count) return;
  S left[lanes] = {}, right[lanes] = {};
  std::copy(to + i, to + count, left);
  std::copy(from + i, from + count, right);
  store(left, f(load(left), load(right)));
  std::copy(left, left + (count - i), to + i);
}

// 1 + exp(-r): what sigmoid(r) divides by.
template <class T> Vec<T> divisor(Vec<T> r) {
  const Vec<T> most = all<T>(-Exp<T>::floor), minus = -r;
  return exp<T>(most < minus ? most : minus) + T(1);  // in this order NaN stays NaN
}

template <class S> void gate(int64_t size, S* receptance, const S* x, int threads) {
  using T = Computed<S>;
  over_blocks(size, threads, [=](int64_t start, int64_t count) {
    in_place(receptance + start, x + start, count, [](Vec<T> r, Vec<T> value) { return value / divisor<T>(r); });
  });
}

// Both gradients from that of the result: grad becomes that of x, receptance that of itself.
template <class T> void gate_backward(int64_t size, T* receptance, const T* x, T* grad, int threads) {
  over_blocks(size, threads, [=](int64_t start, int64_t count) {
    T *r = receptance + start, *g = grad + start;
    const T* value = x + start;
    const auto both = [](Vec<T>& r, Vec<T> value, Vec<T>& g) {
      const Vec<T> sigmoid = T(1) / divisor<T>(r);
      r = g * value * (sigmoid * (T(1) - sigmoid));
      g *= sigmoid;
    };
    int64_t i = 0;
    for (; i + kLanes<T> <= count; i += kLanes<T>) {
      Vec<T> a = load(r + i), b = load(g + i);
      both(a, load(value + i), b);
      store(r + i, a);
      store(g + i, b);
    }
    T rest[3][kLanes<T>] = {};
    std::copy(r + i, r + count, rest[0]);
    std::copy(value + i, value + count, rest[1]);
    std::copy(g + i, g + count, rest[2]);
    Vec<T> a = load(rest[0]), b = load(rest[2]);
    both(a, load(rest[1]), b);
    store(rest[0], a);
    store(rest[2], b);
    std::copy(rest[0], rest[0] + (count - i), r + i);
    std::copy(rest[2], rest[2] + (count - i), g + i);
  });
}

template <class S> void squared_relu(int64_t size, S* x, int threads) {
  using T = Computed<S>;
  over_blocks(size, threads, [=](int64_t start, int64_t count) {
    in_place(x + start, x + start, count, [](Vec<T> value, Vec<T>) {
      const Vec<T> positive = larger(Vec<T>{}, value);
      return positive * positive;
    });
  });
}

// grad becomes the gradient of x.
template <class T> void squared_relu_backward(int64_t size, T* grad, const T* x, int threads) {
  over_blocks(size, threads, [=](int64_t start, int64_t count) {
    in_place(grad + start, x + start, count, [](Vec<T> g, Vec<T> value) { return g * (larger(Vec<T>{}, value) * T(2)); });
  });
}

// out = x + gamma * mix, for tokens of `channels` values.
template <class S, class T = Computed<S>>
void residual(int64_t tokens, int64_t channels, const S* mix, const T* x, const T* gamma, T* out, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t start = 0; start < tokens * channels; start += channels) {
    int64_t c = 0;
    for (; c + kLanes<T> <= channels; c += kLanes<T>)
      store(out + start + c, load(x + start + c) + load(gamma + c) * load(mix + start + c));
    for (; c < channels; c++) out[start + c] = x[start + c] + gamma[c] * T(mix[start + c]);
  }
}

}  // namespace lalic

#define LALIC_POINTWISE(suffix, S)                                                                             \
  NATIVE_EXPORT void lalic_gate_##suffix(int64_t n, S* r, const S* x, int threads) {                           \
    lalic::gate(n, r, x, threads);                                                                             \
  }                                                                                                            \
  NATIVE_EXPORT void lalic_squared_relu_##suffix(int64_t n, S* x, int threads) {                               \
    lalic::squared_relu(n, x, threads);                                                                        \
  }
#define LALIC_POINTWISE_BACKWARD(suffix, T)                                                                    \
  NATIVE_EXPORT void lalic_gate_backward_##suffix(int64_t n, T* r, const T* x, T* grad, int threads) {         \
    lalic::gate_backward(n, r, x, grad, threads);                                                              \
  }                                                                                                            \
  NATIVE_EXPORT void lalic_squared_relu_backward_##suffix(int64_t n, T* grad, const T* x, int threads) {       \
    lalic::squared_relu_backward(n, grad, x, threads);                                                         \
  }

LALIC_POINTWISE(f32, float)
LALIC_POINTWISE(f64, double)
LALIC_POINTWISE(bf16, native::Bfloat16)
LALIC_POINTWISE_BACKWARD(f32, float)
LALIC_POINTWISE_BACKWARD(f64, double)

NATIVE_EXPORT void lalic_residual_bf16(int64_t tokens, int64_t channels, const native::Bfloat16* mix, const float* x,
                                       const float* gamma, float* out, int threads) {
  lalic::residual(tokens, channels, mix, x, gamma, out, threads);
}
