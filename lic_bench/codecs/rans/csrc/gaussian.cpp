// From scales to the tables of a coder, and from a latent to symbols: each in one pass, float32, with the results of
// torch.bucketize and torch.round.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "export.h"

namespace {

constexpr int kShift = 19;  // what is left of a float: sign, exponent, the upper 4 bits of the mantissa

uint32_t bits_of(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

// The number of bounds below a value; of all of them for NaN.
class Buckets {
  public:
    // bounds: rising, more than 0.
    Buckets(const float* bounds, int64_t count) : bounds_(bounds, bounds + count), first_(size_t{1} << (31 - kShift)) {
        for (uint32_t upper = 0; upper < first_.size(); ++upper) {
            float least;
            const uint32_t bits = upper << kShift;
            std::memcpy(&least, &bits, sizeof least);
            uint32_t bucket = 0;
            while (bucket < bounds_.size() && bounds_[bucket] < least) ++bucket;
            first_[upper] = static_cast<uint16_t>(bucket);
        }
    }

    int32_t of(float value) const {
        if (value <= 0) return 0;
        uint32_t bucket = first_[(bits_of(value) & 0x7fffffffu) >> kShift];
        if (std::isnan(value)) bucket = static_cast<uint32_t>(bounds_.size());
        while (bucket < bounds_.size() && bounds_[bucket] < value) ++bucket;
        return static_cast<int32_t>(bucket);
    }

  private:
    std::vector<float> bounds_;
    std::vector<uint16_t> first_;  // by the upper bits of a value: the bucket of the least value with these
};

// As torch casts to int32 on x86: what does not fit becomes the least number.
int32_t symbol_of(float rounded) {
    constexpr float limit = 2147483648.0f;
    return rounded >= -limit && rounded < limit ? static_cast<int32_t>(rounded) : std::numeric_limits<int32_t>::min();
}

}  // namespace

NATIVE_EXPORT void* gaussian_buckets_new(const float* bounds, int64_t count) { return new Buckets(bounds, count); }

NATIVE_EXPORT void gaussian_buckets_delete(void* buckets) { delete static_cast<Buckets*>(buckets); }

NATIVE_EXPORT void gaussian_indexes(const void* buckets, const float* scales, int64_t count, int32_t* indexes) {
    const auto& of = *static_cast<const Buckets*>(buckets);
    for (int64_t i = 0; i < count; ++i) indexes[i] = of.of(scales[i]);
}

// symbols = round(y - means), y_hat = symbols + means, and the indexes of the scales.
NATIVE_EXPORT void gaussian_symbols(const void* buckets, const float* y, const float* scales, const float* means,
                                    int64_t count, int32_t* symbols, int32_t* indexes, float* y_hat) {
    const auto& of = *static_cast<const Buckets*>(buckets);
    for (int64_t i = 0; i < count; ++i) {
        const float rounded = std::nearbyint(y[i] - means[i]);
        symbols[i] = symbol_of(rounded);
        indexes[i] = of.of(scales[i]);
        y_hat[i] = rounded + means[i];
    }
}
