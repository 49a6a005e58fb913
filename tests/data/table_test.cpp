#include "carousel/data/gaps.hpp"
#include "catch.hpp"
#include "data/dates.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Table& table, const std::string& name) {
    const auto values = table.values(name);
    return {values.begin(), values.end()};
}

} // namespace

TEST_CASE("table: separators, decimal commas, line ends, a byte order mark and blanks are found") {
    for (const char* const text :
         {"a,b\n1,2.5\n3,4\n", "a;b\r\n1;2,5\r\n3;4\r\n",
          "\xEF\xBB\xBF"
          "a\tb\n1\t2.5\n3\t4",
          "a|b\r1|2.5\r3|4\r", "\n\n\"a\", b \n 1 , \"2.5\"\n \t \n+3,4.0\n", "\"a\";b;\n1;2,5;\n\n3;4;\n"}) {
        const Table table = parse_csv(text);
        CHECK(table.rows() == 2);
        CHECK(numbers(table, "a") == Numbers{1, 3});
        CHECK(numbers(table, "b") == Numbers{2.5, 4});
        CHECK(table.matrix<float>({"b", "a"}) == (Matrix<float>(2, 2) << 2.5f, 4, 1, 3).finished());
    }
    CHECK(numbers(parse_csv("a:b\n1:2", {.separator = ':'}), "b") == Numbers{2});
}

TEST_CASE("table: whether there is a header is found or said") {
    CHECK(parse_csv("1,2\n3,4").names() == Names{"1", "2"});
    CHECK(parse_csv("1,NW\n3,SE").names() == Names{"1", "2"});
    CHECK(parse_csv("day,2019,2020\n1,3,4").names() == Names{"day", "2019", "2020"});
    CHECK(parse_csv("colour,shape\nred,round").names() == Names{"colour", "shape"});
    CHECK(parse_csv("a,\n1,2").names() == Names{"a", "2"});
    CHECK(parse_csv("1,2\n3,4", {.header = Header::yes}).names() == Names{"1", "2"});
    CHECK(parse_csv("1,2\n3,4", {.header = Header::yes}).rows() == 1);
    CHECK(parse_csv("a,b\nc,d", {.header = Header::no}).rows() == 2);
}

TEST_CASE("table: missing values are NaN, and counted") {
    const Table table = parse_csv("a,b,c,d\n1,NA,x,NA\n,2,,NA\nNaN,3,y,NA\n");
    CHECK(table.column("a").missing() == 2);
    CHECK(table.column("b").missing() == 1);
    CHECK(table.column("c").missing() == 1);
    CHECK(table.column("c").kind == ColumnKind::categories);
    CHECK(table.column("d").missing() == 3);
    CHECK(table.column("d").kind == ColumnKind::numbers);
    CHECK(std::isnan(table.matrix<float>({"a"})(0, 1)));
    CHECK(parse_csv("a,b\n?,1\n2,3", {.missing = {"?"}}).column("a").missing() == 1);
}

TEST_CASE("table: words are categories, and rows of zeros and ones where they are asked for") {
    Table table = parse_csv("wind,x\nNW,1\ncv,2\nNW,3\n,4\n");
    CHECK(table.column("wind").categories == Names{"NW", "cv"});
    CHECK(numbers(table, "wind")[1] == 1);
    CHECK(table.add_one_hot("wind") == Names{"wind=NW", "wind=cv"});
    CHECK(table.matrix<double>({"wind=NW"}).leftCols(3) == (Matrix<double>(1, 3) << 1, 0, 1).finished());
    CHECK(std::isnan(numbers(table, "wind=NW")[3]));
    Table other = parse_csv("wind,x\ncv,1\nSE,2", {}, "file");
    CHECK_THROWS_WITH(other.add_one_hot("wind", {"NW", "cv"}),
                      "file:3: column \"wind\" is \"SE\", which isn't one of its 2 known words");
    CHECK(other.names() == Names{"wind", "x"});
    CHECK(other.add_one_hot("wind", {"NW", "SE", "cv"}).size() == 3);
    CHECK(numbers(other, "wind=SE") == Numbers{0, 1});
    CHECK_THROWS_WITH(other.add_one_hot("x"),
                      "Table::add_one_hot: \"x\" is no column of words: name it in CsvOptions::categories");
    CHECK(parse_csv("x\n2\n1", {.categories = {"x"}}).column("x").categories == Names{"1", "2"});
}

TEST_CASE("table: a column of words among numbers isn't taken for numbers") {
    const Table table = parse_csv("a,b\n1,2\n?3,4", {}, "file");
    CHECK_THROWS_WITH(table.matrix<float>({"b", "a"}), "file:3: column 1, \"a\", is \"?3\", expected a finite number");
    CHECK(table.matrix<float>({"b"}).cols() == 2);
    for (const std::string word : {"x", "1.5.2", "12 0000", "0x10", "--1", "+-1", "1e"})
        CHECK_THROWS_WITH(parse_csv("a,b\n1,1\n" + word + ",2", {}, "file").matrix<float>({"a"}),
                          "file:3: column 1, \"a\", is \"" + word + "\", expected a finite number");
    CHECK_THROWS_WITH(parse_csv("a\n1\ninf", {}, "file").matrix<float>({"a"}),
                      "file:3: column 1, \"a\", is \"inf\", expected a finite number");
    CHECK_THROWS_WITH(parse_csv("a\n1\n1e999", {}, "file").matrix<float>({"a"}),
                      "file:3: column 1, \"a\", is \"1e999\", expected a finite number");
}

TEST_CASE("table: a column is found by its name, and else by its number, and what is like it is said") {
    const Table table = parse_csv("HUFL,HULL,OT,x,x\n1,2,3,4,5", {}, "file");
    CHECK(table.column("OT").values == Numbers{3});
    CHECK(table.column("3").values == Numbers{3});
    CHECK_THROWS_WITH(table.column("ot"), "Table: file has no column \"ot\"; like it is \"OT\"");
    CHECK_THROWS_WITH(table.column("HUL"), "Table: file has no column \"HUL\"; like it are \"HUFL\", \"HULL\"");
    CHECK_THROWS_WITH(table.column("9"),
                      "Table: file has no column \"9\"; there are \"HUFL\", \"HULL\", \"OT\", \"x\", \"x\"");
    CHECK_THROWS_WITH(table.column("x"),
                      "Table: file has two columns that are called \"x\": say which by its number, 4 or 5");
}

TEST_CASE("table: dates are found in one column or in several, or named") {
    CHECK(dates(parse_csv("date,x\n2016-07-01 01:00:00,1\n2016-07-01 02:00:00,2")) ==
          "2016-07-01 01:00, 2016-07-01 02:00");
    const Table parts = parse_csv("No,year,month,day,hour,x\n1,2010,1,1,0,5\n2,2010,1,1,1,6");
    CHECK(dates(parts) == "2010-01-01, 2010-01-01 01:00");
    CHECK(parts.date_columns() == Names{"year", "month", "day", "hour"});
    CHECK(parts.number_names() == Names{"No", "x"});
    CHECK(dates(parse_csv("Date;Time;x\n10.03.2004;18.00.00;2,6\n10.03.2004;19.00.00;2,5")) ==
          "2004-03-10 18:00, 2004-03-10 19:00");
    CHECK(dates(parse_csv("when,x\n20210304,1\n20210305,2", {.dates = {"when"}})) == "2021-03-04, 2021-03-05");
    CHECK(dates(parse_csv("y,x\n1700,5\n1701,11", {.dates = {"y"}})) == "1700-01-01, 1701-01-01");
    CHECK(dates(parse_csv("d,t,x\n2021-03-04,1:30 PM,1", {.dates = {"d", "t"}})) == "2021-03-04 13:30");
    // Which number is the month: what can't be one, or else what is closer together.
    CHECK(dates(parse_csv("d,x\n1/2/2021,1\n13/2/2021,2")) == "2021-02-01, 2021-02-13");
    CHECK(dates(parse_csv("d,x\n1/2/2021,1\n2/2/2021,2")) == "2021-02-01, 2021-02-02");
    CHECK(dates(parse_csv("d,x\n2/1/2021,1\n2/2/2021,2")) == "2021-02-01, 2021-02-02");
    CHECK(dates(parse_csv("d,x\n2/1/2021,1\n2/2/2021,2", {.date_order = DateOrder::day_first})) ==
          "2021-01-02, 2021-02-02");
}

TEST_CASE("table: rows are called by their date, their first word or their number") {
    CHECK(parse_csv("x,d\n1,2016-07").label(0) == "2016-07-01");
    CHECK(parse_csv("m,x\n1-01,5\n1-02,6").label(1) == "1-02");
    CHECK(parse_csv("x\n5\n6").label(1) == "2");
    CHECK_THROWS_WITH(parse_csv("x\n5").label(1), "Table::label: row 1, expected 0 <= row < 1");
}

TEST_CASE("table: what is wrong with a file is said with its line") {
    const auto read = [](const char* text, CsvOptions options = {}) { parse_csv(text, options, "file"); };
    CHECK_THROWS_WITH(read(""), "file: is empty");
    CHECK_THROWS_WITH(read("\n \n"), "file: is empty");
    CHECK_THROWS_WITH(read("a,b\n"), "file:1: there are no rows under the header");
    CHECK_THROWS_WITH(read("a,b\n1,2\n\n3\n"), "file:4: 1 field, expected 2 as in line 1");
    CHECK_THROWS_WITH(read("a,b\n\"1\n\",2\n1,2,3\n"), "file:4: 3 fields, expected 2 as in line 1");
    CHECK_THROWS_WITH(read("a,b\n1,\"2\n"), "file:2: a quote is opened and not closed");
    CHECK_THROWS_WITH(read("a,b\n1,\"2\"x\n"),
                      "file:2: behind the closing quote of \"2\" stands \"x\", expected a separator: a quote within a "
                      "field is written twice");
    CHECK_THROWS_WITH(read("\xFF\xFE"
                           "a\n"),
                      "file:1: is in UTF-16: save it in UTF-8");
    CHECK_THROWS_WITH(read("d,x\n2021-03-04,1\n\n2021-03-x,2", {.dates = {"d"}}),
                      "file:4: column 1, \"d\", is \"2021-03-x\", expected a date");
    CHECK_THROWS_WITH(
        read("year,month,x\n2021,13,1", {.dates = {"year", "month"}}),
        "file:2: column 2, \"month\", is \"13\", expected a part of a date: year, month, day, hour, minute, "
        "second, in this order");
    CHECK_THROWS_WITH(read("a\n1", {.dates = {"d"}}), "Table: file has no column \"d\"; there are \"a\"");
    CHECK_THROWS_WITH(parse_csv("d,x\n2021-03-04,1\noops,2", {}, "file").dates(),
                      "file:3: column 1, \"d\", is \"oops\", expected a date");
    CHECK_THROWS_WITH(parse_csv("x\n1", {}, "file").dates(), "file: has no column of dates, and none was named");
    CHECK_THROWS_WITH(read_csv("/no/such.csv"), "/no/such.csv: can't be opened");
    CHECK_THROWS_WITH(read_csv("/"), "/: can't be opened");
}

TEST_CASE("table: quotes enclose separators, line ends and quotes") {
    const Table table = parse_csv("a,b\n\"x,\"\"y\"\"\nz\",1\n\"\",2");
    CHECK(table.column("a").categories == Names{"x,\"y\"\nz"});
    CHECK(table.column("a").missing() == 1);
    CHECK(table.place(1) == "text:4");
}

TEST_CASE("table: columns are added, and must fit") {
    Table table = parse_csv("d,x\n2021-03-01 06:00,1\n2021-03-01 12:00,2");
    CHECK(table.add_calendar({Calendar::hour_of_day}) == Names{"hour_of_day_sin", "hour_of_day_cos"});
    CHECK(numbers(table, "hour_of_day_sin")[0] == Catch::Approx(1));
    CHECK(table.matrix<float>().rows() == 3);
    CHECK_THROWS_WITH(table.add({"x", ColumnKind::numbers, {1, 2}}),
                      "Table::add: there is a column \"x\" already: give this one another name");
    CHECK_THROWS_WITH(table.add({"z", ColumnKind::numbers, {1}}), "Table::add: column \"z\" has 1 rows, expected 2");
    CHECK_THROWS_WITH(Table({{"a", ColumnKind::numbers, {1}}, {"b", ColumnKind::numbers, {}}}),
                      "Table: column \"b\" has 0 rows and \"a\" has 1, expected as many in each");
    table.set_dates({*parse_date("2000-01-01"), *parse_date("2000-01-02")});
    CHECK(table.label(1) == "2000-01-02");
    CHECK_THROWS_WITH(table.set_dates({}), "Table::set_dates: 0 dates for 2 rows, expected one for each");
}

TEST_CASE("gaps: filled forward, backward, along a line or with a number") {
    const double none = std::numeric_limits<double>::quiet_NaN();
    const Numbers series{none, 1, none, none, 4, none};
    const auto filled = [&](Fill how, FillOptions options = {}) {
        Numbers copy = series;
        const Index count = fill_gaps(copy, how, options);
        Index left = 0;
        for (double& value : copy)
            if (std::isnan(value)) {
                value = -9;
                ++left;
            }
        CHECK(count == 4 - left);
        return copy;
    };
    CHECK(filled(Fill::forward) == Numbers{-9, 1, 1, 1, 4, 4});
    CHECK(filled(Fill::backward) == Numbers{1, 1, 4, 4, 4, -9});
    CHECK(filled(Fill::linear) == Numbers{1, 1, 2, 3, 4, 4});
    CHECK(filled(Fill::linear, {.limit = 1}) == Numbers{1, 1, -9, -9, 4, 4});
    Matrix<double> rows(2, 3);
    rows << 1, none, 3, none, none, none;
    CHECK(fill_gaps(rows, Fill::linear) == 1);
    CHECK(rows(0, 1) == 2);
    CHECK(fill_gaps(rows, 7.0) == 3);
    CHECK(rows(1, 2) == 7);
    CHECK_THROWS_WITH(fill_gaps(rows, Fill::forward, {.limit = 0}), "fill_gaps: limit is 0, expected limit >= 1");
}
