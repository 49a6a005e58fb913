#include "carousel/data/table.hpp"

#include "catch.hpp"

#include <locale>

using namespace carousel;

namespace {

using Names = std::vector<std::string>;

const double none = std::numeric_limits<double>::quiet_NaN();

} // namespace

TEST_CASE("table: a number that no category has is refused, where it comes from and where it is used") {
    for (const auto& [code, text] : {std::pair(-1., "-1"), std::pair(2., "2"), std::pair(.5, "0.5"),
                                     std::pair(std::numeric_limits<double>::infinity(), "inf")}) {
        const std::string message = std::string("column \"wind\" is ") + text +
                                    " in row 2, expected the number of one of its 2 categories, from 0, or NaN";
        const Column column{"wind", ColumnKind::categories, {0, code, none}, {"NW", "SE"}};
        CHECK_THROWS_WITH(Table({column}), "Table: " + message);
        Table table({{"x", ColumnKind::numbers, {1, 2, 3}}});
        CHECK_THROWS_WITH(table.add(column), "Table::add: " + message);
        CHECK(table.names() == Names{"x"});

        Table words = parse_csv("wind,x\nNW,1\nSE,2");
        words.values("wind")[1] = code;
        CHECK_THROWS_WITH(words.label(1), "Table::label: " + message);
        CHECK_THROWS_WITH(words.add_one_hot("wind"), "Table::add_one_hot: " + message);
        CHECK(words.names() == Names{"wind", "x"});
    }
}

TEST_CASE("table: the place of a row that isn't there is refused") {
    const Table file = parse_csv("x\n5\n6", {}, "file"), table({{"x", ColumnKind::numbers, {1, 2}}});
    CHECK(file.place(1) == "file:3");
    CHECK(table.place(1) == "table, row 2");
    for (const Table& one : {file, table})
        for (const Index row : {Index(-1), Index(2), std::numeric_limits<Index>::max()})
            CHECK_THROWS_WITH(one.place(row), "Table::place: row " + std::to_string(row) + ", expected 0 <= row < 2");
    CHECK_THROWS_WITH(Table().place(0), "Table::place: row 0, expected 0 <= row < 0");
}

TEST_CASE("table: columns that can't all be added aren't added at all") {
    Table table = parse_csv("d,wind,wind=SE,x\n2021-03-01 06:00,NW,1,1\n2021-03-01 12:00,SE,2,2");
    const Names names = table.names();
    CHECK_THROWS_WITH(table.add_one_hot("wind"), "Table::add_one_hot: there is a column \"wind=SE\" already");
    CHECK_THROWS_WITH(table.add_one_hot("wind", {"SE", "NW"}),
                      "Table::add_one_hot: there is a column \"wind=SE\" already");
    CHECK_THROWS_WITH(table.add_one_hot("wind", {"NW", "S", "E", "S"}),
                      "text:3: column \"wind\" is \"SE\", which isn't "
                      "one of its 4 known words");
    CHECK_THROWS_WITH(table.add_one_hot("1", {}), "Table::add_one_hot: \"d\" is no column of words: name it in "
                                                  "CsvOptions::categories");
    CHECK_THROWS_WITH(table.add_calendar({Calendar::day_of_week, Calendar::hour_of_day, Calendar::day_of_week}),
                      "Table::add_calendar: column \"day_of_week_sin\" would be added twice, expected each once");
    CHECK_THROWS_WITH(table.add_calendar({Calendar::day_of_week, static_cast<Calendar>(7)}),
                      "calendar_name: the cycle has number 7, expected a value of Calendar");
    CHECK(table.names() == names);

    Table other = parse_csv("wind,x\nNW,1\nSE,2");
    CHECK_THROWS_WITH(other.add_one_hot("wind", {"NW", "SE", "NW"}),
                      "Table::add_one_hot: column \"wind=NW\" would be added twice, expected each once");
    CHECK(other.names() == Names{"wind", "x"});
    CHECK_THROWS_WITH(other.set_dates({DateTime(), DateTime()}, {"day"}),
                      "Table: text has no column \"day\"; there are \"wind\", \"x\"");
    CHECK_FALSE(other.has_dates());
    // What is named by its number is that column all the same.
    other.set_dates({DateTime(), DateTime()}, {"2"});
    CHECK(other.date_columns() == Names{"x"});
    CHECK(other.number_names().empty());
}

TEST_CASE("table: a number that a float can't hold is refused where a matrix of float is asked for") {
    const Table table = parse_csv("a\n1\n-1e39\n", {}, "file");
    CHECK_THROWS_WITH(table.matrix<float>({"a"}),
                      "file:3: column \"a\" is -1e+39, which a float can't hold: ask for a matrix "
                      "of double and scale that");
    CHECK(table.matrix<double>({"a"})(0, 1) == -1e39);
}

TEST_CASE("table: categories that are named are found by name, and else by number, as columns are") {
    const Table table = parse_csv("b,1\n5,6\n7,8", {.categories = {"1"}});
    CHECK(table.column("b").kind == ColumnKind::numbers);
    CHECK(table.column("1").kind == ColumnKind::categories);
    CHECK(parse_csv("b,c\n5,6\n7,8", {.categories = {"1"}}).column("b").kind == ColumnKind::categories);
    CHECK_THROWS_WITH(parse_csv("b,b\n5,6", {.categories = {"b"}}, "file"),
                      "Table: file has two columns that are called \"b\": say which by its number, 1 or 2");
}

TEST_CASE("table: the program's locale changes neither numbers nor messages") {
    struct German : std::numpunct<char> {
        char do_decimal_point() const override { return ','; }
        char do_thousands_sep() const override { return '.'; }
        std::string do_grouping() const override { return "\3"; }
    };
    const std::locale before = std::locale::global(std::locale(std::locale::classic(), new German));
    const Table table = parse_csv("d,x\n2021-03-04 10:00,1234.5\n2021-03-05,1e3\n", {}, "file");
    std::string place;
    try {
        table.place(1234567);
    } catch (const std::invalid_argument& error) {
        place = error.what();
    }
    const double value = table.values("x")[0];
    const std::string label = table.label(0);
    std::locale::global(before);
    CHECK(value == 1234.5);
    CHECK(label == "2021-03-04 10:00");
    CHECK(place == "Table::place: row 1234567, expected 0 <= row < 2");
}
