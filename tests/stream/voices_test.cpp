#include "carousel/stream/voices.hpp"

#include "catch.hpp"
#include "stream/voices_and_streams.hpp"
#include "support.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

static_assert(noexcept(std::declval<Voices<Small>&>()(std::span<const float>{})));
static_assert(noexcept(std::declval<Voices<Small>&>()(std::span<const float* const>{}, std::span<float* const>{}, 1)));
static_assert(noexcept(std::declval<Voices<Small>&>().join()));
static_assert(noexcept(std::declval<Voices<Small>&>().leave(0)));

} // namespace

TEST_CASE("Voices: each gives a Stream's numbers, whichever others join, leave and begin anew") {
    SECTION("LSTM") {
        check_cell(LstmCell<float>{.peephole = true});
    }
    SECTION("GRU, reset before") {
        check_cell(GruCell<float, Reset::before>{}, {.zoneout = 0.3});
    }
}

TEST_CASE("Voices: any number of them, around the sizes of tiles") {
    const Sequential model{LSTM<float>{1, 12}, Dense<float>{12, 1}};
    for (Index capacity = 1; capacity <= 18; ++capacity) {
        Random random(80);
        Pair pair{model, capacity};
        for (Index v = 0; v <= capacity; ++v)
            pair.join();
        for (int t = 0; t < 5; ++t)
            CHECK(pair.step(random) < 3e-6);
    }
    CHECK(after_random_changes(Sequential{LSTM<float>{1, 12}, Dense<float>{12, 1}}, 150, 200, 81) < 3e-6);
}

TEST_CASE("Voices: a NaN in one reaches no other") {
    const auto model = small_model();
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    Random random(82);
    Pair pair{model, 9};
    for (int v = 0; v < 9; ++v)
        pair.join();
    std::vector<float> x = random_samples<float>(9, random);
    x[4] = nan;
    const auto y = pair.voices(x);
    for (Index v = 0; v < 9; ++v) {
        CHECK(std::isnan(y[static_cast<std::size_t>(v)]) == (v == 4));
        CHECK(pair.voices.finite(v) == (v != 4));
        feed(pair.streams.at(v), x[static_cast<std::size_t>(v)]);
    }
    pair.leave(4);
    CHECK(pair.step(random) < 3e-6);
    pair.join(); // the number is free, and the state anew
    CHECK(pair.voices.finite(4));
    CHECK(pair.step(random) < 3e-6);
}

TEST_CASE("Voices: states go from one to another, to a Stream and back") {
    const auto model = small_model();
    Random random(83);
    Pair pair{model, 5};
    for (int v = 0; v < 4; ++v)
        pair.join();
    for (int t = 0; t < 5; ++t)
        pair.step(random);
    const auto state = pair.voices.state(1);
    CHECK((std::get<0>(state).rows() == 10 && std::get<2>(state).rows() == 6));
    pair.leave(0);
    pair.voices.set_state(3, state);
    pair.streams.at(3) = pair.streams.at(1);
    pair.streams.at(2).set_state(pair.voices.state(3));
    pair.voices.set_state(2, pair.streams.at(1).state());
    CHECK(pair.step(random) < 3e-6);
    auto copy = pair.voices;
    const auto x = random_samples<float>(5, random);
    const auto y = pair.voices(x), of_copy = copy(x);
    CHECK(std::equal(y.begin(), y.end(), of_copy.begin(), of_copy.end()));
}

TEST_CASE("Voices: blocks of samples, each voice from memory of its own, and some wait") {
    const Sequential model{LSTM<float>{2, 5}, Dense<float>{5, 3}};
    Random random(84);
    Pair pair{model, 6};
    for (int v = 0; v < 6; ++v)
        pair.join();
    pair.leave(2);
    for (const Index samples : {1, 7, 2, 0}) {
        std::vector<std::vector<float>> x(6), y(6);
        std::vector<const float*> in(6);
        std::vector<float*> out(6);
        for (std::size_t v = 0; v < 6; ++v) {
            x[v] = random_samples<float>(samples * 2, random);
            y[v].assign(static_cast<std::size_t>(samples * 3), -1.0F);
            in[v] = v == 1 || v == 2 ? nullptr : x[v].data();
            out[v] = v == 4 && samples == 7 ? nullptr : y[v].data();
        }
        CHECK(pair.voices(in, out, samples));
        for (std::size_t v = 0; v < 6; ++v)
            for (std::size_t t = 0; t < static_cast<std::size_t>(samples); ++t)
                if (in[v] && out[v])
                    CHECK(pair.difference_of(static_cast<Index>(v), x[v].data() + 2 * t, y[v].data() + 3 * t) < 3e-6);
                else
                    CHECK(y[v][3 * t] == -1.0F);
    }
    CHECK(pair.step(random) < 3e-6);
    const std::vector<const float*> in(5);
    const std::vector<float*> out(6);
    CHECK_FALSE(pair.voices(in, out, 1));
    CHECK_FALSE(pair.voices(std::vector<const float*>(6), out, -1));
    CHECK_FALSE(pair.voices(std::vector<const float*>(6), std::vector<float*>(7), 1));
}

TEST_CASE("Voices: a block's outputs may stand where its samples stood") {
    const Sequential model{LSTM<float>{3, 5}, Dense<float>{5, 2}};
    Random random(88);
    Pair pair{model, 2};
    pair.join();
    pair.join();
    std::vector<std::vector<float>> x{random_samples<float>(12, random), random_samples<float>(12, random)};
    const auto kept = x;
    CHECK(pair.voices(std::vector<const float*>{x[0].data(), x[1].data()},
                      std::vector<float*>{x[0].data(), x[1].data()}, 4));
    for (std::size_t v = 0; v < 2; ++v)
        for (std::size_t t = 0; t < 4; ++t)
            CHECK(pair.difference_of(static_cast<Index>(v), kept[v].data() + 3 * t, x[v].data() + 2 * t) < 3e-6);
}

TEST_CASE("Voices: all take new weights, and keep their states") {
    auto model = small_model();
    Random random(85);
    Pair pair{model, 3};
    for (int v = 0; v < 2; ++v)
        pair.join();
    pair.step(random);
    model.initialize(99);
    pair.voices.set_weights(model);
    for (auto& [voice, stream] : pair.streams)
        stream.set_weights(model);
    CHECK(pair.step(random) < 3e-6);
    auto reverse = Sequential{LSTM<float>{1, 5}, Dropout{0.5}, LSTM<float>{5, 3, {}, {.reverse = true}}, LastStep{},
                              Dense<float>{3, 1, {.activation = Activation::tanh}}};
    REQUIRE_THROWS_WITH(pair.voices.set_weights(reverse),
                        "Voices::set_weights: the LSTM layer runs in reverse and can't be streamed");
    const auto other = Sequential{LSTM<float>{1, 5}, Dropout{0.5}, LSTM<float>{5, 4}, LastStep{},
                                  Dense<float>{4, 1, {.activation = Activation::tanh}}};
    REQUIRE_THROWS_AS(pair.voices.set_weights(other), std::invalid_argument);
    REQUIRE_THROWS_WITH(
        pair.voices.set_weights(other),
        "Voices::set_weights: the LSTM layer is 5 -> 4, the voices' is 5 -> 3; make new Voices of this model");
    CHECK(pair.step(random) < 3e-6);
}

TEST_CASE("Voices: go to the state of rest that zeros leave, each by itself") {
    auto model = small_model();
    model.layer<0>().b().value.setConstant(0.5F);
    Random random(86);
    Pair pair{model, 3};
    pair.voices.prewarm(20); // before the first is there
    for (int v = 0; v < 2; ++v)
        pair.join();
    pair.step(random);
    CHECK(pair.voices.reset_to_rest(1));
    pair.streams.at(1).prewarm(20);
    CHECK(pair.step(random) < 3e-6);
    pair.voices.prewarm(0);
    CHECK(pair.step(random) < 3e-6);
    pair.voices.reset_to_rest(0);
    pair.streams.at(0).reset();
    CHECK(pair.step(random) < 3e-6);
    CHECK_FALSE(pair.voices.reset_to_rest(2));
    REQUIRE_THROWS_WITH(pair.voices.prewarm(-1), "Voices::prewarm: samples is -1, expected at least 0");
}

TEST_CASE("Voices: after silence no state stays denormal") {
    Sequential model{LSTM<float>{1, 20}, Dense<float>{20, 1}};
    model.layer<0>().U().value *= 0.3F;
    Voices voices{model, 3};
    for (int v = 0; v < 3; ++v)
        voices.join();
    std::vector<float> x{0.5F, -1.0F, 0.25F};
    for (int t = 0; t < 4000; ++t) {
        voices(x);
        if (t == 50)
            x.assign(3, 0.0F);
    }
    for (int v = 0; v < 3; ++v) {
        const auto state = voices.state(v);
        for (const float number : std::get<0>(state).reshaped())
            CHECK(std::fpclassify(number) != FP_SUBNORMAL);
    }
}

TEST_CASE("Voices: what they can't be made of or asked is refused, and nothing has changed") {
    const auto model = small_model();
    REQUIRE_THROWS_AS((Voices{model, 0}), std::invalid_argument);
    REQUIRE_THROWS_WITH((Voices{model, 0}), "Voices: the capacity is 0, expected at least 1");
    REQUIRE_THROWS_WITH((Voices{model, -3}), "Voices: the capacity is -3, expected at least 1");
    REQUIRE_THROWS_WITH((Voices{LSTM<float>{1, 2, {}, {.reverse = true}}, 2}),
                        "Voices: the LSTM layer runs in reverse and can't be streamed");
    auto broken = model;
    broken.layer<4>().W().value.resize(2, 3);
    REQUIRE_THROWS_WITH((Voices{broken, 2}),
                        "Voices: W of the Dense layer is 2 x 3, expected 1 x 3; give it a value of that shape");

    Random random(86);
    Pair pair{model, 4};
    for (int v = 0; v < 2; ++v)
        pair.join();
    pair.step(random);
    for (const Index voice : {Index(-1), Index(2), Index(4), std::numeric_limits<Index>::max()}) {
        CHECK_FALSE(pair.voices.has(voice));
        CHECK_FALSE(pair.voices.leave(voice));
        CHECK_FALSE(pair.voices.reset(voice));
        CHECK(pair.voices.finite(voice));
        REQUIRE_THROWS_AS(pair.voices.state(voice), std::invalid_argument);
    }
    REQUIRE_THROWS_WITH(pair.voices.state(2),
                        "Voices::state: there is no voice 2, expected one that join() gave and that hasn't left");
    auto state = pair.voices.state(0);
    REQUIRE_THROWS_WITH(pair.voices.set_state(3, state),
                        "Voices::set_state: there is no voice 3, expected one that join() gave and that hasn't left");
    std::get<0>(state).setOnes();
    std::get<2>(state).resize(4, 1);
    REQUIRE_THROWS_WITH(pair.voices.set_state(0, state),
                        "Voices::set_state: the state of LSTM is 4 x 1, expected 6 x 1");
    for (const std::size_t size : {0U, 1U, 3U, 5U})
        CHECK(pair.voices(std::vector<float>(size)).empty());
    CHECK(pair.step(random) < 3e-6);
}
