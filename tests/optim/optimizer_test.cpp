#include "carousel/optim/adam.hpp"
#include "carousel/optim/optimizer.hpp"
#include "carousel/optim/rmsprop.hpp"
#include "carousel/optim/sgd.hpp"

#include "catch.hpp"
#include "golden.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

using namespace carousel;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Scalar>
std::vector<NamedParameter<Scalar>> named(Parameter<Scalar>& parameter) {
    return {{"W", &parameter}};
}

/// The parameter after each step (a row a step), with the settings and the halved rate of optimizers.txt.
template <class Rule>
Matrix<double> path(const test::Golden& golden, Rule rule) {
    const Matrix<double> gradients = golden.matrix("gradients");
    Parameter<double> w(gradients.cols(), 1);
    w.value = golden.vector("start");
    rule.learning_rate = 0.05;
    Optimizer optimizer{named(w), rule};
    Matrix<double> rows(gradients.rows(), gradients.cols());
    for (Index t = 0; t < gradients.rows(); ++t) {
        if (2 * t == gradients.rows())
            optimizer.set_learning_rate(0.025);
        w.grad = gradients.row(t).transpose();
        optimizer.step();
        rows.row(t) = w.value.transpose();
    }
    return rows;
}

template <class Rule>
void check_path(const std::string& name, const Rule& rule) {
    static const test::Golden golden("optimizers.txt");
    CAPTURE(name);
    CHECK((path(golden, rule) - golden.matrix(name)).cwiseAbs().maxCoeff() < 1e-12);
}

/// Minimises ½ Σ kᵢ (wᵢ − targetᵢ)² and returns the largest error that is left.
template <class Scalar, class Rule>
double minimize(const Rule& rule, int steps) {
    Parameter<Scalar> w(3, 2);
    Matrix<Scalar> target(3, 2), curvature(3, 2);
    target << 1, -2, 3, 0, Scalar(0.5), -1;
    curvature << 1, 2, 3, 1, 2, 3;
    Optimizer optimizer{named(w), rule};
    for (int t = 0; t < steps; ++t) {
        w.grad = curvature.cwiseProduct(w.value - target);
        optimizer.step();
    }
    return static_cast<double>((w.value - target).cwiseAbs().maxCoeff());
}

} // namespace

TEST_CASE("SGD: ten steps agree with PyTorch") {
    check_path("sgd", SGD{});
    check_path("sgd_weight_decay", SGD{.weight_decay = 0.1});
    check_path("sgd_momentum", SGD{.momentum = 0.9});
    check_path("sgd_momentum_weight_decay", SGD{.momentum = 0.9, .weight_decay = 0.1});
    check_path("sgd_nesterov", SGD{.momentum = 0.9, .nesterov = true});
}

TEST_CASE("SGD: ten steps agree with Keras") {
    check_path("sgd", SGD{.formula = Formula::keras});
    check_path("keras_sgd_momentum", SGD{.momentum = 0.9, .formula = Formula::keras});
    check_path("keras_sgd_nesterov", SGD{.momentum = 0.9, .nesterov = true, .formula = Formula::keras});
}

TEST_CASE("RMSprop: ten steps agree with PyTorch") {
    check_path("rmsprop", RMSprop{.rho = 0.8, .epsilon = 0.01});
    check_path("rmsprop_weight_decay", RMSprop{.rho = 0.8, .epsilon = 0.01, .weight_decay = 0.1});
    check_path("rmsprop_momentum", RMSprop{.rho = 0.8, .epsilon = 0.01, .momentum = 0.5});
    check_path("rmsprop_centered", RMSprop{.rho = 0.8, .epsilon = 0.01, .centered = true});
    check_path("rmsprop_centered_momentum", RMSprop{.rho = 0.8, .epsilon = 0.01, .momentum = 0.5, .centered = true});
}

TEST_CASE("RMSprop: ten steps agree with Keras") {
    const Formula keras = Formula::keras;
    check_path("keras_rmsprop", RMSprop{.rho = 0.8, .epsilon = 0.01, .formula = keras});
    check_path("keras_rmsprop_momentum", RMSprop{.rho = 0.8, .epsilon = 0.01, .momentum = 0.5, .formula = keras});
    check_path("keras_rmsprop_centered_momentum",
               RMSprop{.rho = 0.8, .epsilon = 0.01, .momentum = 0.5, .centered = true, .formula = keras});
}

TEST_CASE("Adam: ten steps agree with PyTorch") {
    check_path("adam", Adam{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 0.01});
    check_path("adam_l2", Adam{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 0.01, .weight_decay = 0.1});
}

TEST_CASE("Adam, AdamW: ten steps of AMSGrad agree with PyTorch") {
    check_path("adam_amsgrad",
               Adam{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 0.01, .weight_decay = 0.1, .amsgrad = true});
    check_path("adamw_amsgrad",
               AdamW{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 0.01, .weight_decay = 0.1, .amsgrad = true});
}

TEST_CASE("Adam: ten steps agree with Keras") {
    check_path("keras_adam", Adam{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 0.01, .formula = Formula::keras});
}

TEST_CASE("AdamW: ten steps agree with PyTorch and with Keras") {
    check_path("adamw", AdamW{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 0.01, .weight_decay = 0.1});
    check_path("keras_adamw",
               AdamW{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 0.01, .weight_decay = 0.1, .formula = Formula::keras});
}

TEST_CASE("Optimizer: gradients of very different sizes agree with Keras' formulas") {
    const test::Golden golden("keras_optimizers.txt");
    const Matrix<double> gradients = golden.matrix("gradients");
    const auto check = [&](const char* name, const auto& rule) {
        CAPTURE(name);
        Parameter<double> w(gradients.cols(), 1);
        w.value = golden.vector("w0");
        Optimizer optimizer{named(w), rule};
        const Matrix<double> expected = golden.matrix(name);
        for (Index t = 0; t < gradients.rows(); ++t) {
            w.grad = gradients.row(t).transpose();
            optimizer.step();
            CHECK((w.value - expected.row(t).transpose()).cwiseAbs().maxCoeff() < 1e-12);
        }
    };
    const RMSprop rmsprop{.learning_rate = golden.scalar("learning_rate"),
                          .rho = golden.scalar("rho"),
                          .epsilon = golden.scalar("epsilon"),
                          .formula = Formula::keras};
    RMSprop with_momentum = rmsprop;
    with_momentum.momentum = golden.scalar("momentum");
    RMSprop centered = with_momentum;
    centered.centered = true;
    check("rmsprop", rmsprop);
    check("rmsprop_momentum", with_momentum);
    check("rmsprop_centered_momentum", centered);
    check("adam", Adam{.learning_rate = golden.scalar("learning_rate"),
                       .beta1 = golden.scalar("beta_1"),
                       .beta2 = golden.scalar("beta_2"),
                       .epsilon = golden.scalar("epsilon"),
                       .formula = Formula::keras});
}

TEMPLATE_TEST_CASE("Optimizer: every rule finds the minimum of a quadratic function", "", float, double) {
    CHECK(minimize<TestType>(SGD{.learning_rate = 0.1}, 300) < 1e-5);
    CHECK(minimize<TestType>(SGD{.learning_rate = 0.02, .momentum = 0.9, .nesterov = true}, 500) < 1e-5);
    CHECK(minimize<TestType>(RMSprop{.learning_rate = 1e-3}, 4000) < 2e-3);
    CHECK(minimize<TestType>(RMSprop{.learning_rate = 1e-3, .momentum = 0.5, .centered = true}, 4000) < 1e-2);
    CHECK(minimize<TestType>(Adam{.learning_rate = 0.02}, 2000) < 1e-4);
    CHECK(minimize<TestType>(AdamW{.learning_rate = 0.02, .weight_decay = 0}, 2000) < 1e-4);
}

TEST_CASE("Optimizer: a decay without a gradient shrinks the parameter") {
    Parameter<double> w(1, 1);
    w.value(0, 0) = 2;
    Optimizer{named(w), SGD{.learning_rate = 0.5, .weight_decay = 0.1}}.step();
    CHECK(w.value(0, 0) == Catch::Approx(2 * 0.95));
    w.value(0, 0) = 2;
    Optimizer{named(w), AdamW{.learning_rate = 0.5, .weight_decay = 0.1}}.step();
    CHECK(w.value(0, 0) == Catch::Approx(2 * 0.95));
}

TEST_CASE("Optimizer: step uses the gradients of all parameters and leaves them as they are") {
    Parameter<float> W(2, 3), b(2, 1), none(0, 1);
    W.grad.setConstant(1);
    b.grad.setConstant(-2);
    Optimizer optimizer{std::vector<NamedParameter<float>>{{"W", &W}, {"b", &b}, {"none", &none}},
                        SGD{.learning_rate = 0.5}};
    optimizer.step();
    optimizer.step();
    CHECK(optimizer.steps() == 2);
    CHECK(W.value == Matrix<float>::Constant(2, 3, -1));
    CHECK(b.value == Matrix<float>::Constant(2, 1, 2));
    CHECK(W.grad == Matrix<float>::Constant(2, 3, 1));
    CHECK(b.grad == Matrix<float>::Constant(2, 1, -2));
}

TEST_CASE("Optimizer: a step takes no new memory for the moments") {
    Parameter<float> w(5, 7);
    Optimizer optimizer{named(w), Adam{}};
    const float* before = optimizer.state().moments[0].data();
    optimizer.step();
    optimizer.step();
    CHECK(optimizer.state().moments[0].data() == before);
    CHECK(Optimizer{named(w), SGD{}}.state().moments[0].size() == 0);
    CHECK(Optimizer{named(w), RMSprop{.momentum = 0.5, .centered = true}}.state().moments[0].cols() == 3);
}

TEST_CASE("Optimizer: with its state restored it goes on as if it had never stopped") {
    Parameter<double> a(3, 1), b(3, 1);
    a.grad << 1, -2, 3;
    Optimizer first{named(a), Adam{}};
    first.step();
    first.step();

    b = a;
    Optimizer second{named(b), Adam{}};
    second.set_state(first.state());
    CHECK(second.steps() == 2);
    first.step();
    second.step();
    CHECK(a.value == b.value);
}

TEST_CASE("Optimizer: a column of a sparse parameter goes the way of a dense one in the steps that touch it") {
    const std::vector<std::vector<Index>> touched{{0, 2}, {2}, {2, 0}, {1}}; // in each step
    const auto gradient = [](Index column, std::size_t step) {
        return Vector<double>::LinSpaced(3, 1, static_cast<double>(column) - static_cast<double>(step)).eval();
    };
    const auto check = [&](const auto& rule) {
        auto sparse = Parameter<double>::sparse(3, 5);
        sparse.value.setConstant(0.5);
        Optimizer optimizer{named(sparse), rule};
        for (std::size_t step = 0; step < touched.size(); ++step) {
            zero_gradients(optimizer.parameters());
            for (const Index column : touched[step])
                sparse.grad_column(column) += gradient(column, step);
            optimizer.step();
        }
        for (Index column = 0; column < 5; ++column) {
            Parameter<double> alone(3, 1);
            alone.value.setConstant(0.5);
            Optimizer dense{named(alone), rule};
            for (std::size_t step = 0; step < touched.size(); ++step)
                if (std::count(touched[step].begin(), touched[step].end(), column) > 0) {
                    auto state = dense.state();
                    state.steps = static_cast<Index>(step); // corrections of bias go by all steps
                    dense.set_state(state);
                    alone.grad = gradient(column, step);
                    dense.step();
                }
            CAPTURE(column);
            CHECK((sparse.value.col(column) - alone.value).cwiseAbs().maxCoeff() < 1e-14);
            const Matrix<double> moments = optimizer.state().moments[0].middleRows(3 * column, 3);
            CHECK((rule.moments() == 0 || (moments - dense.state().moments[0]).cwiseAbs().maxCoeff() < 1e-14));
        }
    };
    check(SGD{.momentum = 0.9, .nesterov = true, .weight_decay = 0.1});
    check(RMSprop{.momentum = 0.5, .centered = true});
    check(RMSprop{.weight_decay = 0.1});
    check(Adam{});
    check(AdamW{.weight_decay = 0.1, .formula = Formula::keras});
}

TEST_CASE("Optimizer: a state of something else is refused") {
    Parameter<double> w(3, 1);
    Optimizer optimizer{named(w), Adam{}};
    REQUIRE_THROWS_WITH(optimizer.set_state({.steps = -1, .moments = {}}),
                        "Optimizer::set_state: steps is -1, expected steps >= 0");
    REQUIRE_THROWS_WITH(optimizer.set_state({.steps = 1, .moments = {}}),
                        "Optimizer::set_state: moments of 0 parameters, expected 1");
    REQUIRE_THROWS_WITH(optimizer.set_state({.steps = 1, .moments = {Matrix<double>::Zero(3, 1)}}),
                        "Optimizer::set_state: the moments of W are 3 × 1, expected 3 × 2");
    CHECK(optimizer.steps() == 0);
}

TEST_CASE("Optimizer: a parameter that changed its shape is refused before anything is changed") {
    Parameter<double> W(2, 3), b(2, 1);
    W.grad.setOnes();
    Optimizer optimizer{std::vector<NamedParameter<double>>{{"0.LSTM.W", &W}, {"0.LSTM.b", &b}}, SGD{}};
    b.grad.resize(1, 2);
    REQUIRE_THROWS_WITH(optimizer.step(), "Optimizer::step: the gradient of 0.LSTM.b is 1 × 2, expected 2 × 1");
    b = Parameter<double>(3, 1);
    REQUIRE_THROWS_WITH(optimizer.step(), "Optimizer::step: 0.LSTM.b has 3 numbers, expected 2");
    CHECK(W.value == Matrix<double>::Zero(2, 3));
    CHECK(optimizer.steps() == 0);
}

TEST_CASE("Optimizer: a learning rate that the rule refuses changes nothing") {
    Parameter<double> w(1, 1);
    Optimizer optimizer{named(w), Adam{.learning_rate = 0.25}};
    REQUIRE_THROWS_WITH(optimizer.set_learning_rate(-1), "Adam: learning_rate is -1, expected a finite number >= 0");
    CHECK(optimizer.learning_rate() == 0.25);
    optimizer.set_learning_rate(0.5);
    CHECK(optimizer.rule().learning_rate == 0.5);
}

TEST_CASE("Optimizer: settings out of their range are named") {
    Parameter<double> w(1, 1);
    const auto make = [&](const auto& rule) { Optimizer{named(w), rule}; };
    REQUIRE_THROWS_WITH(make(SGD{.learning_rate = infinity}),
                        "SGD: learning_rate is inf, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(make(SGD{.momentum = 1}), "SGD: momentum is 1, expected 0 <= momentum < 1");
    REQUIRE_THROWS_WITH(make(SGD{.nesterov = true}), "SGD: nesterov is set and momentum is 0, expected momentum > 0");
    REQUIRE_THROWS_WITH(make(SGD{.weight_decay = -0.1}), "SGD: weight_decay is -0.1, expected a finite number >= 0");

    REQUIRE_THROWS_WITH(make(RMSprop{.learning_rate = -1}),
                        "RMSprop: learning_rate is -1, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(make(RMSprop{.rho = 1}), "RMSprop: rho is 1, expected 0 <= rho < 1");
    REQUIRE_THROWS_WITH(make(RMSprop{.epsilon = 0}), "RMSprop: epsilon is 0, expected a finite number > 0");
    REQUIRE_THROWS_WITH(make(RMSprop{.momentum = -0.5}), "RMSprop: momentum is -0.5, expected 0 <= momentum < 1");
    REQUIRE_THROWS_WITH(make(RMSprop{.weight_decay = infinity}),
                        "RMSprop: weight_decay is inf, expected a finite number >= 0");

    REQUIRE_THROWS_WITH(make(Adam{.learning_rate = -1}), "Adam: learning_rate is -1, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(make(Adam{.beta1 = 1.2}), "Adam: beta1 is 1.2, expected 0 <= beta1 < 1");
    REQUIRE_THROWS_WITH(make(Adam{.beta2 = -1}), "Adam: beta2 is -1, expected 0 <= beta2 < 1");
    REQUIRE_THROWS_WITH(make(Adam{.epsilon = -1e-8}), "Adam: epsilon is -1e-08, expected a finite number > 0");
    REQUIRE_THROWS_WITH(make(Adam{.weight_decay = -1}), "Adam: weight_decay is -1, expected a finite number >= 0");
    REQUIRE_THROWS_WITH(make(AdamW{.beta1 = 1}), "AdamW: beta1 is 1, expected 0 <= beta1 < 1");
}
