#include "support/csv.hpp"

#include <carousel/data/table.hpp>

#include "catch.hpp"

#include <limits>
#include <random>

using namespace example;

TEST_CASE("csv: what is written reads back to the same numbers, NaN and what is missing are empty fields") {
    // One a process, as the tests may run side by side.
    const auto path = std::filesystem::temp_directory_path() /
                      ("carousel_csv_test_" + std::to_string(std::random_device{}()) + ".csv");
    write_csv(path, {{"whole", {0.1, -1e-300, 12345678901234567.0}},
                     {"part", {std::numeric_limits<double>::quiet_NaN(), 2}}});
    const carousel::Table table = carousel::read_csv(path);
    std::filesystem::remove(path);
    CHECK(table.column("whole").values == std::vector<double>{0.1, -1e-300, 12345678901234567.0});
    CHECK(table.column("part").values[1] == 2);
    CHECK(table.column("part").missing() == 2);
}

TEST_CASE("csv: a file that can't be written is refused") {
    const std::filesystem::path path = std::filesystem::temp_directory_path() / "no such folder" / "a.csv";
    CHECK_THROWS_WITH(write_csv(path, {{"a", {1}}}), path.string() + ": can't be written");
}
