#include "support/pairs.hpp"

#include "catch.hpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

using namespace carousel;
using namespace example;

namespace {

const auto path =
    std::filesystem::temp_directory_path() / ("carousel_pairs_test_" + std::to_string(std::random_device{}()) + ".txt");

/// A file with this content for as long as it lives.
struct File {
    explicit File(const std::string& content) { std::ofstream(path, std::ios::binary) << content; }
    ~File() { std::filesystem::remove(path); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
};

} // namespace

TEST_CASE("pairs: every different line once, and the characters in them") {
    const File file("2+3 _5 \n10+1_11\r\n2+3 _5 \n");
    const Pairs pairs = read_pairs(path);
    CHECK(pairs.lines == std::vector<std::u32string>{U"10+1_11", U"2+3 _5 "});
    CHECK((pairs.question == 4 && pairs.answer == 2 && pairs.size() == 2));
    CHECK(pairs.alphabet.characters() == U" +01235_");
}

TEST_CASE("pairs: a sample is a question, the answer one step late, and the answer") {
    const File file("2+3 _5 \n10+1_11");
    const Pairs pairs = read_pairs(path);
    const auto text = [&](const Sequence<float>& s, Index sample) {
        std::u32string characters;
        for (Index t = 0; t < s.steps(); ++t)
            characters += pairs.alphabet[static_cast<Index>(s.step(t)(0, sample))];
        return characters;
    };
    const std::vector<Index> chosen{1, 0, 1};
    const auto written = samples(pairs, chosen, false), reversed = samples(pairs, chosen, true);
    CHECK((written.size() == 3 && written.x.features() == 1 && written.y.features() == 1));
    CHECK(text(written.x, 0) == U"2+3 _5");
    CHECK(text(written.x, 1) == U"10+1_1");
    CHECK(text(written.y, 1) == U"11");
    CHECK(text(written.y, 2) == U"5 ");
    CHECK(text(reversed.x, 0) == U" 3+2_5");
    CHECK(text(reversed.y, 1) == U"11");
}

TEST_CASE("pairs: lines that don't fit are refused") {
    const auto error = [](const std::string& content) {
        const File file(content);
        try {
            read_pairs(path);
        } catch (const std::runtime_error& refused) {
            return std::string(refused.what());
        }
        return std::string();
    };
    CHECK(error("") == path.string() + ": is empty");
    CHECK(error("1+1_2\n1+1=2\n") == path.string() + ":2: expected a question, '_' and an answer");
    CHECK(error("_2\n") == path.string() + ":1: expected a question, '_' and an answer");
    CHECK(error("1+1_\n") == path.string() + ":1: expected a question, '_' and an answer");
    CHECK(error("1+1_2\n\n1+1_2") == path.string() + ":2: expected a question, '_' and an answer");
    CHECK(error("1+1_2\n1+2_3\n1+10_11\n") ==
          path.string() + ":3: a question of 4 and an answer of 2 characters, expected 3 and 1 as in the first line");
    CHECK(error("1+1_2\n1+\xff_2\n") == path.string() + ":2: byte 9 (0xff) isn't UTF-8");
    REQUIRE_THROWS_WITH(read_pairs("no such file"), "no such file: can't be opened");
}
