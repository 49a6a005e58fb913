// Weights that another thread gives while a stream runs: what the thread sanitizer looks at, too.
#include "carousel/stream/hot_swap.hpp"
#include "carousel/stream/voices.hpp"

#include "catch.hpp"
#include "stream/streams.hpp"

#include <atomic>
#include <thread>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

static_assert(noexcept(std::declval<HotSwap<Stream<Small>>&>().current()));

/// y = x + h, and the state counts samples: h = h₋ + 1. All weights of one model are one number, so that half of them would be noticed.
auto counting(float weight) {
    Sequential model{SimpleRNN<float>{1, 9, {.activation = Activation::linear}}, Dense<float>{9, 9}};
    model.layer<0>().W().value.setZero();
    model.layer<0>().U().value.setIdentity();
    model.layer<0>().b().value.setOnes();
    model.layer<1>().W().value.setConstant(weight);
    model.layer<1>().b().value.setZero();
    return model;
}

} // namespace

TEST_CASE("HotSwap: a stream takes the weights that came last at the next block, and keeps its state") {
    const auto first = small_model();
    auto second = first, third = first;
    second.initialize(5);
    third.initialize(6);
    HotSwap swap{Stream{first}};
    Stream expected{first};
    const auto same = [&] { return feed(swap.current(), 0.5F) == feed(expected, 0.5F); };
    CHECK(same());
    CHECK(same());
    swap.set_weights(second);
    expected.set_weights(second);
    CHECK(same());
    swap.set_weights(first);
    swap.set_weights(second);
    swap.set_weights(third);
    expected.set_weights(third);
    CHECK(same());
    CHECK(same());
    Stream<Small>& before = swap.current();
    CHECK(&swap.current() == &before);
    swap.set_weights(first, 100);
    expected.set_weights(first);
    CHECK(same());
    CHECK(&swap.current() != &before);
    Stream rest{first};
    for (int t = 0; t < 100; ++t)
        feed(rest, 0.0F);
    swap.current().reset_to_rest();
    CHECK(feed(swap.current(), 0.5F) == feed(rest, 0.5F));
}

TEST_CASE("HotSwap: every weights' state of rest is after as many zeros as the last one's") {
    const auto one = counting(1), two = counting(2);
    const auto rest_of = [](auto& swap) { // how many zeros
        if constexpr (requires { swap.current().has(0); })
            swap.current().reset_to_rest(0);
        else
            swap.current().reset_to_rest();
        const std::vector<float> x(1);
        const float next = swap.current()(x)[0];
        return next;
    };
    const auto check = [&](auto runner, float before) {
        HotSwap swap{runner};
        for (int time = 0; time < 4; ++time) { // each of the three, and the first again
            swap.set_weights(one);
            CHECK(rest_of(swap) == 9 * (before + 1));
        }
        swap.current().prewarm(7);
        CHECK(rest_of(swap) == 9 * (7 + 1));
        for (int time = 0; time < 4; ++time) {
            swap.set_weights(two);
            CHECK(rest_of(swap) == 2 * 9 * (before + 1));
        }
        swap.set_weights(one, 5);
        CHECK(rest_of(swap) == 9 * (5 + 1));
        for (int time = 0; time < 4; ++time) {
            swap.set_weights(two);
            CHECK(rest_of(swap) == 2 * 9 * (5 + 1));
        }
        swap.set_weights(one, 0);
        swap.set_weights(two);
        CHECK(rest_of(swap) == 2 * 9);
    };
    Stream stream{one};
    check(stream, 0);
    stream.prewarm(3);
    check(stream, 3);
    Voices voices{one, 1};
    voices.join();
    check(voices, 0);
    voices.prewarm(3);
    check(voices, 3);
}

TEST_CASE("HotSwap: weights that don't fit are refused, and those given before still come") {
    const auto first = small_model();
    auto second = first, broken = first;
    second.initialize(5);
    broken.layer<4>().W().value.resize(2, 3);
    HotSwap swap{Stream{first}};
    Stream expected{first};
    const auto same = [&] { return feed(swap.current(), 0.5F) == feed(expected, 0.5F); };
    const std::string message =
        "Stream::set_weights: W of the Dense layer is 2 x 3, expected 1 x 3; give it a value of that shape";
    REQUIRE_THROWS_WITH(swap.set_weights(broken), message);
    CHECK(same());
    swap.set_weights(second);
    expected.set_weights(second);
    REQUIRE_THROWS_WITH(swap.set_weights(broken), message);
    REQUIRE_THROWS_WITH(swap.set_weights(first, -1), "HotSwap::set_weights: prewarm is -1, expected at least 0");
    CHECK(same());
}

TEST_CASE("HotSwap: voices keep their states and their numbers") {
    const auto first = counting(1), second = counting(2);
    HotSwap swap{Voices{first, 4}};
    for (int v = 0; v < 4; ++v)
        swap.current().join();
    const std::vector<float> x(4);
    swap.current()(x);
    swap.set_weights(second);
    swap.current().leave(0);
    swap.current().reset(2);
    CHECK(swap.current().size() == 3);
    CHECK(swap.current()(x)[0] == 0);
    CHECK(swap.current()(x)[9] == 2 * 9 * 3);
    swap.set_weights(first);
    CHECK(swap.current()(x)[2 * 9] == 9 * 3);
    CHECK(swap.current().join() == 0);
    CHECK(swap.current()(x)[8] == 9);
}

TEST_CASE("HotSwap: two threads give weights while a third runs the stream") {
    const auto one = counting(1), two = counting(2);
    HotSwap swap{Stream{one}};
    std::atomic<bool> done{false};
    const auto writer = [&] {
        while (!done) {
            swap.set_weights(two);
            swap.set_weights(one, 3);
        }
    };
    std::vector<std::thread> writers;
    writers.emplace_back(writer);
    writers.emplace_back(writer);
    const Stream<decltype(counting(1))>* last = nullptr;
    int swaps = 0, wrong = 0, samples = 0;
    while (swaps < 50 && samples < 1'000'000) {
        auto& stream = swap.current();
        swaps += &stream != last;
        last = &stream;
        const auto y = feed(stream, std::vector<float>{0.0F});
        ++samples; // the state, whatever the weights
        const float sum = 9 * static_cast<float>(samples);
        wrong += y[0] != sum && y[0] != 2 * sum;
        for (const float number : y)
            wrong += number != y[0];
        if (samples % 64 == 0)
            std::this_thread::yield();
    }
    done = true;
    for (auto& thread : writers)
        thread.join();
    CHECK(swaps == 50);
    CHECK(wrong == 0);
}
