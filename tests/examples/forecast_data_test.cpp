#include "support/forecast_data.hpp"

#include "catch.hpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

using namespace carousel;
using namespace example;

namespace {

struct File {
    std::filesystem::path path = std::filesystem::temp_directory_path() /
                                 ("carousel_forecast_data_test_" + std::to_string(std::random_device{}()) + ".csv");
    ~File() { std::filesystem::remove(path); }
};

} // namespace

TEST_CASE("forecast data: rows of separators alone under the table are no times, those within it are") {
    const File temporary;
    const std::string file = temporary.path.string();
    ForecastTask task;
    task.target = "x";
    task.calendar = {"day_of_week"};
    task.steps = 2;
    for (const std::string end : {"", "\n", "\n,\n,\n", "\r\n,\r\n \t, \r\n,,,"}) {
        std::ofstream stream(file, std::ios::binary);
        stream << "date,x\n";
        for (int day = 1; day <= 20; ++day)
            stream << (day == 1 ? "" : "\n") << "2021-03-" << (day < 10 ? "0" : "") << day << ',' << day;
        stream << end;
        stream.close();
        const ForecastData data = forecast_data(file, task, {.7, .15, .15}, {});
        CHECK(data.series.cols() == 20);
        CHECK(data.label(19) == "2021-03-20");
        CHECK(data.missing == 0);
    }
    std::ofstream(file, std::ios::binary) << "x,y\n1,2\n,\n3,\n,\n";
    const Table table = read_series(file, {});
    CHECK(table.rows() == 3);
    CHECK(table.column("x").missing() == 1);
    std::ofstream(file, std::ios::binary) << ",\n";
    REQUIRE_THROWS_WITH(read_series(file, {}), file + ": is empty");
    REQUIRE_THROWS_WITH(read_series(file + ".none", {}), file + ".none: can't be opened");
}
