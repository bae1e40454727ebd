// Strings that were cut and altered, and tables of any kind, read under the sanitizers: symbols or an error, no more.
#include <cstdio>
#include <random>

#include "gaussian.cpp"
#include "rans.cpp"

namespace {

std::mt19937 generator(1);

int32_t below(int32_t end) { return static_cast<int32_t>(generator() % static_cast<uint32_t>(end)); }

struct Case {
    std::vector<int32_t> cdfs, lengths, offsets, symbols, indexes;
    int32_t stride = 2 + below(60);

    Case() {
        const int32_t rows = 1 + below(4);
        for (int32_t row = 0; row < rows; ++row) {
            const int32_t length = 2 + below(stride - 1);
            lengths.push_back(length);
            offsets.push_back(below(100) - 50);
            int32_t start = 0;
            for (int32_t i = 0; i < stride; ++i) {
                cdfs.push_back(i >= length ? below(70000) : i == length - 1 ? 65536 : start);
                start += 1 + below(std::max(1, (65536 - start - stride) / 2));
            }
        }
        for (int32_t i = below(300); i > 0; --i) {
            symbols.push_back(below(8) ? below(80) - 40 : static_cast<int32_t>(generator()) / 2);
            indexes.push_back(below(static_cast<int32_t>(lengths.size())));
        }
    }

    void* tables() const {
        return rans_tables_new(cdfs.data(), lengths.data(), offsets.data(), static_cast<int64_t>(lengths.size()), stride);
    }
};

std::vector<char> written(const Case& of, const void* tables) {
    void* encoder = rans_encoder_new();
    rans_put(encoder, tables, of.symbols.data(), of.indexes.data(), static_cast<int64_t>(of.symbols.size()));
    const void* bytes = nullptr;
    const int64_t length = rans_flush(encoder, &bytes);
    const auto* first = static_cast<const char*>(bytes);
    std::vector<char> string(first, first + length);
    rans_encoder_delete(encoder);
    return string;
}

// The status, or -1 where the string has a length that none has.
int64_t read(const std::vector<char>& string, const void* tables, const std::vector<int32_t>& indexes,
             std::vector<int32_t>& symbols) {
    void* decoder = rans_decoder_new(string.data(), static_cast<int64_t>(string.size()));
    if (!decoder) return -1;
    symbols.resize(indexes.size());
    const int64_t status =
        rans_get(decoder, tables, indexes.data(), static_cast<int64_t>(indexes.size()), symbols.data());
    rans_decoder_delete(decoder);
    return status;
}

}  // namespace

int main() {
    int64_t outcomes[5] = {};
    for (int round = 0; round < 20000; ++round) {
        const Case made;
        void* tables = made.tables();
        if (!tables) return 1;
        std::vector<int32_t> symbols;
        auto string = written(made, tables);
        if (read(string, tables, made.indexes, symbols) != 0 || symbols != made.symbols) return 2;
        for (int change = below(4); change >= 0; --change) {
            const int kind = below(3);
            if (kind == 0) string.resize(static_cast<size_t>(below(static_cast<int32_t>(string.size()) + 9)));
            if (kind == 1) string.resize(string.size() / 8 * 4);
            if (kind == 2 && !string.empty()) {
                string[generator() % string.size()] = static_cast<char>(generator());
            }
        }
        auto indexes = made.indexes;
        if (!indexes.empty() && below(10) == 0) indexes[generator() % indexes.size()] = static_cast<int32_t>(generator());
        ++outcomes[1 + read(string, tables, indexes, symbols)];
        rans_tables_delete(tables);
    }
    for (const int64_t outcome : outcomes) std::printf("%lld ", static_cast<long long>(outcome));
    return 0;
}
