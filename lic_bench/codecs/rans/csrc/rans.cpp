// rANS with a 64-bit state and 32-bit words, in the format of compressai.ans: 16-bit frequencies, and symbols outside
// of their table as the table's last symbol followed by 4-bit digits. Format: docs in ../README.md.
//
// Duda, Asymmetric numeral systems, arXiv:1311.2540. The state x stays in [2^31, 2^63).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "export.h"

namespace {

constexpr int kPrecision = 16;                         // bits of a frequency
constexpr uint64_t kLow = uint64_t{1} << 31;           // least state
constexpr int kDigit = 4;                              // bits of what follows the last symbol of a table
constexpr uint32_t kFull = (1u << kDigit) - 1;         // digit that says: more are to be added
constexpr uint32_t kMostDigits = 32 / kDigit;
constexpr size_t kWordsOfSymbol = 2;                   // at most: 16 bits and 9 digits of 4
constexpr int64_t kBlock = 4096;                       // symbols for which the encoder makes room at once
constexpr int kBucketShift = 8;                        // a bucket of the decoder's lookup: 2^8 cumulative frequencies
constexpr int kBuckets = 1 << (kPrecision - kBucketShift);

enum Status : int64_t { kOk = 0, kBadIndex = 1, kTooShort = 2, kDamaged = 3, kTooFar = 4 };  // as in ../coder.py

// What the encoder does with one symbol: x -> x + bias + (x / frequency) * (2^16 - frequency), the quotient by the upper
// half of a product. With s = ceil(log2(frequency)) the factor is ceil(2^(63 + s) / frequency), exact for every x below
// 2^63. For the frequency 1 the quotient comes out as x - 1, which the bias makes up for.
struct Step {
    uint64_t factor;
    uint32_t bias;
    uint16_t rest;  // 2^16 - frequency
    uint8_t shift;
};
static_assert(sizeof(Step) == 16);

Step step_of(uint32_t start, uint32_t frequency) {
    if (frequency == 1) return {~uint64_t{0}, start + (1u << kPrecision) - 1, (1u << kPrecision) - 1, 0};
    int s = 1;
    while ((1u << s) < frequency) ++s;
    const auto power = static_cast<unsigned __int128>(1) << (63 + s);
    const auto factor = static_cast<uint64_t>((power + frequency - 1) / frequency);
    return {factor, start, static_cast<uint16_t>((1u << kPrecision) - frequency), static_cast<uint8_t>(s - 1)};
}

struct Table {
    int32_t offset;      // symbol of the first interval
    int32_t last;        // number of the last interval, after which digits follow
    const uint32_t* starts;  // of the intervals, and 2^16 at the end
    const Step* steps;
    uint16_t first[kBuckets];  // of the intervals that reach into a bucket
};

struct Tables {
    std::vector<uint32_t> starts;
    std::vector<Step> steps;
    std::vector<Table> tables;
};

// The state and where the next word goes, in registers while the symbols of a block are written.
struct Writer {
    uint32_t* place;  // of the word written last; the ones written before lie behind it
    uint64_t x;

    // Write the lower half of the state away if it is not below frequency * 2^(63 - bits), which is rare: a branch that is
    // foreseen takes no time, where a choice without one would make every symbol wait.
    uint64_t renormalised(uint64_t frequency, int bits = kPrecision) {
        if (x < frequency << (63 - bits)) return x;
        *--place = static_cast<uint32_t>(x);
        return x >> 32;
    }

    void put(const Step& step) {
        const uint64_t state = renormalised((1u << kPrecision) - step.rest);
        const auto product = static_cast<unsigned __int128>(state) * step.factor;
        const uint64_t quotient = static_cast<uint64_t>(product >> 64) >> step.shift;
        x = state + step.bias + quotient * step.rest;
    }

    void put_digit(uint32_t digit) { x = renormalised(1, kDigit) << kDigit | digit; }

    // What the decoder reads after the last symbol of a table: how many digits there are, then these, lowest first.
    void put_digits(uint32_t value) {
        uint32_t count = 0;
        while (count < kMostDigits && (value >> (kDigit * count)) != 0) ++count;
        for (uint32_t digit = count; digit-- > 0;) put_digit((value >> (kDigit * digit)) & kFull);
        put_digit(count);  // at most 8, so a single digit
    }

    int64_t put(const Table& table, int32_t symbol) {
        const int64_t value = static_cast<int64_t>(symbol) - table.offset;
        if (value >= 0 && value < table.last) {
            put(table.steps[value]);
            return kOk;
        }
        const int64_t beyond = value < 0 ? -2 * value - 1 : 2 * (value - table.last);
        if (beyond >> 32) return kTooFar;
        put_digits(static_cast<uint32_t>(beyond));
        put(table.steps[table.last]);
        return kOk;
    }
};

struct Encoder {
    std::vector<uint32_t> words;  // filled from the end
    size_t begin = 0;             // the first word in use
    uint64_t x = kLow;

    // Make room for that many words.
    void reserve(size_t count) {
        if (begin >= count) return;
        const size_t added = words.size() + count;
        std::vector<uint32_t> larger(words.size() + added);
        std::copy(words.begin() + static_cast<std::ptrdiff_t>(begin), words.end(),
                  larger.begin() + static_cast<std::ptrdiff_t>(begin + added));
        begin += added;
        words.swap(larger);
    }

    // At most kBlock symbols, the last one first.
    int64_t put(const std::vector<Table>& tables, const int32_t* symbols, const int32_t* indexes, int64_t count) {
        reserve(kBlock * kWordsOfSymbol);
        Writer to{words.data() + begin, x};
        for (int64_t i = count; i-- > 0;) {
            if (static_cast<uint64_t>(indexes[i]) >= tables.size()) return kBadIndex;  // negative ones too
            if (const int64_t status = to.put(tables[static_cast<size_t>(indexes[i])], symbols[i])) return status;
        }
        begin = static_cast<size_t>(to.place - words.data());
        x = to.x;
        return kOk;
    }
};

struct Decoder {
    std::vector<uint32_t> words;  // of the string, and a 0 behind them
    size_t next = 0;              // words taken in; more than the string has where it ended too early
    uint64_t x = 0;

    size_t length() const { return words.size() - 1; }

    // Take a word in where the state is low; no branch, as with which symbol that is so cannot be foreseen.
    bool refill() {
        const bool low = x < kLow;
        const uint64_t filled = x << 32 | words[next < length() ? next : length()];
        x = low ? filled : x;
        next += low;
        return next <= length();
    }

    // False where the string ends.
    bool get_digit(uint32_t& digit) {
        digit = static_cast<uint32_t>(x) & kFull;
        x >>= kDigit;
        return refill();
    }

    int64_t get_digits(uint32_t& value) {
        uint32_t count = 0, digit = kFull;
        while (digit == kFull) {
            if (!get_digit(digit)) return kTooShort;
            count += digit;
        }
        if (count > kMostDigits) return kDamaged;
        value = 0;
        for (uint32_t i = 0; i < count; ++i) {
            if (!get_digit(digit)) return kTooShort;
            value |= digit << (kDigit * i);
        }
        return kOk;
    }
};

// The interval that holds a cumulative frequency: from its bucket's first one on, step by step. Most buckets lie in one
// interval or two, so that the steps are foreseen: twice as fast as looking at several starts together without a branch.
uint32_t interval_of(const Table& table, uint32_t at) {
    uint32_t interval = table.first[at >> kBucketShift];
    while (table.starts[interval + 1] <= at) ++interval;
    return interval;
}

int64_t get(Decoder& decoder, const Table& table, int32_t& symbol) {
    const uint32_t at = static_cast<uint32_t>(decoder.x) & ((1u << kPrecision) - 1);
    const uint32_t interval = interval_of(table, at);
    const uint32_t start = table.starts[interval];
    decoder.x = (table.starts[interval + 1] - start) * (decoder.x >> kPrecision) + at - start;
    if (!decoder.refill()) return kTooShort;
    int64_t value = interval;
    if (value == table.last) {
        uint32_t beyond = 0;
        if (const int64_t status = decoder.get_digits(beyond)) return status;
        const int64_t half = beyond >> 1;
        value = (beyond & 1) ? -half - 1 : half + table.last;
    }
    symbol = static_cast<int32_t>(value + table.offset);  // of a damaged string it may be any
    return kOk;
}

}  // namespace

// Tables of `rows` rows of `stride` cumulative frequencies, of which lengths[row] count: 0 first, 2^16 last, rising.
// Null where one is not so.
NATIVE_EXPORT void* rans_tables_new(const int32_t* cdfs, const int32_t* lengths, const int32_t* offsets,
                                        int64_t rows, int64_t stride) {
    auto* made = new Tables;
    size_t total = 0;
    for (int64_t row = 0; row < rows; ++row) {
        const int32_t* cdf = cdfs + row * stride;
        const int32_t length = lengths[row];
        bool valid = length >= 2 && length <= stride && cdf[0] == 0 && cdf[length - 1] == 1 << kPrecision;
        for (int32_t i = 1; valid && i < length; ++i) valid = cdf[i - 1] < cdf[i];
        if (!valid) {
            delete made;
            return nullptr;
        }
        total += static_cast<size_t>(length);
    }
    made->starts.reserve(total);  // pointers into both stay valid
    made->steps.reserve(total);
    made->tables.resize(static_cast<size_t>(rows));
    for (int64_t row = 0; row < rows; ++row) {
        const int32_t* cdf = cdfs + row * stride;
        Table& table = made->tables[static_cast<size_t>(row)];
        table.offset = offsets[row];
        table.last = lengths[row] - 2;
        table.starts = made->starts.data() + made->starts.size();
        table.steps = made->steps.data() + made->steps.size();
        for (int32_t i = 0; i < lengths[row]; ++i) made->starts.push_back(static_cast<uint32_t>(cdf[i]));
        for (int32_t i = 0; i <= table.last; ++i) {
            made->steps.push_back(step_of(table.starts[i], table.starts[i + 1] - table.starts[i]));
        }
        uint32_t interval = 0;
        for (uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
            while (table.starts[interval + 1] <= bucket << kBucketShift) ++interval;
            table.first[bucket] = static_cast<uint16_t>(interval);
        }
    }
    return made;
}

NATIVE_EXPORT void rans_tables_delete(void* tables) { delete static_cast<Tables*>(tables); }

NATIVE_EXPORT void* rans_encoder_new() { return new Encoder; }

NATIVE_EXPORT void rans_encoder_delete(void* encoder) { delete static_cast<Encoder*>(encoder); }

// Write symbols, the last one first, as the decoder reads them in the reverse order of writing. indexes: of their tables.
NATIVE_EXPORT int64_t rans_put(void* encoder, const void* tables, const int32_t* symbols, const int32_t* indexes,
                                   int64_t count) {
    auto& to = *static_cast<Encoder*>(encoder);
    const auto& all = static_cast<const Tables*>(tables)->tables;
    while (count > 0) {
        const int64_t block = std::min(count, kBlock);
        count -= block;
        if (const int64_t status = to.put(all, symbols + count, indexes + count, block)) return status;
    }
    return kOk;
}

// End writing: where the bytes are, until the encoder is used again or deleted; how many there are.
NATIVE_EXPORT int64_t rans_flush(void* encoder, const void** bytes) {
    auto& from = *static_cast<Encoder*>(encoder);
    from.reserve(2);
    from.words[--from.begin] = static_cast<uint32_t>(from.x >> 32);
    from.words[--from.begin] = static_cast<uint32_t>(from.x);
    *bytes = from.words.data() + from.begin;
    return static_cast<int64_t>(4 * (from.words.size() - from.begin));
}

// A decoder of a string, which is copied; null where that is too short, or no whole number of words.
NATIVE_EXPORT void* rans_decoder_new(const char* bytes, int64_t length) {
    if (length < 8 || length % 4) return nullptr;
    auto* decoder = new Decoder;
    decoder->words.resize(static_cast<size_t>(length / 4) + 1);
    std::memcpy(decoder->words.data(), bytes, static_cast<size_t>(length));
    decoder->x = decoder->words[0] | static_cast<uint64_t>(decoder->words[1]) << 32;
    decoder->next = 2;
    return decoder;
}

NATIVE_EXPORT void rans_decoder_delete(void* decoder) { delete static_cast<Decoder*>(decoder); }

// Read the next symbols. indexes: of their tables.
NATIVE_EXPORT int64_t rans_get(void* decoder, const void* tables, const int32_t* indexes, int64_t count,
                                   int32_t* symbols) {
    auto& from = *static_cast<Decoder*>(decoder);
    const auto& all = static_cast<const Tables*>(tables)->tables;
    for (int64_t i = 0; i < count; ++i) {
        if (static_cast<uint64_t>(indexes[i]) >= all.size()) return kBadIndex;
        if (const int64_t status = get(from, all[static_cast<size_t>(indexes[i])], symbols[i])) return status;
    }
    return kOk;
}
