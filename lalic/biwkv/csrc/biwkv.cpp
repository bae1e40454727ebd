// BiWKV on the CPU. Arrays are contiguous: k, v, y and their gradients [B, T, C], w, u [C], C a multiple of 16.
// S: the type of k, v and y in memory, T: that of the computation, of w and of u.
// Every function returns 0, or 1 if memory ran out.

#include "chunks.h"
#include "export.h"
#include "gradients.h"

namespace biwkv {

// The sums over all tokens before and after each chunk of small windows.
template <class S> typename Chunks<S>::Carries carried(const Chunks<S>& chunks) {
  typename Chunks<S>::Carries carries(chunks.carried());
  chunks.over_chunks([&](const auto& place, const auto& f) {
    summarise(chunks.rows(place), f, chunks.carry(carries, 0, place), chunks.carry(carries, 1, place));
  });
  chunks.scan(carries);
  return carries;
}

template <class S, class T = Computed<S>>
void forward(Shape shape, const S* k, const S* v, const T* w, const T* u, S* y, int threads) {
  const Chunks<S> chunks(shape, k, v, w, u, threads);
  if (chunks.any_small()) {
    const auto carries = carried(chunks);
    chunks.over_chunks([&](const auto& place, const Factors<T>& f) {
      const Rows<S> tokens = chunks.rows(place);
      outputs(tokens, f, chunks.carry(carries, 0, place), chunks.carry(carries, 1, place), y + (tokens.k - k));
    });
  }
  chunks.over_columns([&](const Column<S>& column, int64_t start, int64_t, int64_t) { column.forward(y + start); });
}

// dw, du [B, C], overwritten.
template <class T>
void backward(Shape shape, const T* k, const T* v, const T* w, const T* u, const T* grad, double* dw, double* du, T* dk,
              T* dv, int threads) {
  const Chunks<T> chunks(shape, k, v, w, u, threads);
  if (chunks.any_small()) {
    const auto givers = carried(chunks);
    const typename Chunks<T>::Carries receivers(chunks.carried());
    const auto received = [&](const auto& place, const Factors<T>& f, Receivers<T>& found) {
      const Rows<T> tokens = chunks.rows(place);
      found.receive(tokens, f, chunks.carry(givers, 0, place), chunks.carry(givers, 1, place), grad + (tokens.k - k));
      return tokens;
    };
    chunks.over_chunks([&](const auto& place, const Factors<T>& f) {
      Receivers<T> found;
      const Rows<T> tokens = received(place, f, found);
      found.summarise(tokens, f, chunks.carry(receivers, 0, place), chunks.carry(receivers, 1, place));
    });
    chunks.scan(receivers);
    const std::unique_ptr<double[]> decays(new double[chunks.carried()]), boosts(new double[chunks.carried()]);
    chunks.over_chunks([&](const auto& place, const Factors<T>& f) {
      Receivers<T> found;
      const Rows<T> tokens = received(place, f, found);
      const int64_t start = tokens.k - k, part = chunks.index(place);
      found.give(tokens, f, chunks.carry(receivers, 0, place), chunks.carry(receivers, 1, place), dk + start,
                 dv + start, decays.get() + part, boosts.get() + part);
    });
    chunks.add_up(decays.get(), dw);
    chunks.add_up(boosts.get(), du);
  }
  chunks.over_columns([&](const Column<T>& column, int64_t start, int64_t b, int64_t c) {
    const int64_t sum = b * shape.channels + c;
    column.backward(grad + start, dk + start, dv + start, dw + sum, du + sum);
  });
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

#define BIWKV_FORWARD(S, suffix)                                                                                       \
  NATIVE_EXPORT int biwkv_forward_##suffix(int64_t b, int64_t t, int64_t c, const S* k, const S* v,                     \
                                           const native::Computed<S>* w, const native::Computed<S>* u, S* y,           \
                                           int threads) {                                                              \
    return biwkv::guarded([=] { biwkv::forward<S>({b, t, c}, k, v, w, u, y, threads); });                              \
  }
#define BIWKV_BACKWARD(T, suffix)                                                                                      \
  NATIVE_EXPORT int biwkv_backward_##suffix(int64_t b, int64_t t, int64_t c, const T* k, const T* v, const T* w,        \
                                           const T* u, const T* grad, double* dw, double* du, T* dk, T* dv,            \
                                           int threads) {                                                              \
    return biwkv::guarded([=] { biwkv::backward<T>({b, t, c}, k, v, w, u, grad, dw, du, dk, dv, threads); });          \
  }                                                                                                                    \
  NATIVE_EXPORT void biwkv_exp_##suffix(int64_t count, const T* x, T* y) {                                             \
    for (int64_t i = 0; i + native::kLanes<T> <= count; i += native::kLanes<T>)                                        \
      native::store(y + i, native::exp<T>(native::load(x + i)));                                                       \
  }

BIWKV_FORWARD(float, f32)
BIWKV_FORWARD(double, f64)
BIWKV_FORWARD(native::Bfloat16, bf16)
BIWKV_BACKWARD(float, f32)
BIWKV_BACKWARD(double, f64)
