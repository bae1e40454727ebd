// The entropy-coded parts of a Cool-chic 3.1 stream: the range decoder, the symbols of the networks, and the latents of
// a grid, whose distributions the context model computes from their neighbours in whole numbers.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "export.h"

namespace {

constexpr int kFraction = 128;                // means and scales are multiples of 1/128
constexpr uint64_t kTotal = uint64_t{1} << 24;  // of a distribution's cumulative frequencies
constexpr int kBorder = 4;                    // how far the context model's window reaches
constexpr int64_t kMostLatents = int64_t{1} << 31;

enum Status : int64_t { kDecoded = 0, kDamaged = 1, kNoMemory = 2, kBadArguments = 3 };  // as in ../entropy_decoding.py

// A symbol and the cumulative frequencies at its ends.
struct Interval {
  int64_t symbol;
  uint64_t start, end;
};

// A Laplace distribution over the symbols -a .. a + 1; mean and scale in multiples of 1 / kFraction.
class Laplace {
 public:
  Laplace(int64_t a, int64_t mean, int64_t scale)
      : a_(a), mean_(mean), scale_(static_cast<double>(scale) / kFraction), share_(static_cast<double>(kTotal - 1 - (2 * a + 1))) {}

  // The sum of the frequencies of all symbols below `symbol`. A scale of 0 has all its mass at the mean, and where that is
  // half-way between two symbols at the upper one.
  uint64_t below(int64_t symbol) const {
    if (symbol <= -a_) return 0;
    if (symbol >= a_ + 2) return kTotal;
    return static_cast<uint64_t>(share_ * cumulative(symbol)) + static_cast<uint64_t>(symbol + a_);
  }

  // The symbol with below(symbol) <= quantile < below(symbol + 1), sought from the mean outwards. quantile < kTotal.
  Interval find(uint64_t quantile) const {
    int64_t low = std::clamp<int64_t>((mean_ + kFraction / 2) >> 7, -a_, a_ + 1), high = low + 1;
    uint64_t start = below(low), end = start;
    for (int64_t step = 1; start > quantile; step *= 2) {
      high = low, end = start;
      low = std::max(-a_, low - step), start = below(low);
    }
    if (end == start) end = below(high);
    for (int64_t step = 1; end <= quantile; step *= 2) {
      low = high, start = end;
      high = std::min(a_ + 2, high + step), end = below(high);
    }
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      const uint64_t there = below(middle);
      if (there <= quantile) low = middle, start = there;
      else high = middle, end = there;
    }
    return {low, start, end};
  }

 private:
  double cumulative(int64_t symbol) const {
    const int64_t distance = symbol * kFraction - kFraction / 2 - mean_;
    if (scale_ == 0) return distance > 0;
    const double ratio = static_cast<double>(distance) / kFraction / scale_;
    return distance <= 0 ? 0.5 * std::exp(ratio) : 1 - 0.5 * std::exp(-ratio);
  }

  int64_t a_, mean_;
  double scale_, share_;
};

// 64 bits of state, 32-bit words, little-endian; words after the end are 0.
class RangeDecoder {
 public:
  RangeDecoder(const uint8_t* bytes, int64_t count) : bytes_(bytes), left_(count) {
    point_ = next_word() << 32;
    point_ |= next_word();
  }

  // The next symbol into `symbol`; false for bytes that no encoder writes.
  bool read(const Laplace& model, int64_t& symbol) {
    const uint64_t unit = range_ >> 24, quantile = (point_ - low_) / unit;
    if (quantile >= kTotal) return false;
    const Interval found = model.find(quantile);
    symbol = found.symbol;
    low_ += unit * found.start;
    range_ = unit * (found.end - found.start);
    if (range_ >> 32 == 0) {
      low_ <<= 32;
      range_ <<= 32;
      point_ = point_ << 32 | next_word();
    }
    return true;
  }

 private:
  uint64_t next_word() {
    uint8_t word[4] = {};
    const int64_t count = std::min<int64_t>(4, left_);
    std::memcpy(word, bytes_, static_cast<size_t>(count));
    bytes_ += count;
    left_ -= count;
    return word[0] | uint64_t{word[1]} << 8 | uint64_t{word[2]} << 16 | uint64_t{word[3]} << 24;
  }

  const uint8_t* bytes_;
  int64_t left_;
  uint64_t low_ = 0, range_ = ~uint64_t{0}, point_ = 0;
};

// The context model with `Dim` inputs, in whole numbers with 6 fractional bits. Real streams stay far below 2^31; a
// damaged one may overflow, which unsigned numbers may.
template <int Dim>
class ContextModel {
 public:
  // weights: of each hidden layer [Dim, Dim], then [2, Dim], outputs first; biases: Dim for each hidden layer, then 2.
  ContextModel(int64_t hidden, const int32_t* weights, const int32_t* biases) : hidden_(hidden), biases_(biases) {
    columns_.resize(static_cast<size_t>(hidden * Dim * Dim));
    for (int64_t layer = 0; layer < hidden; ++layer)
      for (int64_t out = 0; out < Dim; ++out)
        for (int64_t in = 0; in < Dim; ++in)
          columns_[static_cast<size_t>((layer * Dim + in) * Dim + out)] = static_cast<uint32_t>(*weights++);
    last_ = weights;
  }

  // Of the latents around a place: 64 times the mean, and 64 times the logarithm of the scale's inverse, doubled.
  void predict(const int32_t* place, const std::ptrdiff_t* offsets, int32_t result[2]) const {
    uint32_t x[Dim], sums[Dim];
    for (int i = 0; i < Dim; ++i) x[i] = static_cast<uint32_t>(place[offsets[i]]) << 6;
    const int32_t* bias = biases_;
    const uint32_t* column = columns_.data();
    for (int64_t layer = 0; layer < hidden_; ++layer, bias += Dim) {
      for (int out = 0; out < Dim; ++out) sums[out] = static_cast<uint32_t>(bias[out]) + (x[out] << 6) + 32;
      for (int in = 0; in < Dim; ++in, column += Dim)
        for (int out = 0; out < Dim; ++out) sums[out] += column[out] * x[in];
      for (int out = 0; out < Dim; ++out) x[out] = static_cast<uint32_t>(std::max(0, static_cast<int32_t>(sums[out]) >> 6));
    }
    for (int out = 0; out < 2; ++out) {
      uint32_t sum = static_cast<uint32_t>(bias[out]) + 32;
      for (int in = 0; in < Dim; ++in) sum += static_cast<uint32_t>(last_[out * Dim + in]) * x[in];
      result[out] = static_cast<int32_t>(sum) >> 6;
    }
  }

 private:
  int64_t hidden_;
  std::vector<uint32_t> columns_;
  const int32_t* biases_;
  const int32_t* last_;
};

// Of each value of the context model's second output, from kLeast on, the scale in multiples of 1 / kFraction.
constexpr int32_t kLeast = -10 * 64, kMost = 885;  // 885 stands for all above 13.8155 * 64
std::vector<int32_t> make_scales() {
  std::vector<int32_t> scales;
  for (int32_t value = kLeast; value <= kMost; ++value)
    scales.push_back(static_cast<int32_t>(std::nearbyint(std::exp(-std::min(value / 64.0, 13.8155) / 2) * kFraction)));
  return scales;
}

// The places of the window, 9 * row + column with its centre at 40, that are inputs.
template <int Dim>
std::vector<std::ptrdiff_t> window_offsets(std::ptrdiff_t stride) {
  std::vector<int> places;
  const auto add = [&places](int first, int last) { for (int place = first; place <= last; ++place) places.push_back(place); };
  if (Dim == 8) add(21, 22), add(30, 33), add(38, 39);
  if (Dim == 16) add(13, 14), add(20, 24), add(28, 33), add(37, 39);
  if (Dim == 24) add(4, 4), add(11, 15), add(19, 25), add(28, 34), add(36, 39);
  if (Dim == 32) add(2, 5), add(10, 16), add(19, 35), add(36, 39);
  std::vector<std::ptrdiff_t> offsets;
  for (int place : places) offsets.push_back((place / 9 - kBorder) * stride + place % 9 - kBorder);
  return offsets;
}

struct Grid {
  const uint8_t* bytes;
  int64_t count, height, width, a;
};

// The latents in the order of the stream: by column + 5 * row, from the top row downwards.
template <int Dim>
int64_t decode_grid(const Grid& grid, int64_t hidden, const int32_t* weights, const int32_t* biases, int32_t* latents) {
  static const std::vector<int32_t> scales = make_scales();
  const int64_t height = grid.height, width = grid.width, stride = width + 2 * kBorder;
  std::vector<int32_t> padded(static_cast<size_t>((height + kBorder) * stride));
  const std::vector<std::ptrdiff_t> offsets = window_offsets<Dim>(stride);
  const ContextModel<Dim> model(hidden, weights, biases);
  RangeDecoder decoder(grid.bytes, grid.count);
  for (int64_t front = 0; front < width + 5 * (height - 1); ++front) {
    const int64_t first = front < width ? 0 : (front - width) / 5 + 1, last = std::min(height - 1, front / 5);
    for (int64_t row = first; row <= last; ++row) {
      int32_t* place = padded.data() + (row + kBorder) * stride + kBorder + front - 5 * row;
      int32_t predicted[2];
      model.predict(place, offsets.data(), predicted);
      const int32_t scale = scales[static_cast<size_t>(std::clamp(predicted[1], kLeast, kMost) - kLeast)];
      int64_t symbol;
      if (!decoder.read(Laplace(grid.a, int64_t{predicted[0]} * 2, scale), symbol)) return kDamaged;
      *place = static_cast<int32_t>(symbol);
    }
  }
  for (int64_t row = 0; row < height; ++row)
    std::copy_n(padded.data() + (row + kBorder) * stride + kBorder, width, latents + row * width);
  return kDecoded;
}

}  // namespace

// `count` symbols -a .. a + 1 of mean 0 and scale / 128 into `symbols`. Returns a Status.
NATIVE_EXPORT int64_t cool_chic_symbols(const uint8_t* bytes, int64_t size, int64_t a, int64_t scale, int64_t count,
                                        int32_t* symbols) {
  RangeDecoder decoder(bytes, size);
  const Laplace model(a, 0, scale);
  for (int64_t i = 0; i < count; ++i) {
    int64_t symbol;
    if (!decoder.read(model, symbol)) return kDamaged;
    symbols[i] = static_cast<int32_t>(symbol);
  }
  return kDecoded;
}

// The latents -a .. a + 1 of a grid into `latents` [height, width]. Weights and biases as in ContextModel.
NATIVE_EXPORT int64_t cool_chic_grid(const uint8_t* bytes, int64_t size, int64_t height, int64_t width, int64_t a, int64_t dim,
                                     int64_t hidden, const int32_t* weights, const int32_t* biases, int32_t* latents) {
  if (height < 1 || width < 1 || height > kMostLatents / width) return kBadArguments;
  const Grid grid{bytes, size, height, width, a};
  try {
    switch (dim) {
      case 8: return decode_grid<8>(grid, hidden, weights, biases, latents);
      case 16: return decode_grid<16>(grid, hidden, weights, biases, latents);
      case 24: return decode_grid<24>(grid, hidden, weights, biases, latents);
      case 32: return decode_grid<32>(grid, hidden, weights, biases, latents);
      default: return kBadArguments;
    }
  } catch (const std::bad_alloc&) {
    return kNoMemory;
  }
}
