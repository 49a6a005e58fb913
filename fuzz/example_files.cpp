// The input is a text file as the examples read it: a table, pairs, labelled texts, or UTF-8.
#include "check.hpp"

#include <support/labelled_texts.hpp>
#include <support/long_form.hpp>
#include <support/pairs.hpp>
#include <support/text.hpp>

#include <carousel/data/table.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace {

const std::filesystem::path path =
    std::filesystem::temp_directory_path() / ("carousel_fuzz_" + std::to_string(getpid()) + ".txt");

template <class F>
void allow_error(F&& f) {
    try {
        f();
    } catch (const std::runtime_error&) {
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    allow_error([&] {
        const carousel::Table table = carousel::read_csv(path);
        for (const carousel::Column& column : table.columns()) {
            check(static_cast<carousel::Index>(column.values.size()) == table.rows(),
                  "every column is as long as the table");
            try {
                table.matrix<double>({column.name});
            } catch (const std::runtime_error&) {    // words among its numbers
            } catch (const std::invalid_argument&) { // two of this name
            }
        }
    });
    allow_error([&] { example::read_long_form(path, 9); });
    allow_error([&] { example::read_pairs(path); });
    allow_error([&] { example::read_labelled_texts(path); });
    allow_error(
        [&] { check(example::encode_utf8(example::decode_utf8(text, "text")) == text, "text is encoded as it was"); });
    std::filesystem::remove(path);
    return 0;
}
