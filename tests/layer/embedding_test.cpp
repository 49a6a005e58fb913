#include "carousel/layer/embedding.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/stream/stream.hpp"
#include "carousel/train/check_gradients.hpp"
#include "carousel/train/summary.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

template <class S>
Sequence<S> tokens(const std::vector<S>& numbers, Index batch, std::vector<Index> lengths = {}) {
    return Sequence<S>(Matrix<S>(Eigen::Map<const Matrix<S>>(numbers.data(), 1, static_cast<Index>(numbers.size()))),
                       batch, std::move(lengths));
}

/// The tables and outputs that PyTorch's layer has with this optimizer, step by step.
template <class Rule>
void check_training(const std::string& name, const Rule& rule) {
    const Golden golden("embedding.txt");
    const Matrix<double> start = golden.matrix("start"), x = golden.matrix("tokens"), dy = golden.sequence("dy"),
                         tables = golden.sequence(name), outputs = golden.sequence(name + "_y");
    const Index vocabulary = start.rows(), columns = x.cols();
    Embedding<double> layer(vocabulary, start.cols(), {.padding = 0});
    layer.table().value = start.transpose();
    layer.table().value.col(0).setZero();
    Optimizer optimizer{parameters(layer), rule};
    Embedding<double>::Tape tape;
    INFO(name);
    for (Index step = 0; step < x.rows(); ++step) {
        const Sequence<double> batch(Matrix<double>(x.row(step)), 2);
        const auto y = layer.forward(batch, tape);
        CHECK(difference(y.values(), outputs.middleCols(step * columns, columns)) < 1e-12);
        zero_gradients(optimizer.parameters());
        layer.backward({dy.data() + step * columns * dy.rows(), dy.rows(), columns / 2, 2}, tape);
        optimizer.step();
        CHECK(difference(layer.table().value, tables.middleCols(step * vocabulary, vocabulary)) < 1e-12);
    }
}

} // namespace

TEMPLATE_TEST_CASE("Embedding: y is the column of the table that the token names", "", float, double) {
    using S = TestType;
    const Embedding<S> layer(10, 4);
    typename Embedding<S>::Tape tape;
    const auto x = tokens<S>({3, 9, 0, 3, 1, 9}, 2);
    for (const auto y : {layer.forward(x, tape), layer.infer(x, tape)}) {
        CHECK((y.features() == 4 && y.steps() == 3 && y.batch() == 2 && !y.ragged()));
        for (Index k = 0; k < 6; ++k)
            CHECK(y.values().col(k) == layer.table().value.col(static_cast<Index>(x.values()(k))));
    }
}

TEST_CASE("Embedding: what lies past a sequence's end is not read, is zero in y and gets no gradient") {
    Embedding<double> layer(5, 3);
    Embedding<double>::Tape tape;
    const double none = std::numeric_limits<double>::quiet_NaN();
    const auto x = tokens<double>({1, 2, none, 1, 7, -1, 4, none, 0.5}, 3, {3, 1, 0});
    Random random(30);
    const auto y = layer.forward(x, tape);
    CHECK(std::vector<Index>(y.lengths().begin(), y.lengths().end()) == std::vector<Index>{3, 1, 0});
    CHECK(y.values().col(6) == layer.table().value.col(4));
    for (const Index column : {2, 4, 5, 7, 8})
        CHECK(y.values().col(column).isZero(0));

    const auto dy = random_sequence<double>(3, 3, 3, random);
    const auto dx = layer.backward(dy, tape);
    CHECK(dx.columns() == 0);
    Matrix<double> expected = Matrix<double>::Zero(3, 5);
    expected.col(1) = dy.values().col(0) + dy.values().col(3);
    expected.col(2) = dy.values().col(1);
    expected.col(4) = dy.values().col(6);
    CHECK(layer.table().grad == expected);
}

TEST_CASE("Embedding: backward matches central differences, with padding, alone and in a model") {
    const auto x = tokens<double>({1, 0, 2, 3, 2, 1, 4, 0}, 2, {4, 3});
    Random random(31);
    Embedding<double> layer(6, 3, {.padding = 0, .seed = 1});
    layer.table().value.col(0).setOnes(); // as somebody may load it: it is zero in y all the same
    const auto alone = check_gradients(layer, x, random_sequence<double>(3, 4, 2, random), MeanSquaredError{});
    CHECK(alone.worst < 1e-6);
    CHECK(alone.all.size() == 1);

    Sequential model{Embedding<double>{6, 3, {.padding = 0, .seed = 1}}, SimpleRNN<double>{3, 4}, LastStep{},
                     Dense<double>{4, 1}};
    const auto check = check_gradients(model, x, random_sequence<double>(1, 1, 2, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);
    CHECK(check.all.size() == 6);
    CHECK(check.all.front().name == "0.Embedding.table");
}

TEST_CASE("Embedding: six steps of SGD and of SparseAdam agree with PyTorch") {
    check_training("sgd", SGD{.learning_rate = 0.05});
    check_training("sparse_adam", Adam{.learning_rate = 0.05,
                                       .beta1 = 0.8,
                                       .beta2 = 0.95,
                                       .epsilon = 0.01,
                                       .formula = Formula::keras}); // PyTorch's SparseAdam has ε where Keras has it
}

TEST_CASE("Embedding: the padding's vector stays zero under any optimizer") {
    Embedding<float> layer(4, 3, {.padding = 2});
    const auto x = tokens<float>({2, 1, 2, 0}, 1);
    const Sequence<float> dy(Matrix<float>::Ones(3, 4));
    Embedding<float>::Tape tape;
    const auto train = [&](const auto& rule) {
        Optimizer optimizer{parameters(layer), rule};
        for (int step = 0; step < 3; ++step) {
            layer.forward(x, tape);
            zero_gradients(optimizer.parameters());
            layer.backward(dy, tape);
            optimizer.step();
        }
    };
    const Matrix<float> before = layer.table().value;
    train(AdamW{.weight_decay = 0.5});
    train(SGD{.momentum = 0.9, .weight_decay = 0.5});
    CHECK(layer.table().value.col(2).isZero(0));
    CHECK(layer.table().value.col(1) != before.col(1));
    CHECK(layer.table().value.col(3) == before.col(3)); // never used
    Random random(32);
    layer.initialize(random);
    CHECK(layer.table().value.col(2).isZero(0));
}

TEST_CASE("Embedding: starts with Keras' numbers, the same for the same seed") {
    const Embedding<double> a(50, 20, {.seed = 3}), b(50, 20, {.seed = 3}), first(50, 20), second(50, 20);
    CHECK(a.table().value == b.table().value);
    CHECK(a.table().value.cwiseAbs().maxCoeff() < 0.05);
    CHECK(a.table().value.cwiseAbs().maxCoeff() > 0.049);
    CHECK(first.table().value != second.table().value);
    const Embedding<double> normal(50, 20, {.table = initializer::normal(0, 1), .seed = 3});
    CHECK(normal.table().value.cwiseAbs().maxCoeff() > 2);
}

TEST_CASE("Embedding: streams token by token, and what is no token is zero") {
    const Sequential model{Embedding<float>{7, 5, {.padding = 0}}, LSTM<float>{5, 4}};
    const auto x = tokens<float>({3, 0, 6, 1, 3}, 1);
    Stream stream{model};
    CHECK((stream.input_size() == 1 && stream.output_size() == 4));
    const auto y = model(x);
    for (Index t = 0; t < 5; ++t)
        CHECK(std::abs(stream(x.values()(t)) - y.values()(0, t)) < 1e-6f);

    Embedding<float> layer(3, 2, {.padding = 1});
    layer.table().value.setOnes();
    Stream alone{layer};
    for (const float none : {1.0f, -1.0f, 3.0f, 0.5f, std::numeric_limits<float>::quiet_NaN(), 1e30f})
        CHECK(alone(none) == 0);
    CHECK((alone(0) == 1 && alone(2) == 1));
}

TEST_CASE("Embedding: in a summary") {
    const Sequential model{Embedding<float>{10'000, 32}, SimpleRNN<float>{32, 32}, LastStep{}, Dense<float>{32, 1}};
    CHECK(summary(model) == "_________________________________________\n"
                            "Layer (type)   Output Shape       Param #\n"
                            "=========================================\n"
                            "Embedding      (None, None, 32)   320,000\n"
                            "SimpleRNN      (None, None, 32)     2,080\n"
                            "LastStep       (None, 32)               0\n"
                            "Dense          (None, 1)               33\n"
                            "_________________________________________\n"
                            "Total params: 322,113\n");
}

TEST_CASE("Embedding: what is no token is named, and nothing has changed") {
    Embedding<float> layer(10'000, 2);
    Embedding<float>::Tape tape;
    const auto good = tokens<float>({1, 2}, 1), dy = Sequence<float>(2, 2);
    layer.forward(good, tape);
    const auto bad = [&](float token) {
        Sequence<float> x(1, 5, 8);
        x.values()(3 * 8 + 7) = token;
        return x;
    };
    const auto outside = bad(10'000), negative = bad(-1), half = bad(1.5f), large = bad(16777216.0f),
               none = bad(std::numeric_limits<float>::quiet_NaN());
    const std::string at = " at step 3 of sequence 7 is not ";
    REQUIRE_THROWS_AS(layer.forward(outside, tape), std::invalid_argument);
    REQUIRE_THROWS_WITH(layer.forward(outside, tape), "Embedding::forward: token 10000" + at + "within 0 … 9999");
    REQUIRE_THROWS_WITH(layer.infer(negative, tape), "Embedding::forward: token -1" + at + "within 0 … 9999");
    REQUIRE_THROWS_WITH(layer.forward(half, tape), "Embedding::forward: token 1.5" + at + "whole, expected 0 … 9999");
    REQUIRE_THROWS_WITH(layer.forward(large, tape), "Embedding::forward: token 16777216" + at + "within 0 … 9999");
    REQUIRE_THROWS_WITH(layer.forward(none, tape), "Embedding::forward: token nan" + at + "within 0 … 9999");
    layer.backward(dy, tape); // of the pass before
}

TEST_CASE("Embedding: what doesn't fit is refused") {
    REQUIRE_THROWS_AS(Embedding<float>(0, 1), std::invalid_argument);
    REQUIRE_THROWS_WITH(Embedding<float>(0, 1), "Embedding: vocabulary is 0, expected 1 … 16777216");
    REQUIRE_THROWS_WITH(Embedding<float>(16777217, 1), "Embedding: vocabulary is 16777217, expected 1 … 16777216");
    REQUIRE_THROWS_WITH(Embedding<float>(5, 0), "Embedding: size is 0, expected at least 1");
    REQUIRE_THROWS_WITH(Embedding<float>(5, 1, {.padding = 5}), "Embedding: padding is 5, expected 0 … 4");
    REQUIRE_THROWS_WITH(Embedding<float>(5, 1, {.padding = -1}), "Embedding: padding is -1, expected 0 … 4");

    Embedding<float> layer(5, 3);
    Embedding<float>::Tape tape;
    const Sequence<float> x(1, 4, 2), wide(2, 4, 2), dy(3, 4, 2), short_dy(3, 3, 2);
    REQUIRE_THROWS_WITH(layer.output_size(2), "Embedding: x has 2 features, expected 1");
    REQUIRE_THROWS_WITH(layer.forward(wide, tape), "Embedding::forward: x has 2 features, expected 1");
    const std::string no_pass = "Embedding::backward: the tape holds no forward pass (none was made, it was inference, "
                                "or backward has consumed it)";
    REQUIRE_THROWS_AS(layer.backward(dy, tape), std::logic_error);
    layer.infer(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), no_pass);
    layer.forward(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(short_dy, tape), "Embedding::backward: dy is 3 x 6, expected 3 x 8");
    CHECK(layer.table().grad.isZero(0));
    layer.backward(dy, tape);
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), no_pass);
}
