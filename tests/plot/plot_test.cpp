#include "carousel/plot/plot.hpp"

#include "catch.hpp"
#include "io/folder.hpp"

#include <cstdlib>
#include <string>

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
