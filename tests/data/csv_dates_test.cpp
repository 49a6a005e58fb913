#include "catch.hpp"
#include "data/dates.hpp"

using namespace carousel;
using namespace carousel::test;

TEST_CASE("csv dates: parts of a date are read from the fields, whatever their columns hold") {
    const char* const text = "year,month,day,hour,x\n2021,04,03,05,1\n2021,12,24,17,2";
    const CsvOptions words{.categories = {"month", "day", "hour"}};
    CHECK(dates(parse_csv(text, words)) == "2021-04-03 05:00, 2021-12-24 17:00");
    CHECK(dates(parse_csv(text, {.dates = {"year", "month", "day", "hour"}, .categories = {"day", "hour"}})) ==
          "2021-04-03 05:00, 2021-12-24 17:00");
    // A name for the month, as many files have it.
    CHECK(dates(parse_csv("year,month,x\n1949,Jan,112\n1949,Apr,129")) == "1949-01-01, 1949-04-01");
    CHECK(dates(parse_csv("y,m,x\n1949,Jan,112\n1949,April,129", {.dates = {"y", "m"}})) == "1949-01-01, 1949-04-01");
}

TEST_CASE("csv dates: a part that is missing or no number is said with its own column") {
    const CsvOptions named{.dates = {"year", "month", "hour"}};
    const std::string expected = "\", expected a part of a date: year, month, day, hour, minute, second, in this order";
    for (const std::string wrong : {"", "?", "0", "13", "1.5"})
        CHECK_THROWS_WITH(parse_csv("year,month,hour,x\n2021,2,5,1\n2021," + wrong + ",6,2", named, "file"),
                          "file:3: column 2, \"month\", is \"" + wrong + expected);
    CHECK_THROWS_WITH(parse_csv("year,month,day,x\n2021,2,28,1\n2021,2,29,2", {}, "file").dates(),
                      "file:3: column 3, \"day\", is \"29" + expected);
    CHECK_THROWS_WITH(parse_csv("year,month,x\n,2,1\n2021,2,2", {}, "file").dates(),
                      "file:2: column 1, \"year\", is \"" + expected);
}

TEST_CASE("csv dates: a column called time is added to dates at midnight alone") {
    CHECK(dates(parse_csv("date,time,x\n2021-03-04,13:30,1\n2021-03-05,24:00,2")) == "2021-03-04 13:30, 2021-03-06");
    const Table both = parse_csv("date,time,x\n2021-03-04 00:00,13:30,1\n2021-03-04 01:00,13:31,2");
    CHECK(dates(both) == "2021-03-04, 2021-03-04 01:00");
    CHECK(both.date_columns() == Names{"date"});
    // Numbers are no times of day.
    CHECK(dates(parse_csv("date,time,x\n2021-03-04,0.25,1\n2021-03-05,12.50,2")) == "2021-03-04, 2021-03-05");
    CHECK_THROWS_WITH(
        parse_csv("date,t,x\n2021-03-04 00:00,13:30,1\n2021-03-04 01:00,13:31,2", {.dates = {"date", "t"}}, "file"),
        "file:3: column 1, \"date\", is \"2021-03-04 01:00\", expected a date without a time of day, as column \"t\" "
        "has that");
}

TEST_CASE("csv dates: a missing time of day is said, also in the first row") {
    const char* const text = "date,time,x\n2021-03-04,,1\n2021-03-04,13:30,2";
    const std::string message = "file:2: column 2, \"time\", is \"\", expected a time of day";
    CHECK_THROWS_WITH(parse_csv(text, {}, "file").dates(), message);
    CHECK_THROWS_WITH(parse_csv(text, {.dates = {"date", "time"}}, "file"), message);
}

TEST_CASE("csv dates: of a row that is empty as a whole it is said how to leave it out") {
    const std::string how = ": the whole row is empty, CsvOptions::skip_empty_rows leaves such rows out";
    const char* const text = "d,x\n2021-03-04,1\n,\n";
    CHECK_THROWS_WITH(parse_csv(text, {}, "file").dates(), "file:3: column 1, \"d\", is \"\", expected a date" + how);
    CHECK_THROWS_WITH(parse_csv("year,month,x\n2021,4,1\n,,", {}, "file").dates(),
                      "file:3: column 1, \"year\", is \"\", expected a part of a date: year, month, day, hour, minute, "
                      "second, in this order" +
                          how);
    CHECK(dates(parse_csv(text, {.skip_empty_rows = true})) == "2021-03-04");
    CHECK_THROWS_WITH(parse_csv("d,x\n2021-03-04,1\n,2\n", {}, "file").dates(),
                      "file:3: column 1, \"d\", is \"\", expected a date");
}

TEST_CASE("csv dates: columns are parts of a date, if a row has a year, whatever stands above it") {
    const std::string expected = "\", expected a part of a date: year, month, day, hour, minute, second, in this order";
    const char* const text = "y,m,x\n?,2,1\n2021,3,2";
    CHECK_THROWS_WITH(parse_csv(text, {.dates = {"y", "m"}}, "file"), "file:2: column 1, \"y\", is \"?" + expected);
    CHECK_THROWS_WITH(parse_csv(text, {.dates = {"y"}}, "file"), "file:2: column 1, \"y\", is \"?" + expected);
    CHECK_THROWS_WITH(parse_csv("year,month,x\n?,2,1\n2021,3,2", {}, "file").dates(),
                      "file:2: column 1, \"year\", is \"?" + expected);
    // A year among dates is the one that is wrong.
    CHECK_THROWS_WITH(parse_csv("d,x\n?,1\n2021-03-04,1\n2021,2", {.dates = {"d"}}, "file"),
                      "file:2: column 1, \"d\", is \"?\", expected a date");
}

TEST_CASE("csv dates: rows of both orders are told, with their lines and readings") {
    const char* const text = "d,x\n1/2/2021,1\n13/2/2021,2\n2/14/2021,3";
    const std::string message =
        "file:4: column 1, \"d\", is \"2/14/2021\", expected a date of the same order as above: it is 2021-02-14, "
        "month first, and \"13/2/2021\" in line 3 is 2021-02-13, day first; write all in one order, as 2021-12-31";
    const Table table = parse_csv(text, {}, "file");
    CHECK_THROWS_WITH(table.dates(), message);
    CHECK_THROWS_WITH(table.matrix<double>({"d"}), message);
    CHECK_THROWS_WITH(parse_csv(text, {.dates = {"d"}}, "file"), message);
    CHECK_THROWS_WITH(parse_csv(text, {.dates = {"d"}, .categories = {"d"}}, "file"), message);
    CHECK_THROWS_WITH(parse_csv(text, {.date_order = DateOrder::day_first}, "file").dates(),
                      "file:4: column 1, \"d\", is \"2/14/2021\", expected a date with the day first, as "
                      "CsvOptions::date_order says; it is 2021-02-14, month first");
    CHECK(parse_csv(text, {.categories = {"d"}}).column("d").categories.size() == 3);
    // Forms that say their order themselves may stand among others.
    CHECK(dates(parse_csv("d,x\n2/14/2021,1\n15.2.2021,2\n2021-02-16,3")) == "2021-02-14, 2021-02-15, 2021-02-16");
}

TEST_CASE("csv dates: the order is found for dates among words, too") {
    CHECK(dates(parse_csv("d,x\n1/2/2021,1\n13/2/2021,2", {.dates = {"d"}, .categories = {"d"}})) ==
          "2021-02-01, 2021-02-13");
    CHECK_THROWS_WITH(parse_csv("d,x\n13/2/2021,1\nx,2", {.dates = {"d"}}, "file"),
                      "file:3: column 1, \"d\", is \"x\", expected a date");
}
