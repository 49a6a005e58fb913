// An AnyLayer of every cell beside the layer inside.
#include "carousel/model/model.hpp"

#include "catch.hpp"
#include "layer/any_recurrent.hpp"
#include "layer/own_cells.hpp"
#include "stream/voices_and_streams.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

template <class S>
struct AnyCase {
    std::string name; ///< that of every_cell
    AnyLayer<S> layer;
};

constexpr Index I = 3, H = 5, T = 6, B = 4;

template <class C>
AnyCase<typename C::Scalar> any_case(const std::string& name, C cell = {}) {
    return {name, AnyLayer<typename C::Scalar>(Recurrent<C>(uninitialized, I, H, cell))};
}

template <class S>
std::vector<AnyCase<S>> any_cases() {
    std::vector<AnyCase<S>> list{
        any_case("SimpleRNN tanh", SimpleRnnCell<S>{}),
        any_case("LSTM with peepholes", LstmCell<S>{.peephole = true}),
        any_case("coupled LSTM", LstmCell<S, true>{}),
        any_case("GRU, reset after", GruCell<S, Reset::after>{}),
        any_case("GRU, reset before", GruCell<S, Reset::before>{}),
        any_case("own cell: leaky RNN", LeakyCell<S>{}),
        any_case("own cell: minimal gated unit", MinimalGatedCell<S>{}),
        any_case("own cell: minimal gated unit with a blind candidate", MinimalGatedCell<S, true>{}),
    };
    if constexpr (std::is_same_v<S, double>) { // as every_cell has them
        const ChosenGates gates{Activation::hard_sigmoid(), Activation::softsign.clipped(1.2), Activation::elu()};
        list.push_back(any_case("LSTM, other functions", LstmCell<S, false, ChosenGates>{true, gates}));
        list.push_back(any_case("GRU, reset after, other functions", GruCell<S, Reset::after, ChosenGates>{gates}));
        list.push_back(any_case("GRU, reset before, other functions", GruCell<S, Reset::before, ChosenGates>{gates}));
    }
    return list;
}

/// The outputs of a stream for every column of x.
template <class Part, class S>
Matrix<S> outputs(Stream<AnyLayer<S>, Part>& stream, const Matrix<S>& x) {
    Matrix<S> y(stream.output_size(), x.cols());
    for (Index t = 0; t < x.cols(); ++t) {
        const auto h = stream(std::span(x.col(t).data(), static_cast<std::size_t>(x.rows())));
        std::copy(h.begin(), h.end(), y.col(t).data());
    }
    return y;
}

} // namespace

TEMPLATE_TEST_CASE("AnyLayer: whatever the cell, passes, gradients, streams and voices are those of the layer inside",
                   "", float, double) {
    using S = TestType;
    for (auto& [name, any] : any_cases<S>()) {
        INFO(name);
        Random random(7);
        const auto layer = make<S>(name, I, H);
        layer->randomize(random);
        any.each_parameter([&](const std::string& of, Parameter<S>& p) { p.value = (*layer)[of].value; });
        CHECK(any.name() == layer->name());
        CHECK(any.input_size() == I);
        CHECK(any.output_size(I) == H);

        const auto pass = random_pass(*layer, I, H, T, B, {false, true, true}, random);
        const Outcome<S> expected = (*layer)(pass);
        typename AnyLayer<S>::Tape tape;
        const std::vector<Matrix<S>> initial{pass.initial}, d_final{pass.d_final};
        std::vector<Matrix<S>> state;
        zero_gradients(parameters(any));
        CHECK(difference(any.infer(pass.x, tape, initial).values(), expected.y) < rounding<S>);
        CHECK(difference(any.forward(pass.x, tape, initial).values(), expected.y) < rounding<S>);
        any.final_state(tape, state);
        CHECK(difference(state.at(0), expected.final_state) < rounding<S>);
        const SequenceView<S> dy(pass.dy.data(), H, T, B);
        CHECK(difference(any.backward(dy, tape, {.d_final = &d_final, .d_initial = &state}).values(), expected.dx) <
              rounding<S>);
        CHECK(difference(state.at(0), expected.d_initial) < rounding<S>);
        any.each_parameter([&](const std::string& of, Parameter<S>& p) {
            CHECK(difference(p.grad, (*layer)[of].grad) < rounding<S>);
        });

        const Matrix<S> x = random_matrix<S>(I, 20, random);
        Matrix<S> end;
        const Matrix<S> y = layer->stream(x, end);
        Stream stream{any};
        CHECK(difference(outputs(stream, x), y) < rounding<S>);
        CHECK(difference(stream.state().at(0), end) < rounding<S>);
        if constexpr (std::is_same_v<S, float>) {
            Stream narrow{any, WeightType::int16}, fast{any, fast_gates}, both{any, fast_gates, WeightType::int16};
            CHECK(difference(outputs(narrow, x), y) < 1e-3);
            CHECK(difference(outputs(fast, x), y) < 1e-4);
            CHECK(difference(outputs(both, x), y) < 1e-3);
        }
        CHECK(after_random_changes(any, 5, 30, 79) < rounding<S>);
    }
}
