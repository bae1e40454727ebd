// Omni-Shift's depthwise 5x5 convolution with zero padding, channels last, and its gradients: on a CPU for training, and
// for bfloat16.
//
// Arrays are contiguous: images [B, H, W, C], kernels [25, C]. Channels are worked on in vectors of the full width, what is
// left over in vectors of half, a quarter, ... of it; every lane adds in the same order, so all widths give the same bits.

#include <algorithm>
#include <type_traits>

#include "bfloat16.h"
#include "export.h"
#include "vector.h"

namespace lalic {

using namespace native;

constexpr int kReach = 2, kSide = 5;

template <class T, int bytes> struct Lanes {
  typedef T Vector __attribute__((vector_size(bytes)));
  static constexpr int count = bytes / sizeof(T);
  static Vector at(const T* from) {
    Vector v;
    std::memcpy(&v, from, sizeof v);
    return v;
  }
  static void put(T* to, Vector v) { std::memcpy(to, &v, sizeof v); }

  static Vector at(const Bfloat16* from) { return Bfloat16Lanes<count>::load(from); }
  static void put(Bfloat16* to, Vector v) { Bfloat16Lanes<count>::store(to, v); }
};

// f(type of lanes, first channel) over all channels from `channel` on.
template <class T, int bytes = kVectorBytes, class F> void over_channels(int64_t channel, int64_t channels, F f) {
  using L = Lanes<T, bytes>;
  for (; channels - channel >= L::count; channel += L::count) f(L{}, channel);
  if constexpr (bytes > int(sizeof(T))) over_channels<T, bytes / 2>(channel, channels, f);
}

struct Size {
  int64_t height, width, channels;
};

// Outputs of columns [column, column + count) of a row, in lanes at one channel; pixels outside count as zero.
// inside: none of the columns that are read is outside.
template <class L, int count, bool inside, class S>
inline void convolve(const S* image, const S* kernel, S* out, Size s, int64_t row, int64_t column) {
  typename L::Vector sum[count] = {};
  for (int64_t y = std::max<int64_t>(row - kReach, 0); y <= std::min(row + kReach, s.height - 1); y++)
    for (int dx = -kReach; dx <= kReach; dx++) {
      const auto weight = L::at(kernel + ((y - row + kReach) * kSide + dx + kReach) * s.channels);
      for (int i = 0; i < count; i++) {
        const int64_t x = column + i + dx;
        if (inside || (x >= 0 && x < s.width)) sum[i] += weight * L::at(image + (y * s.width + x) * s.channels);
      }
    }
  for (int i = 0; i < count; i++) L::put(out + (row * s.width + column + i) * s.channels, sum[i]);
}

template <class S> void depthwise(int64_t batch, Size s, const S* image, const S* kernel, S* out, int threads) {
  constexpr int kColumns = 4;  // at a time, for which a weight is read once
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t task = 0; task < batch * s.height; task++) {
    const int64_t start = task / s.height * s.height * s.width * s.channels, row = task % s.height;
    over_channels<Computed<S>>(0, s.channels, [=](auto lanes, int64_t channel) {
      using L = decltype(lanes);
      const S *from = image + start + channel, *weights = kernel + channel;
      S* to = out + start + channel;
      int64_t x = 0;
      for (; x < std::min<int64_t>(kReach, s.width); x++) convolve<L, 1, false>(from, weights, to, s, row, x);
      for (; x + kColumns + kReach <= s.width; x += kColumns) convolve<L, kColumns, true>(from, weights, to, s, row, x);
      for (; x < s.width; x++) convolve<L, 1, false>(from, weights, to, s, row, x);
    });
  }
}

// Sums over one row of output, in lanes at one channel, of the gradient times the pixel dx columns on in row y.
template <class L, class T> inline void row_sums(const T* image, const T* grad, T* out, Size s, int64_t row, int64_t y) {
  typename L::Vector sum[kSide] = {};
  for (int64_t x = 0; x < s.width; x++) {
    const auto g = L::at(grad + (row * s.width + x) * s.channels);
    const T* from = image + (y * s.width + x) * s.channels;
    for (int dx = -kReach; dx <= kReach; dx++)
      if (x + dx >= 0 && x + dx < s.width) sum[dx + kReach] += g * L::at(from + dx * s.channels);
  }
  for (int i = 0; i < kSide; i++) {
    T* to = out + ((y - row + kReach) * kSide + i) * s.channels;
    L::put(to, L::at(to) + sum[i]);
  }
}

// The kernel's gradient of each image, [B, 25, C], which is zero before.
template <class T>
void depthwise_kernel(int64_t batch, Size s, const T* image, const T* grad, T* out, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t b = 0; b < batch; b++) {
    const int64_t start = b * s.height * s.width * s.channels;
    over_channels<T>(0, s.channels, [=](auto lanes, int64_t channel) {
      using L = decltype(lanes);
      T* to = out + b * kSide * kSide * s.channels + channel;
      for (int64_t row = 0; row < s.height; row++)
        for (int64_t y = std::max<int64_t>(row - kReach, 0); y <= std::min(row + kReach, s.height - 1); y++)
          row_sums<L>(image + start + channel, grad + start + channel, to, s, row, y);
    });
  }
}

}  // namespace lalic

#define LALIC_DEPTHWISE(suffix, S)                                                                                      \
  NATIVE_EXPORT void lalic_depthwise_##suffix(int64_t batch, int64_t height, int64_t width, int64_t channels,           \
                                              const S* image, const S* kernel, S* out, int threads) {                   \
    lalic::depthwise(batch, {height, width, channels}, image, kernel, out, threads);                                    \
  }
#define LALIC_DEPTHWISE_KERNEL(suffix, T)                                                                               \
  NATIVE_EXPORT void lalic_depthwise_kernel_##suffix(int64_t batch, int64_t height, int64_t width, int64_t channels,    \
                                                     const T* image, const T* grad, T* out, int threads) {              \
    lalic::depthwise_kernel(batch, {height, width, channels}, image, grad, out, threads);                               \
  }

LALIC_DEPTHWISE(f32, float)
LALIC_DEPTHWISE(f64, double)
LALIC_DEPTHWISE(bf16, native::Bfloat16)
LALIC_DEPTHWISE_KERNEL(f32, float)
LALIC_DEPTHWISE_KERNEL(f64, double)
