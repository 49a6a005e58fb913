#include "carousel/data/table.hpp"

#include "catch.hpp"

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
