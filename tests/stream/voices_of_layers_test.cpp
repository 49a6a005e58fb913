#include "carousel/layer/activate.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/softmax.hpp"

#include "catch.hpp"
#include "stream/voices_and_streams.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

/// A layer of a user's that remembers one number: y = x + half of the y before.
struct Echo {
    using Scalar = float;
    using State = Matrix<float>;
    struct Tape {
        Sequence<float> y;
        State final;
    };
    SequenceView<float> forward(SequenceView<float> x, Tape& tape, const State& = {}) const {
        tape.y.resize(x.features(), x.steps(), x.batch(), x.lengths());
        return tape.y;
    }
    SequenceView<float> infer(SequenceView<float> x, Tape& tape, const State& s = {}) const {
        return forward(x, tape, s);
    }
    void final_state(const Tape&, State&) const {}
    SequenceView<float> backward(SequenceView<float> dy, Tape&, const BackwardOptions<State>&) { return dy; }
    void each_parameter(auto&&) const {}
    void initialize(Random&) {}
    Index input_size() const { return 1; }
    Index output_size(Index input) const { return input; }
    std::string name() const { return "Echo"; }
};

template <class L>
void check_layers(L model, Index capacity = 11) {
    Random random(87);
    model.initialize(random);
    Pair<L> pair{model, capacity};
    CHECK(after_random_changes(model, capacity, 80, 88) < 3e-6);
    pair.join(), pair.join(), pair.join();
    pair.step(random);
    pair.voices.set_state(2, pair.streams.at(1).state());
    pair.streams.at(0).set_state(pair.voices.state(2));
    pair.voices.set_state(0, pair.voices.state(1));
    pair.streams.at(2) = pair.streams.at(1);
    CHECK(pair.step(random) < 3e-6);
}

} // namespace

template <>
class carousel::StreamPart<Echo, float> {
  public:
    explicit StreamPart(const Echo&) {}
    const float* operator()(const float* x) noexcept {
        y_ = *x + 0.5F * y_;
        return &y_;
    }
    void reset() noexcept { y_ = 0; }
    bool finite() const noexcept { return std::isfinite(y_); }
    void get(Matrix<float>& out) const { out = Matrix<float>::Constant(1, 1, y_); }
    void check(const Matrix<float>&) const {}
    void set(const Matrix<float>& in) noexcept { y_ = in(0); }
    void check_weights(const Echo&) const {}
    void set_weights(const Echo&) {}

  private:
    float y_ = 0;
};

TEST_CASE("Voices: every layer that a Stream takes, yours, too") {
    SECTION("Dense with few and many outputs") {
        check_layers(Sequential{Dense<float>{3, 20, {.activation = Activation::relu}}, Dropout{0.2},
                                Dense<float, 20, 33>{{.activation = Activation::tanh}}, LastStep{},
                                Dense<float>{33, 2}});
    }
    SECTION("Conv1D") {
        check_layers(Sequential{Conv1D<float>{2, 5, 3, {.dilation = 2}}, Activate{Activation::elu()},
                                Sequential{Conv1D<float>{5, 1, 1}, Gain{0.5}}});
    }
    SECTION("layers without a state") {
        check_layers(Sequential{BatchNorm<float>{3}, PReLU<float>{3}, Residual{Dense<float>{3, 3}},
                                Residual{SimpleRNN<float>{3, 3}}, Softmax{}});
    }
    SECTION("a layer of a user's") {
        check_layers(Sequential{Echo{}, Dense<float>{1, 2}});
    }
    SECTION("Embedding: tokens, and zeros for what is none") {
        const Sequential model{Embedding<float>{5, 2}, SimpleRNN<float>{2, 3}};
        Pair pair{model, 4};
        for (int v = 0; v < 4; ++v)
            pair.join();
        const std::vector<float> x{0, 4, 5, 1.5F};
        const auto y = pair.voices(x);
        for (Index v = 0; v < 4; ++v)
            CHECK(pair.difference_of(v, x.data() + v, y.data() + 3 * v) < 3e-6);
    }
}

TEST_CASE("Voices: weights of layers of other sizes are refused, and nothing has changed") {
    const auto refused = [](const auto& model, const auto& other, const std::string& message) {
        Random random(89);
        Pair pair{model, 2};
        pair.join();
        REQUIRE_THROWS_WITH(pair.voices.set_weights(other), "Voices::set_weights: " + message);
        CHECK(pair.step(random) < 3e-6);
    };
    refused(Sequential{Dense<float>{1, 2}}, Sequential{Dense<float>{1, 3}},
            "the Dense layer is 1 -> 3, the voices' is 1 -> 2; make new Voices of this model");
    refused(Sequential{Conv1D<float>{1, 2, 3}}, Sequential{Conv1D<float>{1, 2, 4}},
            "the Conv1D layer is 1 -> 2 with kernel 4 and dilation 1, the voices' is 1 -> 2 with kernel 3 and dilation "
            "1; make new Voices of this model");
}

TEST_CASE("Voices: what a layer's StreamPart refuses is said in words of Voices") {
    Sequential model{BatchNorm<float>{3}, PReLU<float>{3}};
    Voices voices{model, 2};
    REQUIRE_THROWS_WITH(
        voices.set_weights(Sequential{BatchNorm<float>{2}, PReLU<float>{2}}),
        "Voices::set_weights: the BatchNorm layer has 2 features, the voices' has 3; make new Voices of this model");
    model.layer<0>().beta().value.resize(4, 1);
    const std::string shape = "BatchNorm: beta.value is 4 x 1, expected 3 x 1";
    REQUIRE_THROWS_WITH(voices.set_weights(model), "Voices::set_weights: " + shape);
    REQUIRE_THROWS_WITH((Voices{model, 2}), "Voices: " + shape);
}
