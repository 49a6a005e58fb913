// search: options tried at random, with the same results for any number of threads.
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/train/fit.hpp"
#include "carousel/train/search.hpp"

#include "catch.hpp"
#include "train/going_on.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

const SearchSpace all_kinds{{"uniform", Uniform{-1, 3}},
                            {"rate", LogUniform{1e-4, 1e-1}},
                            {"layers", Integers{-2, 2}},
                            {"hidden", Choice{{16, 32, 64}}},
                            {"cell", TextChoice{{"GRU", "LSTM"}}}};

/// What a search came to, as texts that compare.
std::vector<std::string> told(const SearchResult& result) {
    std::vector<std::string> all;
    const auto tell = [&](const Trial& trial) {
        std::string text = std::to_string(trial.number) + " " + std::to_string(trial.seed) + " " + trial.failure;
        for (const Trial::Drawn& drawn : trial.options)
            text += " " + drawn.name + " " +
                    (drawn.name == "cell" ? trial.text("cell") : detail::shortest(trial[drawn.name]));
        all.push_back(text + " " + (trial.failure.empty() ? detail::shortest(trial.value) : ""));
    };
    std::for_each(result.trials.begin(), result.trials.end(), tell);
    all.push_back("failed");
    std::for_each(result.failed.begin(), result.failed.end(), tell);
    return all;
}

double evaluate_all(const Trial& trial) {
    if (trial.number % 7 == 3)
        throw std::runtime_error("number " + std::to_string(trial.number));
    if (trial.number % 7 == 5)
        return std::numeric_limits<double>::quiet_NaN();
    if (trial.number == 20)
        throw 1;
    return std::floor(trial["uniform"] * 4) + (trial.text("cell") == "GRU" ? 0.5 : 0.0);
}

} // namespace

TEST_CASE("search: the same trials and results for any number of threads, the best first, the failed apart") {
    const SearchResult one = search(all_kinds, 30, evaluate_all, {.seed = 3});
    for (const int threads : {2, 5, 64})
        CHECK(told(one) == told(search(all_kinds, 30, evaluate_all, {.seed = 3, .threads = threads})));
    CHECK(told(one) != told(search(all_kinds, 30, evaluate_all, {.seed = 4})));
    CHECK(one.trials.size() + one.failed.size() == 30);
    CHECK(std::is_sorted(one.trials.begin(), one.trials.end(), [](const Trial& a, const Trial& b) {
        return a.value < b.value || (a.value == b.value && a.number < b.number);
    }));
    CHECK(&one.best() == &one.trials.front());
    REQUIRE(one.failed.size() == 9);
    CHECK(one.failed[0].failure == "number 3");
    CHECK(one.failed[1].failure == "its value is nan");
    CHECK(one.failed[6].failure == "an exception that isn't a std::exception");
    const SearchResult largest = search(all_kinds, 30, evaluate_all, {.seed = 3, .maximize = true});
    CHECK(largest.best().value == one.trials.back().value);
}

TEST_CASE("search: values are drawn as the space says") {
    std::set<double> layers, hidden;
    std::set<std::string> cells;
    int below = 0, small = 0;
    const SearchResult result = search(all_kinds, 2000,
                                       [](const Trial& trial) {
                                           return trial["uniform"] >= -1 && trial["uniform"] < 3 &&
                                                          trial["rate"] >= 1e-4 && trial["rate"] <= 1e-1
                                                      ? 0.0
                                                      : 1.0;
                                       },
                                       {.threads = 2});
    for (const Trial& trial : result.trials) {
        CHECK(trial.value == 0);
        below += trial["uniform"] < 0 ? 1 : 0;
        small += trial["rate"] < 1e-3 ? 1 : 0;
        layers.insert(static_cast<double>(trial.integer("layers")));
        hidden.insert(trial["hidden"]);
        cells.insert(trial.text("cell"));
    }
    CHECK(std::abs(below - 500) < 80); // four standard deviations
    CHECK(std::abs(small - 667) < 85);
    CHECK(layers == std::set<double>{-2, -1, 0, 1, 2});
    CHECK(hidden == std::set<double>{16, 32, 64});
    CHECK(cells == std::set<std::string>{"GRU", "LSTM"});
}

TEST_CASE("search: trainings in threads are those in one") {
    const SearchSpace space{{"rate", LogUniform{1e-3, 1}}};
    const auto train = [](const Trial& trial) {
        auto model = noisy_model(trial.seed);
        return fit(model, training_data(), validation_data(), MeanSquaredError{}, Adam{.learning_rate = trial["rate"]},
                   {.epochs = 2, .batch_size = 4, .seed = trial.seed})
            .best_loss();
    };
    CHECK(told(search(space, 6, train)) == told(search(space, 6, train, {.threads = 3})));
}

TEST_CASE("search: what is wrong is named") {
    const auto zero = [](const Trial&) { return 0.0; };
    const auto refused = [&](const SearchSpace& space, const std::string& message) {
        REQUIRE_THROWS_WITH(search(space, 1, zero), message);
    };
    refused({}, "search: the space has no options");
    refused({{"a", Uniform{0, 1}}, {"a", Integers{0, 1}}}, "search: \"a\" is in the space twice");
    refused({{"a", Uniform{1, 0}}}, "search: \"a\" is from 1 to 0, expected finite numbers, low <= high");
    refused({{"a", LogUniform{0, 1}}}, "search: \"a\" is from 0 to 1, expected finite numbers, 0 < low <= high");
    refused({{"a", Integers{2, 1}}},
            "search: \"a\" is from 2 to 1, expected low <= high, and both whole numbers of a double");
    refused({{"a", Choice{}}}, "search: \"a\" has no numbers to choose from");
    refused({{"a", TextChoice{}}}, "search: \"a\" has no texts to choose from");
    REQUIRE_THROWS_WITH(search(all_kinds, 0, zero), "search: trials is 0, expected trials >= 1");
    REQUIRE_THROWS_WITH(search(all_kinds, 1, zero, {.threads = 0}), "search: threads is 0, expected threads >= 1");
    REQUIRE_THROWS_WITH(search(all_kinds, 1, {}), "search: evaluate is empty, expected a function of a Trial");

    const SearchResult result = search(all_kinds, 1, zero);
    const Trial& trial = result.best();
    REQUIRE_THROWS_WITH(trial["none"], "Trial: no option is named \"none\"");
    REQUIRE_THROWS_WITH(trial["cell"], "Trial: \"cell\" is a text, expected a number; ask for text(\"cell\")");
    REQUIRE_THROWS_WITH(trial.text("rate"), "Trial::text: \"rate\" is a number, expected a text");
    CHECK_THROWS_AS(trial.integer("rate"), std::invalid_argument);
    const SearchResult none = search(all_kinds, 2, [](const Trial&) -> double { throw std::runtime_error("no"); });
    REQUIRE_THROWS_WITH(none.best(), "SearchResult::best: all 2 trials failed, the first: no");
}

TEST_CASE("search: a trial that throws without a message has failed") {
    const SearchResult result = search({{"a", Integers{0, 1}}}, 3, [](const Trial& trial) -> double {
        if (trial.number > 0)
            throw std::runtime_error("");
        return 2;
    });
    REQUIRE(result.trials.size() == 1);
    REQUIRE(result.failed.size() == 2);
    CHECK(result.failed[0].failure == "an exception without a message");
    CHECK(result.best().value == 2);
}
