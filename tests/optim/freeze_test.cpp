// freeze and groups: what an optimizer leaves, and what it treats otherwise.
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/freeze.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/train/summary.hpp"

#include "catch.hpp"
#include "train/going_on.hpp"

#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Three parameters of a number each, as an optimizer sees them.
struct Three {
    Parameter<double> W{1, 1}, b{1, 1}, gamma{1, 1};
    std::vector<NamedParameter<double>> list{{"0.Dense.W", &W}, {"0.Dense.b", &b}, {"1.LayerNorm.gamma", &gamma}};

    Three() {
        for (const auto& named : list) {
            named.parameter->value(0) = 2;
            named.parameter->grad(0) = 1;
        }
    }
    std::vector<double> values() const { return {W.value(0), b.value(0), gamma.value(0)}; }
};

template <class Rule>
std::vector<double> after_a_step(const Rule& rule, const std::vector<ParameterGroup>& groups) {
    Three three;
    Optimizer optimizer{three.list, rule};
    if (!groups.empty())
        optimizer.set_groups(groups);
    optimizer.step();
    return three.values();
}

/// A rule without a weight decay.
struct Plain {
    double learning_rate = 1;
    void check() const {}
    Index moments() const { return 0; }
    Plain at(Index) const { return *this; }
    template <class S>
    void update(ParameterValues<S> w, ParameterGradient<S> g, ParameterMoments<S>) const {
        w -= static_cast<S>(learning_rate) * g;
    }
};

} // namespace

TEST_CASE("freeze: by layer and by name, and what it counts") {
    auto model = noisy_model();
    const Index all = parameter_count(model);
    CHECK(freeze(model.layer<0>()) == 6);
    CHECK(parameter_count(model) == 7);
    CHECK(freeze(model, "*.b") == 3);
    CHECK(parameter_count(model) == 6);
    CHECK(unfreeze(model, "0.*.U") == 2);
    CHECK(parameter_count(model) == 6 + 18);
    CHECK(unfreeze(model) == 8);
    CHECK(parameter_count(model) == all);
    CHECK(freeze(model, "2.Dense.W") == 1);
    auto copy = model;
    CHECK(parameter_count(copy) == all - 6);
    REQUIRE_THROWS_WITH(freeze(model, "2.Dense"), "freeze: no parameter is named \"2.Dense\"; the first is "
                                                  "\"0.Bidirectional.forward.W\", and * stands for any characters");
}

TEST_CASE("freeze: names match patterns with stars as a whole") {
    using detail::matches;
    CHECK(matches("*", ""));
    CHECK(matches("a*b*c", "aXbYbc"));
    CHECK(matches("**b", "b"));
    CHECK(matches("0.*", "0.LSTM.W"));
    CHECK_FALSE(matches("0.*", "10.LSTM.W"));
    CHECK_FALSE(matches("*.b", "0.b.W"));
    CHECK_FALSE(matches("", "a"));
    CHECK_FALSE(matches("a*bc", "abcb"));
}

TEST_CASE("freeze: a frozen parameter has no moments, and neither step, decay nor norm sees it") {
    Three three;
    three.b.set_trainable(false);
    Optimizer optimizer{three.list, AdamW{.learning_rate = 0.1, .weight_decay = 0.5}};
    CHECK(optimizer.state().moments[1].size() == 0);
    three.b.grad(0) = std::numeric_limits<double>::infinity();
    CHECK(global_norm(three.list) == std::sqrt(2.0));
    CHECK(first_non_finite(three.list).empty());
    REQUIRE(optimizer.step());
    CHECK(three.b.value(0) == 2);
    CHECK(three.W.value(0) < 2);
    zero_gradients(three.list);
    CHECK(three.b.grad(0) == 0); // backward passes go on adding to it

    three.W.set_trainable(false); // its moments stay
    three.b.set_trainable(true);  // and this one's are taken now
    const double before = three.W.value(0);
    three.b.grad(0) = 1;
    REQUIRE(optimizer.step());
    CHECK(three.W.value(0) == before);
    CHECK(three.b.value(0) < 2);
    CHECK(optimizer.state().moments[1].size() == 2);
    CHECK(optimizer.state().moments[0](0) != 0);
    optimizer.set_state(optimizer.state());
}

TEST_CASE("freeze: a fixed parameter stays fixed") {
    auto fixed = Parameter<double>::fixed(2, 1);
    fixed.set_trainable(true);
    CHECK(fixed.is_fixed());
    CHECK_FALSE(fixed.is_trained());
}

TEST_CASE("fit: frozen layers stay as they are, and the rest learns as if they were constants") {
    auto model = noisy_model();
    const auto before = values(model);
    freeze(model, "0.*");
    fit(model, training_data(), MeanSquaredError{}, AdamW{.weight_decay = 0.1}, {.epochs = 2, .batch_size = 4});
    const auto after = values(model);
    for (std::size_t k = 0; k < 6; ++k)
        CHECK(after[k] == before[k]);
    CHECK(after[6] != before[6]);
    CHECK(after[7] != before[7]);
}

TEST_CASE("ParameterGroup: rates and weight decays by name, the last that says so") {
    const SGD sgd{.learning_rate = 0.5, .weight_decay = 0.25}; // 2 − 0.5 · (1 + 0.25 · 2)
    CHECK(after_a_step(sgd, {}) == std::vector<double>{1.25, 1.25, 1.25});
    CHECK(after_a_step(sgd, {{.names = "*.b", .weight_decay = 0.0}}) == std::vector<double>{1.25, 1.5, 1.25});
    CHECK(after_a_step(sgd, {{.names = "0.*", .rate_factor = 0.5},
                             {.names = "*.b", .weight_decay = 0.5},
                             {.names = "1.*", .rate_factor = 0}}) == std::vector<double>{1.625, 1.5, 2});
    CHECK(after_a_step(sgd, {{.names = "*", .rate_factor = 0}, {.names = "*.W", .rate_factor = 2}}) ==
          std::vector<double>{0.5, 2, 2});
    // what is set for some goes with a schedule's rate
    Three three;
    Optimizer optimizer{three.list, sgd};
    optimizer.set_groups({{.names = "*.W", .rate_factor = 0.5}});
    optimizer.set_learning_rate(1);
    CHECK(optimizer.learning_rate() == 1);
    optimizer.step();
    CHECK(three.values() == std::vector<double>{1.25, 0.5, 0.5});
}

TEST_CASE("decay_biases: none of biases and of normalisations, unless a group says so") {
    const auto of = [](auto rule) {
        rule.learning_rate = 0.5;
        rule.weight_decay = 0.25;
        rule.decay_biases = false;
        return rule;
    };
    CHECK(after_a_step(of(SGD{}), {}) == std::vector<double>{1.25, 1.5, 1.5});
    CHECK(after_a_step(of(SGD{}), {{.names = "*.b", .weight_decay = 0.25}}) == std::vector<double>{1.25, 1.25, 1.5});
    const auto adamw = after_a_step(of(AdamW{}), {}),
               all = after_a_step(AdamW{.learning_rate = 0.5, .weight_decay = 0.25}, {});
    CHECK(adamw[0] == all[0]);
    CHECK(std::abs(adamw[1] - 1.5) < 1e-6);
    CHECK(adamw[2] == adamw[1]);
}

TEST_CASE("ParameterGroup: what is wrong is named and nothing changed") {
    Three three;
    Optimizer optimizer{three.list, SGD{.learning_rate = 0.5}};
    optimizer.set_groups({{.names = "*.W", .rate_factor = 0.5}});
    REQUIRE_THROWS_WITH(
        optimizer.set_groups({{.names = "*.U"}}),
        "ParameterGroup: no parameter is named \"*.U\"; the first is \"0.Dense.W\", and * stands for any "
        "characters");
    REQUIRE_THROWS_WITH(optimizer.set_groups({{.names = "*.b", .rate_factor = -1}}),
                        "ParameterGroup: rate_factor of \"*.b\" is -1, expected rate_factor >= 0");
    REQUIRE_THROWS_WITH(optimizer.set_groups({{.names = "*.b", .weight_decay = -1}}),
                        "SGD: weight_decay is -1, expected a finite number >= 0");
    optimizer.step();
    CHECK(three.values() == std::vector<double>{1.75, 1.5, 1.5});
    Optimizer plain{three.list, Plain{}};
    REQUIRE_THROWS_WITH(plain.set_groups({{.names = "*.b", .weight_decay = 0}}),
                        "ParameterGroup: \"*.b\" has a weight_decay, and the rule has none");
    plain.set_groups({{.names = "*.b", .rate_factor = 0}});
    plain.step();
    CHECK(three.values() == std::vector<double>{0.75, 1.5, 0.5});
}

TEST_CASE("fit: groups are of one call") {
    auto model = noisy_model();
    const auto before = values(model);
    Training training{model, Adam{}};
    fit(training, training_data(), MeanSquaredError{},
        {.batch_size = 4, .groups = {{.names = "0.*", .rate_factor = 0}, {.names = "*.b", .rate_factor = 0}}});
    const auto after = values(model);
    for (std::size_t k = 0; k < 8; ++k)
        CHECK((after[k] == before[k]) == (k != 6));
    fit(training, training_data(), MeanSquaredError{}, {.batch_size = 4});
    CHECK(values(model)[0] != before[0]);
    CHECK_THROWS_AS(fit(training, training_data(), MeanSquaredError{}, {.groups = {{.names = "none"}}}),
                    std::invalid_argument);
    CHECK(training.epochs() == 2);
}
