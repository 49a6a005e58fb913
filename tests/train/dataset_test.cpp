#include "carousel/train/dataset.hpp"

#include "catch.hpp"

#include <stdexcept>

using namespace carousel;

TEST_CASE("windows: every run of a series with the value after it") {
    const std::vector<double> series{1, 2, 3, 4, 5, 6};
    const Dataset<double> data = windows(series, {.steps = 3});
    REQUIRE((data.size() == 3 && data.x.features() == 1 && data.x.steps() == 3 && data.y.steps() == 1));
    CHECK(data.x.step(0) == Matrix<double>{{1, 2, 3}});
    CHECK(data.x.step(1) == Matrix<double>{{2, 3, 4}});
    CHECK(data.x.step(2) == Matrix<double>{{3, 4, 5}});
    CHECK(data.y.values() == Matrix<double>{{4, 5, 6}});
}

TEST_CASE("windows: over a span, a vector of Eigen, a row, an array expression, a block and a map") {
    std::vector<float> numbers{1, 2, 3, 4, 5, 6};
    const Dataset<float> expected = windows(numbers, {.steps = 2});
    const Eigen::VectorXf column = Eigen::Map<Eigen::VectorXf>(numbers.data(), 6);
    const Eigen::RowVectorXf row = column.transpose();
    const auto same = [&](const Dataset<float>& data) {
        return data.x.values() == expected.x.values() && data.y.values() == expected.y.values();
    };
    CHECK(same(windows(std::span(numbers), {.steps = 2})));
    CHECK(same(windows(std::span<const float>(numbers), {.steps = 2})));
    CHECK(same(windows(std::span<float, 6>(numbers), {.steps = 2})));
    CHECK(same(windows(column, {.steps = 2})));
    CHECK(same(windows(row, {.steps = 2})));
    CHECK(same(windows(column.array() * 1.0F, {.steps = 2})));
    CHECK(same(windows(Eigen::Map<Eigen::VectorXf>(numbers.data(), 6), {.steps = 2})));
    CHECK(same(windows(column.cast<double>().cast<float>(), {.steps = 2})));

    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> table(3, 6); // two features and one too many
    table << row, 10 * row, 100 * row;
    const Dataset<float> two = windows(table.topRows(2), {.steps = 2});
    CHECK(two.x.step(1) == Matrix<float>{{2, 3, 4, 5}, {20, 30, 40, 50}});
    CHECK(windows(table, {.steps = 2}).x.features() == 3);
}

TEST_CASE("AnyIndex: sizes are integers of any type, in braces too, and one that went below zero is refused") {
    const std::size_t n = 3;
    const unsigned char few = 2;
    const std::vector<double> series{1, 2, 3, 4, 5, 6, 7, 8};
    const WindowOptions options{.steps = n, .horizon = few, .stride = 2L};
    CHECK(windows(series, options).x.steps() == 3);
    CHECK(windows(series, options).slice(std::size_t(0), n - 2).size() == 1);
    CHECK(Sequence<float>{n, few, 4U}.values().cols() == 8);
    const float buffer[12] = {};
    CHECK(SequenceView<float>{buffer, n, 2U, few}.columns() == 4);
    CHECK_THROWS_WITH(windows(series, {.steps = n - 4}),
                      "windows: steps -1, horizon 1 and stride 1 must all be at least 1");
    static_assert(!std::convertible_to<double, AnyIndex> && !std::convertible_to<const char*, AnyIndex>);
}

TEST_CASE("windows: of several features, with a horizon and a stride") {
    Matrix<float> series(2, 9);
    series << 0, 1, 2, 3, 4, 5, 6, 7, 8, //
        10, 11, 12, 13, 14, 15, 16, 17, 18;
    const Dataset<float> data = windows(series, {.steps = 2, .horizon = 3, .stride = 2});
    REQUIRE((data.size() == 3 && data.x.features() == 2 && data.y.features() == 6));
    CHECK(data.x.step(0) == Matrix<float>{{0, 2, 4}, {10, 12, 14}});
    CHECK(data.x.step(1) == Matrix<float>{{1, 3, 5}, {11, 13, 15}});
    CHECK(data.y.values() == Matrix<float>{{2, 4, 6}, {12, 14, 16}, {3, 5, 7}, {13, 15, 17}, {4, 6, 8}, {14, 16, 18}});
}

TEST_CASE("windows: a series of one window, and one that is too short") {
    const std::vector<float> series{1, 2, 3, 4};
    CHECK(windows(series, {.steps = 2, .horizon = 2}).size() == 1);
    REQUIRE_THROWS_AS(windows(series, {.steps = 3, .horizon = 2}), std::invalid_argument);
    REQUIRE_THROWS_WITH(windows(series, {.steps = 3, .horizon = 2}),
                        "windows: the series has 4 values, expected at least 5 (steps 3 + horizon 2)");
    REQUIRE_THROWS_WITH(windows(std::vector<float>{}, {.steps = 1}),
                        "windows: the series has 0 values, expected at least 2 (steps 1 + horizon 1)");
    REQUIRE_THROWS_WITH(windows(series, {.steps = 0}),
                        "windows: steps 0, horizon 1 and stride 1 must all be at least 1");
    REQUIRE_THROWS_WITH(windows(series, {.steps = 1, .horizon = -1, .stride = 0}),
                        "windows: steps 1, horizon -1 and stride 0 must all be at least 1");
}

TEST_CASE("Dataset: gather makes a batch of any samples in any order, with their lengths and zeros past them") {
    const Sequence<double> x(Matrix<double>{{1, 2, 3, 4, 5, 6}, {-1, -2, -3, -4, -5, -6}}, 3, {2, 1, 0});
    Sequence<double> batch;
    Dataset<double>::gather(x, std::vector<Index>{2, 0, 0, 1}, batch);
    CHECK(batch.values() == Matrix<double>{{0, 1, 1, 2, 0, 4, 4, 0}, {0, -1, -1, -2, 0, -4, -4, 0}});
    CHECK(batch.lengths() == std::vector<Index>{0, 2, 2, 1});
    CHECK((batch.steps() == 2 && batch.batch() == 4));
    const Sequence<double> whole(x.values(), 3);
    Dataset<double>::gather(whole, std::vector<Index>{1}, batch);
    CHECK(batch.values() == Matrix<double>{{2, 5}, {-2, -5}});
    CHECK(batch.lengths().empty());
}

TEST_CASE("Dataset: a slice is a run of samples") {
    const Dataset<double> data{Sequence<double>(Matrix<double>{{1, 2, 3, 4, 5, 6}}, 3, {2, 1, 0}),
                               Sequence<double>(Matrix<double>{{7, 8, 9}}, 3)};
    const auto part = data.slice(1, 2);
    CHECK(part.size() == 2);
    CHECK(part.x.values() == Matrix<double>{{2, 0, 0, 0}});
    CHECK(part.x.lengths() == std::vector<Index>{1, 0});
    CHECK(part.y.values() == Matrix<double>{{8, 9}});
    REQUIRE_THROWS_WITH(data.slice(1, 3), "Dataset::slice: samples 1 … 3 were asked for, there are 3");
    REQUIRE_THROWS_WITH(data.slice(-1, 2), "Dataset::slice: samples -1 … 0 were asked for, there are 3");
}

TEST_CASE("windows: with a target at every step") {
    const std::vector<double> series{1, 2, 3, 4, 5, 6};
    const auto data = windows(series, {.steps = 3, .horizon = 2, .every_step = true});
    REQUIRE((data.size() == 2 && data.y.features() == 2 && data.y.steps() == 3));
    CHECK(data.x.values() == Matrix<double>{{1, 2, 2, 3, 3, 4}});
    CHECK(data.y.values() == Matrix<double>{{2, 3, 3, 4, 4, 5}, {3, 4, 4, 5, 5, 6}});
}

TEST_CASE("sequences: a list of any lengths becomes a data set, padded with zeros") {
    const std::vector<Matrix<double>> x{Matrix<double>{{1, 2}, {-1, -2}}, Matrix<double>{{3, 4, 5}, {-3, -4, -5}},
                                        Matrix<double>(2, 0)};
    const auto whole = sequences(x, Matrix<double>{{7, 8, 9}});
    CHECK(whole.x.values() == Matrix<double>{{1, 3, 0, 2, 4, 0, 0, 5, 0}, {-1, -3, 0, -2, -4, 0, 0, -5, 0}});
    CHECK(whole.x.lengths() == std::vector<Index>{2, 3, 0});
    CHECK((whole.y.values() == Matrix<double>{{7, 8, 9}} && whole.y.steps() == 1 && whole.y.lengths().empty()));

    const std::vector<Matrix<double>> targets{Matrix<double>{{1, 2}}, Matrix<double>{{3, 4, 5}}, Matrix<double>(1, 0)};
    const auto in_step = sequences(x, targets);
    CHECK(in_step.y.values() == Matrix<double>{{1, 3, 0, 2, 4, 0, 0, 5, 0}});
    CHECK(in_step.y.lengths() == in_step.x.lengths());

    const auto even = sequences(std::vector<Matrix<double>>{x[0], x[0]}, Matrix<double>(1, 2));
    CHECK(even.x.lengths().empty());
}

TEST_CASE("sequences: what does not fit together is named") {
    const std::vector<Matrix<float>> x{Matrix<float>(3, 2), Matrix<float>(3, 4), Matrix<float>(2, 4)}, none;
    REQUIRE_THROWS_WITH(sequences(x, Matrix<float>(1, 3)),
                        "sequences: sequence 2 has 2 features, expected 3 as the first has");
    REQUIRE_THROWS_WITH(sequences(x, Matrix<float>(1, 2)),
                        "sequences: 3 sequences and 2 targets, expected one for each");
    REQUIRE_THROWS_WITH(sequences(x, none), "sequences: 3 sequences and 0 targets, expected one for each");
    REQUIRE_THROWS_WITH(sequences(none, none), "sequences: the list of sequences is empty");
    REQUIRE_THROWS_WITH(sequences(std::vector<Matrix<float>>{x[0], x[1], x[1]}, x),
                        "sequences: target 2 has 2 features, expected 3 as the first has");
}

TEST_CASE("Dataset: a batch ends with the longest of its sequences, and so do their targets") {
    const Sequence<double> x(Matrix<double>{{1, 2, 3, 4, 5, 6, 7, 8, 9}}, 3, {2, 3, 0});
    const Matrix<double> real{{1, 2, 0, 4, 5, 0, 0, 8, 0}};
    Sequence<double> x_batch, y_batch;
    const std::vector<Index> short_ones{2, 0}, all{0, 1, 2}, empty{2};
    for (const bool own_lengths : {true, false}) {
        const Dataset<double> data{x,
                                   Sequence<double>(-x.values(), 3, own_lengths ? x.lengths() : std::vector<Index>())};
        data.batch(short_ones, x_batch, y_batch);
        CHECK((x_batch.values() == Matrix<double>{{0, 1, 0, 4}} && x_batch.lengths() == std::vector<Index>{0, 2}));
        CHECK(y_batch.values() == (own_lengths ? Matrix<double>{{0, -1, 0, -4}} : Matrix<double>{{-3, -1, -6, -4}}));
        data.batch(all, x_batch, y_batch);
        CHECK((x_batch.values() == real && y_batch.values() == -(own_lengths ? real : x.values())));
        data.batch(empty, x_batch, y_batch);
        CHECK((x_batch.steps() == 1 && y_batch.steps() == 1));
    }
    const Dataset<double> many_to_one{x, Sequence<double>(Matrix<double>{{1, 2, 3}}, 3)};
    many_to_one.batch(short_ones, x_batch, y_batch);
    CHECK((x_batch.steps() == 2 && y_batch.values() == Matrix<double>{{3, 1}}));
}
