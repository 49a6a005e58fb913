#include "carousel/data/table.hpp"

#include "catch.hpp"

using namespace carousel;

namespace {

using Names = std::vector<std::string>;
using Numbers = std::vector<double>;

/// Missing values are −9.
Numbers numbers(const Table& table, const std::string& name) {
    Numbers values(table.values(name).begin(), table.values(name).end());
    for (double& value : values)
        value = std::isnan(value) ? -9 : value;
    return values;
}

} // namespace

TEST_CASE("csv: a row of separators alone is a row of missing values") {
    const Table table = parse_csv("a,b,c\n1,2,x\n,,\n \t, ,\n\n  \n3,4,y\n,\n,,,,\n", {}, "file");
    CHECK(numbers(table, "a") == Numbers{1, -9, -9, 3, -9, -9});
    CHECK(numbers(table, "b") == Numbers{2, -9, -9, 4, -9, -9});
    CHECK(numbers(table, "c") == Numbers{0, -9, -9, 1, -9, -9});
    CHECK(table.place(3) == "file:7");
    CHECK(table.place(5) == "file:9");
    const Table without = parse_csv("a,b\n1,2\n,\n3,4\n,\n", {.skip_empty_rows = true}, "file");
    CHECK(numbers(without, "b") == Numbers{2, 4});
    CHECK(without.place(1) == "file:4");
    CHECK(numbers(parse_csv("a\tb\n1\t2\n\t\n3\t4"), "b") == Numbers{2, -9, 4});
    CHECK_THROWS_WITH(parse_csv("a,b\n1,2\n\"\"\n", {}, "file"), "file:3: 1 field, expected 2 as in line 1");
    CHECK_THROWS_WITH(parse_csv("a,b\n,\n", {.skip_empty_rows = true}, "file"),
                      "file:1: there are no rows under the header");
    CHECK(parse_csv("a,b\n,\n").rows() == 1);
}

TEST_CASE("csv: rows of separators above the header are left out, and above numbers they are missing") {
    const Table header = parse_csv(",,\n,\na,b\n1,2\n", {}, "file");
    CHECK(header.names() == Names{"a", "b"});
    CHECK(header.rows() == 1);
    CHECK(header.place(0) == "file:4");
    CHECK(numbers(parse_csv(",\n1,2\n3,4\n"), "2") == Numbers{-9, 2, 4});
    CHECK(numbers(parse_csv(",\na,b\n1,2\n", {.header = Header::no}), "1").size() == 3);
    CHECK_THROWS_WITH(parse_csv(",,\n,,\n", {}, "file"), "file: is empty");
}

TEST_CASE("csv: in a file of one column an empty line is no row, and an empty text in quotes a missing one") {
    CHECK(numbers(parse_csv("x\n1\n\n2\n\"\"\nNA\n3\n\n"), "x") == Numbers{1, 2, -9, -9, 3});
}

TEST_CASE("csv: the separator is found behind a line of blanks, and beside quotes that are no field's") {
    CHECK(parse_csv("  \na;b\n1;2").names() == Names{"a", "b"});
    CHECK(parse_csv("size in \";price,in;x\n1;2;3\n").names() == Names{"size in \"", "price,in", "x"});
    CHECK(parse_csv("\"a,\"\"b,\";\"c,d,\"\n1;2\n").names() == Names{"a,\"b,", "c,d,"});
}

TEST_CASE("csv: lines are counted within quotes, whatever ends them") {
    for (const std::string end : {"\n", "\r\n", "\r"})
        CHECK_THROWS_WITH(parse_csv("a,b" + end + "\"x" + end + end + "y\",2" + end + "1" + end, {}, "file"),
                          "file:5: 1 field, expected 2 as in line 1");
}

TEST_CASE("csv: messages have the beginning of a long field") {
    const std::string text(1000, 'x'), shown = std::string(60, 'x') + "…";
    CHECK_THROWS_WITH(parse_csv("a,b\n" + text + ",1\n5,2", {}, "file").matrix<float>({"a"}),
                      "file:2: column 1, \"a\", is \"" + shown + "\", expected a finite number");
    CHECK_THROWS_WITH(parse_csv(text + ",b\n5,1\n?,2", {}, "file").matrix<float>({"1"}),
                      "file:3: column 1, \"" + shown + "\", is \"?\", expected a finite number");
    CHECK_THROWS_WITH(parse_csv("a,b\n\"" + text + "\"x,1\n", {}, "file"),
                      "file:2: behind the closing quote of \"" + shown +
                          "\" stands \"x\", expected a separator: a quote within a field is written twice");
    Table words = parse_csv("a,b\n" + text + ",1\n", {}, "file");
    CHECK_THROWS_WITH(words.add_one_hot("a", {"y"}),
                      "file:2: column \"a\" is \"" + shown + "\", which isn't one of its 1 known words");
    CHECK(detail::shown_field(std::string(59, 'x') + "äy") == std::string(59, 'x') + "…"); // no half of an ä
    CHECK(detail::shown_field("ä\x1b[31m\x7f") == "ä?[31m?"); // nothing that a terminal obeys
}

TEST_CASE("csv: separators and decimal points that can't be any are refused") {
    for (const char wrong : {'"', '\n', '\r', '5', '.', '-', 'e', 'E'})
        CHECK_THROWS_WITH(parse_csv("a,b\n1,2", {.separator = wrong}), "read_csv: the separator is '" +
                                                                           std::string(1, wrong) +
                                                                           "', expected a mark such as , ; | or a tab");
    for (const char wrong : {'x', '5', ';'})
        CHECK_THROWS_WITH(parse_csv("a;b\n1;2", {.decimal_point = wrong}),
                          "read_csv: the decimal point is '" + std::string(1, wrong) + "', expected '.' or ','");
    CHECK(numbers(parse_csv("a,b\n\"1,5\",2", {.decimal_point = ','}), "a") == Numbers{1.5});
    CHECK_THROWS_WITH(Table().column("x"), "Table: table has no column \"x\"; it has no columns");
}

TEST_CASE("csv: any number of blanks is one separator, if that is a blank") {
    const Table table = parse_csv("  a b   c \n 1  NA 3\n  \n4 \"\"  \"x y\"  ", {.separator = ' '}, "file");
    CHECK(table.names() == Names{"a", "b", "c"});
    CHECK(numbers(table, "a") == Numbers{1, 4});
    CHECK(numbers(table, "b") == Numbers{-9, -9});
    CHECK(table.column("c").categories == Names{"3", "x y"});
    CHECK(table.place(1) == "file:4");
    CHECK(numbers(parse_csv("a b \r\n1 \t2 ", {.separator = ' '}), "b") == Numbers{2});
    CHECK_THROWS_WITH(parse_csv("a b c\n1  3", {.separator = ' '}, "file"),
                      "file:2: 2 fields, expected 3 as in line 1");
}

TEST_CASE("csv: the line whose number of fields the others must have is named, also below rows of separators") {
    CHECK_THROWS_WITH(parse_csv(",,\n\n,\na,b\n1,2,3\n", {}, "file"), "file:5: 3 fields, expected 2 as in line 4");
}

TEST_CASE("csv: numbers that other files would have aren't taken for the codes of words") {
    const std::string expected =
        "\", expected a finite number with the decimal point '.' and without marks of thousands, "
        "or a word: then name the column in CsvOptions::categories";
    for (const std::string text :
         {"1,234", "1,234,567.5", "-2,5", "+1,000", "1.234.567", "1.234,5", "-1'234.5", "12 345,6",
          "1\xE2\x80\x99"
          "234",
          "1\xC2\xA0"
          "234",
          "1\xE2\x80\xAF"
          "234"}) {
        CHECK_THROWS_WITH(parse_csv("a,b\n\"" + text + "\",1\n", {}, "file").matrix<float>({"a"}),
                          "file:2: column 1, \"a\", is \"" + text + expected);
        // Beside numbers, as smaller ones have no marks.
        CHECK_THROWS_WITH(parse_csv("a,b\n999,1\n\"" + text + "\",1\n", {}, "file").matrix<float>({"a"}),
                          "file:3: column 1, \"a\", is \"" + text + expected);
    }
    CHECK_THROWS_WITH(
        parse_csv("d;x\n1;2,5\n2;1.234,5", {}, "file").matrix<float>({"x"}),
        "file:3: column 2, \"x\", is \"1.234,5\", expected a finite number with the decimal point ',' and "
        "without marks of thousands, or a word: then name the column in CsvOptions::categories");
    CHECK_THROWS_WITH(parse_csv("a,b\n999,1\n?,1\n\"1,234\",1\n", {}, "file").matrix<float>({"a"}),
                      "file:3: column 1, \"a\", is \"?\", expected a finite number");
    CHECK_THROWS_WITH(parse_csv("t;x\n18.00;2,6\n19.00;2,7", {}, "file").matrix<float>({"x"}),
                      "file:2: column 2, \"x\", is \"2,6" + expected);
    CHECK(numbers(parse_csv("a,b\n\"1,234\",1\n", {.categories = {"a"}}), "a") == Numbers{0});
    for (const char* const word :
         {"a,b", "1,2,3", "1,2345,678", "1.2.3", "18.00.00", "1.234.56", "1234 567", "1'234 567"}) {
        const Table table = parse_csv("a,b\n\"" + std::string(word) + "\",1.5\n");
        CHECK(table.matrix<float>({"a"})(0, 0) == 0);
        CHECK(table.column("a").kind == ColumnKind::categories);
    }
}

TEST_CASE("csv: numbers in the forms of files") {
    CHECK(numbers(parse_csv("a\n+5\n5.\n.5\n-.5\n1.e3\n1E+2\n4.9e-324\n1e-400\n-2.5E-9999\n"), "a") ==
          Numbers{5, 5, .5, -.5, 1000, 100, 4.9e-324, 0, 0});
    for (const std::string word :
         {"1e-", "e-400", "1e-4x0", "1xe-400", "-e-400", "1e--400", "0x1p3", "1_000", "5 %", "-nan", "INF", "infinity",
          "\xC2\xA0"
          "6"})
        CHECK_THROWS_WITH(parse_csv("a,b\n1,1\n" + word + ",2", {}, "file").matrix<float>({"a"}),
                          "file:3: column 1, \"a\", is \"" + word + "\", expected a finite number");
}
