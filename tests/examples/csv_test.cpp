#include "support/csv.hpp"

#include "catch.hpp"

#include <limits>
#include <random>

using namespace example;

namespace {

using Fields = std::vector<std::string>;
using Numbers = std::vector<double>;

/// A file that is gone at the end of the test.
class File {
  public:
    explicit File(const std::string& content) {
        std::ofstream file(path, std::ios::binary);
        file << content;
    }
    ~File() { std::filesystem::remove(path); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    CsvTable read() const { return read_csv(path); }
    Numbers numbers(const std::string& column) const {
        const CsvTable table = read();
        return table.numbers(table.column(column));
    }
    static std::string error(const std::string& rest) { return path.string() + rest; }

    /// One a process, as the tests may run side by side.
    static inline const std::filesystem::path path =
        std::filesystem::temp_directory_path() /
        ("carousel_csv_test_" + std::to_string(std::random_device{}()) + ".csv");
};

} // namespace

TEST_CASE("csv: a column is found by its name, and else by its number from 1") {
    const File file("month,value,count 2\n1,10,0.5\n2,-2e1,7\n");
    CHECK(file.numbers("value") == Numbers{10, -20});
    CHECK(file.numbers("1") == Numbers{1, 2});
    CHECK(file.numbers("count 2") == Numbers{0.5, 7});
    for (const std::string wrong : {"0", "4", "val", "1x", ""})
        CHECK_THROWS_WITH(file.numbers(wrong),
                          File::error(":1: no column \"" + wrong + "\", there are \"month\", \"value\", \"count 2\""));
}

TEST_CASE("csv: LF and CRLF, a byte order mark, empty lines and a last line without an end make no difference") {
    for (const char* const text : {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n",
                                   "\xEF\xBB\xBF"
                                   "a,b\n1,2\n3,4",
                                   "\n\na,b\n\n1,2\r\n\r\n3,4\n\n"}) {
        const File file(text);
        CHECK(file.read().header == Fields{"a", "b"});
        CHECK(file.numbers("a") == Numbers{1, 3});
        CHECK(file.numbers("b") == Numbers{2, 4});
    }
}

TEST_CASE("csv: a quoted field may hold commas, quotes and line ends") {
    const File file("\"the \"\"b\"\"\",\"a,\nc\"\n\"1\", 2 \n\"\",\"3\"\n");
    const CsvTable table = file.read();
    CHECK(table.header == Fields{"the \"b\"", "a,\nc"});
    REQUIRE(table.rows.size() == 2);
    CHECK(table.rows[0].fields == Fields{"1", " 2 "});
    CHECK(table.rows[1].fields == Fields{"", "3"});
    CHECK(table.rows[0].line == 3);
    CHECK(table.rows[1].line == 4);
    CHECK(table.numbers(1) == Numbers{2, 3});
}

TEST_CASE("csv: what isn't a finite number is refused with its line") {
    for (const std::string text : {"x", "nan", "inf", "1e999", "1.5.2", "1,5", "12 000", "", " ", "0x10", "--1"}) {
        const File file("a\n1\n\n\"" + text + "\"\n5\n");
        CHECK_THROWS_WITH(file.numbers("a"),
                          File::error(":4: column \"a\" is \"" + text + "\", expected a finite number"));
    }
}

TEST_CASE("csv: a row that is longer or shorter than the header is refused with its line") {
    CHECK_THROWS_WITH(File("a,b\n1,2\n1,2,3\n").read(), File::error(":3: 3 fields, expected 2 as in the header"));
    CHECK_THROWS_WITH(File("a,b\n1\n").read(), File::error(":2: 1 field, expected 2 as in the header"));
}

TEST_CASE("csv: a quote that isn't closed is refused with the line of its row") {
    CHECK_THROWS_WITH(File("a,b\n1,\"2\n3,4\n").read(), File::error(":2: a quote is opened and not closed"));
}

TEST_CASE("csv: a file that is missing, a folder, empty or nothing but a header is refused") {
    const std::filesystem::path folder = std::filesystem::temp_directory_path();
    CHECK_THROWS_WITH(read_csv("no such file.csv"), "no such file.csv: can't be opened");
    CHECK_THROWS_WITH(read_csv(folder), folder.string() + ": can't be opened");
    CHECK_THROWS_WITH(File("").read(), File::error(": is empty"));
    CHECK_THROWS_WITH(File("\xEF\xBB\xBF\r\n\n").read(), File::error(": is empty"));
    CHECK_THROWS_WITH(File("a,b\n").read(), File::error(":1: there are no rows under the header"));
}

TEST_CASE("csv: a number in the header of the column in question is taken for a missing header") {
    const File file("10,20\n1,2\n");
    CHECK_THROWS_WITH(file.numbers("20"),
                      File::error(":1: the header's field 2 is \"20\", expected a name: is the header missing?"));
}

TEST_CASE("csv: what is written reads back to the same numbers, NaN and what is missing are empty fields") {
    const File file("");
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    write_csv(File::path, {{"whole", {0.1, -1e-300, 12345678901234567.0}}, {"part", {nan, 2}}});
    CHECK(file.numbers("whole") == Numbers{0.1, -1e-300, 12345678901234567.0});
    const CsvTable table = file.read();
    REQUIRE(table.rows.size() == 3);
    CHECK(table.rows[0].fields[1].empty());
    CHECK(table.rows[1].fields[1] == "2");
    CHECK(table.rows[2].fields[1].empty());
}

TEST_CASE("csv: a file that can't be written is refused") {
    const std::filesystem::path path = std::filesystem::temp_directory_path() / "no such folder" / "a.csv";
    CHECK_THROWS_WITH(write_csv(path, {{"a", {1}}}), path.string() + ": can't be written");
}
