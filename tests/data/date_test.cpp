#include "carousel/data/calendar.hpp"
#include "carousel/data/date.hpp"

#include "catch.hpp"

using namespace carousel;

namespace {

std::string read(const std::string& text, DateOrder order = DateOrder::month_first) {
    const auto date = parse_date(text, order);
    return date ? date_text(*date) : "none";
}

} // namespace

TEST_CASE("date: the forms of files are read") {
    for (const char* const text :
         {"2021-03-04", "2021/3/4", "2021.03.04", " 2021-03-04 ", "3/4/2021", "3-4-2021", "04.03.2021", "4 March 2021",
          "04-Mar-2021", "March 4, 2021", "Mar 4 2021", "2021-03-04 00:00", "2021-03-04T00:00:00Z",
          "2021-03-04 12:00 AM", "2021-03-04T02:00:00+02:00", "2021-03-03 24:00", "2021-03-03T19:30-0430"})
        CHECK(read(text) == "2021-03-04");
    CHECK(read("3/4/2021", DateOrder::day_first) == "2021-04-03");
    CHECK(read("2021-03") == "2021-03-01");
    CHECK(read("Mar 2021") == "2021-03-01");
    CHECK(read("2021Q2") == "2021-04-01");
    CHECK(read("2021-03-04 17:05") == "2021-03-04 17:05");
    CHECK(read("2021-03-04T17:05:59.75") == "2021-03-04 17:05:59");
    CHECK(read("3/4/2021 5:05 PM") == "2021-03-04 17:05");
    CHECK(read("1600-02-29 23:59:59") == "1600-02-29 23:59:59");
    CHECK(date_text(*parse_compact_date("202103041705")) == "2021-03-04 17:05");
    CHECK(parse_time_of_day("18.00.00") == std::chrono::hours(18));
    CHECK(parse_time_of_day("5:05:09 pm") ==
          std::chrono::hours(17) + std::chrono::minutes(5) + std::chrono::seconds(9));
}

TEST_CASE("date: what is none is refused") {
    for (const char* const text : {"",
                                   " ",
                                   "2021",
                                   "20210304",
                                   "2021-13-01",
                                   "2021-02-29",
                                   "2021-00-10",
                                   "13/13/2021",
                                   "1/2/21",
                                   "2021-03-04x",
                                   "2021-03-04 25:00",
                                   "2021-03-04 12:60",
                                   "2021-03-04 12:00 CET",
                                   "2021-03-04 24:01",
                                   "2021-03-04 13:00 PM",
                                   "NW",
                                   "March",
                                   "12.5",
                                   "1-01",
                                   "2021Q5",
                                   "2021-03-04 5",
                                   "2021-03 12:00",
                                   "2021-03-04T",
                                   "99999-01-01"})
        CHECK(read(text) == "none");
    for (const char* const text : {"2021030", "20211304", "2021-03-04", "202103042505"})
        CHECK_FALSE(parse_compact_date(text));
    for (const char* const text : {"", "18", "18:0", "25:00", "18:00x", "0:00 am", "18,5"})
        CHECK_FALSE(parse_time_of_day(text));
}

TEST_CASE("calendar: the place of a date in its day, week, month and year") {
    const auto phase = [](const char* text, Calendar cycle) { return calendar_phase(*parse_date(text), cycle); };
    CHECK(phase("2021-03-04 06:00", Calendar::hour_of_day) == .25);
    CHECK(phase("2021-03-01", Calendar::day_of_week) == 0); // a Monday
    CHECK(phase("2021-03-04 12:00", Calendar::day_of_week) == .5);
    CHECK(phase("1969-12-29", Calendar::day_of_week) == 0);
    CHECK(phase("2021-04-16", Calendar::day_of_month) == .5);
    CHECK(phase("2021-12-31 12:00", Calendar::day_of_month) == Catch::Approx(30.5 / 31));
    CHECK(phase("2020-07-02", Calendar::day_of_year) == .5); // of a leap year
    CHECK(phase("2021-04-16", Calendar::month_of_year) == .25);

    const Matrix<float> features =
        calendar_features<float>({*parse_date("2021-03-04 06:00"), *parse_date("2021-03-04 12:00")},
                                 {Calendar::hour_of_day, Calendar::day_of_week});
    REQUIRE(features.rows() == 4);
    CHECK(features(0, 0) == Catch::Approx(1));
    CHECK(features(1, 1) == Catch::Approx(-1));
    CHECK(features(3, 1) == Catch::Approx(-1));
}

TEST_CASE("date: ends of months and years, time zones and years beyond the common ones") {
    CHECK(read("2021-12-31 24:00") == "2022-01-01");
    CHECK(read("2020-02-28T23:30:00-01:00") == "2020-02-29 00:30");
    CHECK(read("2021-03-01T00:30+01:00") == "2021-02-28 23:30");
    CHECK(read("2000-02-29") == "2000-02-29");
    CHECK(read("1900-02-29") == "none");
    CHECK(read("2021-04-31") == "none");
    CHECK(read("1969-12-31 23:59:59") == "1969-12-31 23:59:59");
    for (const char* const text : {"2021-03-04 10:00 UTC", "2021-03-04 10:00:00 GMT", "2021-03-04t10:00:00z",
                                   "2021-03-04T10:00:00.000Z", "2021-03-04 10:00 AM UTC", "2021-03-04 12:00 +02"})
        CHECK(read(text) == "2021-03-04 10:00");
    for (const char* const text :
         {"2021-03-04 10:00 UTC+2", "2021-03-04 10:00+24:00", "2021-03-04 10:00+2", "2021-03-04 10:00+02:60",
          "2021-03-04 10:00+02:", "2021-03-04 10:00ZZ", "2021-03-04 UTC"})
        CHECK(read(text) == "none");
    CHECK(read("0000-01-01T00:00+23:00") == "-0001-12-31 01:00");
    CHECK(read("9999-12-31T23:59-01:00") == "10000-01-01 00:59");
    CHECK(date_text(*parse_compact_date("20200229235959")) == "2020-02-29 23:59:59");
    CHECK_FALSE(parse_compact_date("20210229"));
}

TEST_CASE("calendar: the last second of a cycle is below 1, and milliseconds aren't taken for seconds") {
    for (const Calendar cycle : {Calendar::hour_of_day, Calendar::day_of_week, Calendar::day_of_month,
                                 Calendar::day_of_year, Calendar::month_of_year}) {
        const double last = calendar_phase(*parse_date("2023-12-31 23:59:59"), cycle); // a Sunday
        CHECK(last < 1);
        CHECK(last >= 11. / 12);
        CHECK(calendar_phase(*parse_date("2024-01-01"), cycle) == 0);
    }
    CHECK(calendar_phase(*parse_date("2024-02-29 12:00"), Calendar::day_of_month) == 28.5 / 29);
    const DateTime milliseconds(std::chrono::seconds(1617000000000)), most = DateTime::max();
    CHECK_THROWS_WITH(
        calendar_phase(milliseconds, Calendar::day_of_year),
        "calendar_phase: the date is 1617000000000 s since 1970, expected a year of four digits: is it in "
        "another unit?");
    CHECK_THROWS_AS(calendar_phase(most, Calendar::day_of_week), std::invalid_argument);
    CHECK_THROWS_AS(calendar_phase(DateTime::min(), Calendar::day_of_week), std::invalid_argument);
    CHECK(date_text(DateTime::min()).ends_with(" 08:29:52"));
}
