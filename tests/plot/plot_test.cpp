#include "carousel/plot/plot.hpp"

#include "catch.hpp"
#include "io/folder.hpp"

#include <cstdlib>
#include <locale>
#include <string>
#include <vector>

using namespace carousel;

namespace {

std::string script_of(std::vector<double> x, std::vector<double> y, bool log_y) {
    Plot plot{.title = "",
              .x_label = "",
              .y_label = "",
              .series = {{"curve", std::move(x), std::move(y), PlotStyle::second}}};
    plot.log_y = log_y;
    return detail::gnuplot::script(plot);
}
bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("labels_that_fit: as many as stand side by side, none at an end of the axis") {
    using Labels = std::vector<std::pair<double, std::string>>;
    const auto numbers = labels_that_fit(100, 800, [](std::ptrdiff_t k) { return std::to_string(k); });
    CHECK(numbers == Labels{{150, "150"},
                            {250, "250"},
                            {350, "350"},
                            {450, "450"},
                            {550, "550"},
                            {650, "650"},
                            {750, "750"},
                            {850, "850"}});
    const auto times = labels_that_fit(0, 80, [](std::ptrdiff_t) { return std::string("2016-07-12 15:00:00"); });
    CHECK(times.size() == 4);
    CHECK(times.front().first == 10);
    CHECK(times.back().first == 70);
    CHECK(labels_that_fit(0, 80, [](std::ptrdiff_t) { return std::string(500, 'x'); }).size() == 1);
    CHECK(labels_that_fit(7, 2, [](std::ptrdiff_t k) { return std::to_string(k); }) == Labels{{7, "7"}, {8, "8"}});
    CHECK(labels_that_fit(7, 0, [](std::ptrdiff_t k) { return std::to_string(k); }).empty());
}

TEST_CASE("plots: a logarithmic axis has at least three labels, below a decade it is linear") {
    const std::string decade = script_of({1, 2, 3}, {0.03, 0.1, 0.4}, true);
    CHECK(has(decade, "\nset logscale y"));
    CHECK(has(decade, "5e-2, 1e-1, 2e-1"));
    CHECK_FALSE(has(script_of({1, 2, 3}, {0.09, 0.05, 0.02}, true), "\nset logscale y"));
    CHECK_FALSE(has(script_of({1, 2, 3}, {0, 0, 0}, true), "\nset logscale y"));
    CHECK_FALSE(has(script_of({1, 2, 3}, {0.03, 0.1, 0.4}, false), "\nset logscale y"));
    const std::string many = script_of({1, 2}, {1e-6, 1}, true);
    CHECK(has(many, "\nset logscale y"));
    CHECK_FALSE(has(many, "set ytics ("));
}

TEST_CASE("plots: losses begin at 0 and epochs are whole numbers, other axes are as the curves need them") {
    const std::string losses = script_of({1, 2, 3}, {0.4, 0.1, 0}, false);
    CHECK(has(losses, "set yrange [0:*]\n"));
    CHECK(has(losses, "set xtics 1\n"));
    CHECK_FALSE(has(script_of({1, 2.5, 3}, {0.4, 0.1, 0}, false), "set xtics 1\n"));
    CHECK_FALSE(has(script_of({1, 20, 30}, {0.4, 0.1, 0}, false), "set xtics 1\n"));
    CHECK_FALSE(has(script_of({1, 2, 3}, {0.4, -0.1, 0}, false), "set yrange [0:*]\n"));
    CHECK_FALSE(has(script_of({1, 2, 3}, {0.4, 0.3, 0.35}, false), "set yrange [0:*]\n"));
    CHECK(has(script_of({1, 2, 3}, {0.4, 0.01, 0.1}, true),
              "set yrange [0.00")); // what a logarithmic axis needs comes after it
}

TEST_CASE("plots: a single point is drawn as one, on an axis around it") {
    const std::string one = script_of({1}, {0.5}, true);
    CHECK(has(one, "set xrange [0.5:1.5]"));
    CHECK(has(one, "set yrange [0:1]"));
    CHECK(has(one, "with points pointtype 7 linecolor rgb '#00798c'"));
    CHECK(has(script_of({1, 2}, {0.5, 0.25}, true), "with lines linewidth 2 linecolor rgb '#00798c'"));
}

TEST_CASE("plots: gnuplot takes scripts of every kind") {
    if (!gnuplot_is_there())
        return;
    const auto path = std::filesystem::temp_directory_path() / "carousel_plot_test.png";
    Plot labelled{
        .title = "it's", .x_label = "", .y_label = "", .series = {{"a", {1, 2, 3}, {1, 100, 1e3}, PlotStyle::truth}}};
    labelled.log_y = true;
    labelled.x_labels = {{1, "one"}, {3, "three"}};
    Plot one = labelled;
    one.series = {{"", {4}, {0.5}, PlotStyle::prediction}};
    one.x_labels = {};
    CHECK(
        draw({.file = path.filename().string(), .frames = {labelled, one}, .side_by_side = true}, path.parent_path()));
    std::filesystem::remove(path);
}

TEST_CASE("plot: curves and trainings as PNG and SVG where gnuplot is, and false where it isn't") {
    const test::Folder folder;
    History history;
    history.epochs = {EpochReport{.epoch = 1, .loss = 2}, EpochReport{.epoch = 2, .loss = 1}};
    const Plot curves{.title = "it's", .x_label = "x", .y_label = "y", .series = {{"a", {1, 2, 3}, {1, 4, 9}}}};
    const bool there = gnuplot_is_there();
    CHECK(plot(folder / "history.png", history) == there);
    CHECK(plot(folder / "curves.svg", curves) == there);
    CHECK(folder.files() == (there ? 2 : 0));
    if (there) {
        CHECK(test::content(folder / "history.png").substr(1, 3) == "PNG");
        CHECK(has(test::content(folder / "curves.svg"), "<svg"));
    }
    REQUIRE_THROWS_WITH(plot("curves.pdf", curves),
                        "plot: the file is curves.pdf, expected a name that ends with .png or .svg");
    REQUIRE_THROWS_WITH(plot("a.png", Plot{.title = "", .x_label = "", .y_label = "", .series = {{"a", {1, 2}, {1}}}}),
                        "plot: \"a\" has 2 x and 1 y, expected as many");
#ifdef __unix__
    const char* const path = std::getenv("PATH");
    const std::string before = path ? path : "";
    setenv("PATH", "/none", 1);
    CHECK_FALSE(gnuplot_is_there());
    CHECK_FALSE(plot(folder / "none.png", history));
    setenv("PATH", before.c_str(), 1);
    CHECK_FALSE(test::fs::exists(folder / "none.png"));
#endif
}

namespace {

/// As German and others write numbers: 1.234,5.
struct CommaAndGroups : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
};

Plot two_points() {
    return {.title = "", .x_label = "", .y_label = "", .series = {{"a", {1, 2}, {1, 4}}}};
}

} // namespace

TEST_CASE("plots: numbers are exact, whatever the locale") {
    const std::vector<double> x{1234.5, 12345678.125}, y{0.1 + 0.2, 1e-300};
    const std::locale before = std::locale::global(std::locale(std::locale::classic(), new CommaAndGroups));
    Plot plot{.title = "", .x_label = "", .y_label = "", .series = {{"a", x, y}}};
    plot.y_range = {-1234.5, 1.0 / 3};
    plot.marks = {4321.1234567};
    plot.x_labels = {{1234.56789, "there"}};
    const std::string exact = detail::gnuplot::script(plot);
    const std::string log = script_of({1, 2, 3}, {0.03, 0.1, 0.4}, true), one = script_of({12345.5}, {0.5}, false);
    std::locale::global(before);
    CHECK(has(exact, "$data0 << END\n1234.5 0.30000000000000004\n12345678.125 1e-300\nEND\n"));
    CHECK(has(exact, "set yrange [-1234.5:0.3333333333333333]\n"));
    CHECK(has(exact, "set arrow from first 4321.1234567, graph 0 to first 4321.1234567,"));
    CHECK(has(exact, "set xtics (\"there\" 1234.56789)\n"));
    CHECK(log == script_of({1, 2, 3}, {0.03, 0.1, 0.4}, true));
    CHECK(has(one, "set xrange [12345:12346]\nset xtics (12345.5)\n"));
}

TEST_CASE("plots: labels of an axis tell numbers apart that lie close together") {
    CHECK(has(script_of({1, 2}, {1e6, 1e6 + 3}, false), "set format y '%.15g'"));
    CHECK(has(script_of({1, 2}, {1, 2}, false), "set format y '%g'"));
}

TEST_CASE("plots: a picture without plots, curves or points is refused") {
    REQUIRE_THROWS_WITH(draw({.file = "a.png", .frames = {}}, "."),
                        "plot: the picture has no plots, expected at least 1");
    Plot none = two_points();
    none.title = "mine";
    none.series.clear();
    REQUIRE_THROWS_WITH(plot("a.png", none), "plot: plot 0 of 1, \"mine\", has no curves, expected at least 1");
    REQUIRE_THROWS_WITH(plot("a.png", Plot{}), "plot: plot 0 of 1, \"\", has no curves, expected at least 1");
    none.series = {{"a", {}, {}}};
    REQUIRE_THROWS_WITH(plot("a.png", none),
                        "plot: the curves of plot 0 of 1, \"mine\", have no points, expected at least 1");
    REQUIRE_THROWS_WITH(plot("a.png", History{}),
                        "plot: the curves of plot 0 of 1, \"\", have no points, expected at least 1");
    Plot range = two_points();
    range.y_range = {1};
    REQUIRE_THROWS_WITH(plot("a.png", range), "plot: the y_range of plot 0 of 1, \"\", isn't {low, high}, expected "
                                              "finite numbers, low < high, or none");
}

TEST_CASE("plots: texts are written as they are") {
    CHECK(detail::gnuplot::literal("it's \"10 %\" \\\n`µ`") == R"("it\0047s \004210 \0045\0042 \0134 \0140µ\0140")");
    CHECK(detail::gnuplot::tick_label("10 %") == R"("10 \0045\0045")");
    if (!gnuplot_is_there())
        return;
    const test::Folder folder;
    Plot texts = two_points();
    texts.title = "'it's' \"10 %\" \\t\\101 `µ` @a $b {c} ^d_e #f";
    texts.x_labels = {{1, "'100 %d"}, {2, "b"}};
    REQUIRE(plot(folder / "texts.svg", texts));
    const std::string svg = test::content(folder / "texts.svg");
    CHECK(has(svg, "'it's' \"10 %\" \\t\\101 `µ` @a $b {c} ^d_e #f<"));
    CHECK(has(svg, "'100 %d<"));
}

TEST_CASE("plots: no name and no text is executed") {
    REQUIRE_THROWS_WITH(plot("a\nb.png", two_points()), "plot: the path of the picture has a line break or another "
                                                        "control character, expected one without");
#ifdef __unix__
    if (!gnuplot_is_there())
        return;
    const test::Folder folder;
    const auto before = test::fs::current_path();
    test::fs::current_path(folder / "");
    const std::vector<std::string> names{"x'; system('touch executed'); y.svg",
                                         "|touch executed #.svg",
                                         "|touch executed; cat >.svg",
                                         "-e.svg",
                                         "~.svg",
                                         "`touch executed`.svg",
                                         "'`touch executed`'.svg",
                                         "$(touch executed) \\.svg",
                                         "%s%n@x # \".svg"};
    std::vector<bool> drawn;
    for (const std::string& name : names) {
        Plot hostile = two_points();
        hostile.title = hostile.x_label = hostile.y_label = hostile.series[0].name =
            name + "\nsystem('touch executed')\n\r" + name + "\\";
        hostile.x_labels = {{1, name}, {2, "100% \nsystem('touch executed')"}};
        drawn.push_back(plot(name, hostile));
    }
    test::fs::current_path(before);
    for (std::size_t k = 0; k < names.size(); ++k) {
        INFO(names[k]);
        CHECK(drawn[k]);
        CHECK(test::fs::exists(folder / names[k]));
    }
    CHECK_FALSE(test::fs::exists(folder / "executed"));
    CHECK(folder.files() == names.size());
#endif
}
