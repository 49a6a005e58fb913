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
