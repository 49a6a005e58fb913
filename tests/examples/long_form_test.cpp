#include "support/long_form.hpp"

#include "catch.hpp"

#include <fstream>

using namespace carousel;
using namespace example;

namespace {

/// A file with this text, as long as the test runs.
struct File {
    std::filesystem::path path = std::filesystem::temp_directory_path() / "carousel_long_form_test.csv";
    explicit File(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
    ~File() { std::filesystem::remove(path); }
};

void refused(const std::string& text, const std::string& message) {
    const File file(text);
    REQUIRE_THROWS_WITH(read_long_form(file.path, 3), file.path.string() + message);
}

} // namespace

TEST_CASE("read_long_form: sequences of any lengths, with their labels") {
    const File file("who,label,t,a,b\n7,2,0,1,-1\n7,2,1,2,-2\nx,0,0,3,-3\n");
    const LabelledSequences all = read_long_form(file.path, 3);
    REQUIRE(all.x.size() == 2);
    CHECK(all.label == std::vector<Index>{2, 0});
    CHECK(all.x[0] == Matrix<float>{{1, 2}, {-1, -2}});
    CHECK(all.x[1] == Matrix<float>{{3}, {-3}});
}

TEST_CASE("read_long_form: mistakes are named with their line") {
    refused("a,b,c\n0,0,0\n", ":1: 3 columns, expected at least 4: sequence, label, step, and a feature");
    refused("s,l,t,x\n0,3,0,1\n", ":2: label \"3\", expected a whole number, 0 … 2");
    refused("s,l,t,x\n0,0.5,0,1\n", ":2: label \"0.5\", expected a whole number, 0 … 2");
    refused("s,l,t,x\n0,1,0,1\n0,2,1,1\n", ":3: label \"2\", expected that of the sequence, 1");
    refused("s,l,t,x\n0,1,0,1\n0,1,2,1\n", ":3: step \"2\", expected 1");
    refused("s,l,t,x\n0,1,0,1\n1,1,1,1\n", ":3: step \"1\", expected 0");
    refused("s,l,t,x\n0,1,0,nan\n", ":2: column \"x\" has words, expected finite numbers");
    refused("s,l,t,x\n0,1,0,1\n0,1,1,nan\n", ":3: column 4, \"x\", is \"nan\", expected a finite number");
    refused("", ": is empty");
}
