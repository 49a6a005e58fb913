// Of a program that links carousel::compiled: the instruction set is chosen at run time.
#include "carousel/core/instruction_set.hpp"

#include "carousel/io/load_model.hpp"
#include "carousel/layer/activate.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"
#include "carousel/stream/stream.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Brings the first choice back.
struct Choice {
    const InstructionSet before = instruction_set();
    ~Choice() { set_instruction_set(before); }
};

auto model() {
    return Sequential{LSTM<float>{3, 21, {.peephole = true}, {.seed = 1}},
                      GRU<float>{21, 9, {}, {.seed = 2}},
                      SimpleRNN<float>{9, 17, {}, {.seed = 3}},
                      Dense<float>{17, 5, {.activation = Activation::tanh, .seed = 4}},
                      Activate{Activation::softsign},
                      Softmax{}};
}
using Net = decltype(model());

/// The output and all gradients of a pass.
std::vector<Matrix<float>> pass(Net net) {
    Random random(5);
    const auto x = random_sequence<float>(3, 11, 7, random), dy = random_sequence<float>(5, 11, 7, random);
    typename Net::Tape tape;
    std::vector<Matrix<float>> all{net.forward(x, tape).values()};
    all.push_back(net.backward(dy, tape).values());
    for (const auto& [name, parameter] : parameters(net))
        all.push_back(parameter->grad);
    return all;
}

} // namespace

TEST_CASE("instruction_set: the widest that the processor has, or what CAROUSEL_ISA says") {
    const auto sets = instruction_sets();
    REQUIRE_FALSE(sets.empty());
    CHECK(std::is_sorted(sets.begin(), sets.end()));
    const char* const asked = std::getenv("CAROUSEL_ISA");
    if (asked && std::string(asked) == name(instruction_set()))
        SUCCEED("as asked");
    else if (!asked || !*asked)
        CHECK(instruction_set() == sets.back());
}

TEST_CASE("set_instruction_set: every set gives the same numbers to rounding, and each its own again and again") {
    const Choice choice;
    const Net net = model();
    set_instruction_set(instruction_sets().front());
    const auto expected = pass(net);
    for (const InstructionSet set : instruction_sets()) {
        CAPTURE(name(set));
        set_instruction_set(set);
        CHECK(instruction_set() == set);
        const auto all = pass(net), again = pass(net);
        REQUIRE(all.size() == expected.size());
        for (std::size_t k = 0; k < all.size(); ++k) {
            CHECK(difference(all[k], expected[k]) < 1e-5);
            CHECK(all[k] == again[k]);
        }
    }
}

TEST_CASE("set_instruction_set: a pass ends, and a stream goes on, with the set that it began with") {
    const Choice choice;
    const Net net = model();
    for (const InstructionSet first : instruction_sets())
        for (const InstructionSet second : instruction_sets()) {
            CAPTURE(name(first), name(second));
            set_instruction_set(first);
            const auto expected = pass(net);
            Net mixed = net;
            Random random(5);
            const auto x = random_sequence<float>(3, 11, 7, random), dy = random_sequence<float>(5, 11, 7, random);
            typename Net::Tape tape;
            mixed.forward(x, tape);
            Stream stream{net}, other{net};
            set_instruction_set(second);
            mixed.backward(dy, tape);
            for (std::size_t k = 0; const auto& [name, parameter] : parameters(mixed))
                CHECK(difference(parameter->grad, expected[2 + k++]) < 1e-5);

            const Stream later{net};
            Stream with_new_weights = other;
            with_new_weights.set_weights(net); // packed as the stream began, not as passes are now
            const Vector<float> sample = Vector<float>::Constant(3, 0.5F);
            for (int t = 0; t < 5; ++t) {
                const auto y = stream(sample), z = with_new_weights(sample);
                for (std::size_t k = 0; k < y.size(); ++k)
                    CHECK(y[k] == z[k]);
            }
            Stream fresh = later;
            stream.reset();
            const float y = stream(sample)[0], z = fresh(sample)[0];
            CHECK(std::abs(y - z) < 1e-6F);
        }
}

TEST_CASE("Stream: sizes known at compile time give the same numbers on every instruction set") {
    const Choice choice;
    const Sequential net{LSTM<float, 1, 13>{{}, {.seed = 1}}, Dense<float, 13, 1>{{.seed = 2}}};
    std::vector<float> expected;
    for (const InstructionSet set : instruction_sets()) {
        CAPTURE(name(set));
        set_instruction_set(set);
        Stream stream{net};
        for (std::size_t t = 0; t < 50; ++t) {
            const float y = stream(static_cast<float>(t % 7) / 7);
            if (set == instruction_sets().front())
                expected.push_back(y);
            CHECK(std::abs(y - expected[t]) < 1e-6F);
        }
    }
}

TEST_CASE("SoftmaxCrossEntropy: the same loss and gradient on every instruction set") {
    const Choice choice;
    Random random(1);
    const auto y = random_sequence<float>(19, 3, 4, random);
    const Sequence<float> target(Matrix<float>::Constant(1, 12, 18), 4);
    std::vector<double> losses;
    for (const InstructionSet set : instruction_sets()) {
        set_instruction_set(set);
        Sequence<float> dy;
        losses.push_back(SoftmaxCrossEntropy{}(y, target, &dy));
        CHECK(losses.back() == Approx(losses.front()).epsilon(1e-6));
        CHECK(std::abs(dy.values().sum()) < 1e-5F);
    }
}

TEST_CASE("set_instruction_set: a set that isn't there is refused, and the choice stays") {
    const InstructionSet before = instruction_set();
    const InstructionSet missing =
        InstructionSet::avx; // of files that are compiled for it, and so never of the library
    if (std::find(instruction_sets().begin(), instruction_sets().end(), missing) == instruction_sets().end()) {
        CHECK_THROWS_WITH(set_instruction_set(missing),
                          Catch::Matchers::ContainsSubstring("set_instruction_set: set is avx, expected one of "));
        CHECK(instruction_set() == before);
    }
}

TEST_CASE("load_model: a model of a file, by the library alone") {
    CHECK_THROWS_WITH(load_model<float>("no such file"),
                      Catch::Matchers::ContainsSubstring("load_model: no such file: "));
}
