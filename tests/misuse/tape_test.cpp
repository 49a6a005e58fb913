// Tapes that hold no pass of the layer they are given to, and parameters of a shape that no pass can use.
#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/activate.hpp"
#include "carousel/layer/attention.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/layer_norm.hpp"
#include "carousel/layer/parallel.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/layer/softmax.hpp"

#include <functional>
#include <memory>
#include <optional>

using namespace carousel;
using namespace carousel::test;

namespace {

const std::string none_was_made =
    ": the tape holds no forward pass (none was made, it was inference, or backward has consumed it)";
const std::string another = ": the tape holds the forward pass of another layer, or of this one before it was moved or "
                            "assigned";
const std::string is_copy = ": the tape is a copy, which holds no pass; run forward with it first";

auto stack() {
    return Sequential{GRU<float>{2, 4, {}, {.seed = 1}}, Dropout{0.5, {.seed = 2}}, Dense<float>{4, 3, {.seed = 3}}};
}

Matrix<float> gradients(const auto& model) {
    std::vector<float> all;
    for (const auto& named : parameters(model))
        all.insert(all.end(), named.parameter->grad.data(),
                   named.parameter->grad.data() + named.parameter->grad.size());
    return Eigen::Map<Matrix<float>>(all.data(), static_cast<Index>(all.size()), 1);
}

/// Every kind of layer, its own tape and a batch that it takes: f(name of the function, layer, its copy, x).
template <class F>
void each_kind(F&& f) {
    Random random(5);
    const auto x = random_sequence<float>(2, 4, 3, random, {4, 2, 0});
    const auto pair = [&](const char* name, auto layer, const Sequence<float>& input) {
        const auto other = layer;
        f(std::string(name), layer, other, input);
    };
    pair("Recurrent", LSTM<float>{2, 3}, x);
    pair("Residual", Residual{GRU<float>{2, 2}}, x);
    pair("Bidirectional", Bidirectional{GRU<float>{2, 3}}, x);
    pair("Dense", Dense<float>{2, 3}, x);
    pair("Conv1D", Conv1D<float>{2, 3, 2}, x);
    pair("BatchNorm", BatchNorm<float>{2}, x);
    pair("Attention", Attention<float>{2, 1}, x);
    pair("Parallel", Parallel{Dense<float>{2, 2}, GRU<float>{2, 1}}, x);
    pair("LayerNorm", LayerNorm<float>{2}, x);
    pair("PReLU", PReLU<float>{2}, x);
    pair("Dropout", Dropout{0.5}, x);
    pair("Activate", Activate{Activation::tanh}, x);
    pair("Softmax", Softmax{}, x);
    pair("Gain", Gain{0.5}, x);
    pair("LastStep", LastStep{}, x);
    pair("BothEnds", BothEnds{}, x);
    pair("Embedding", Embedding<float>{5, 3}, Sequence<float>(1, 4, 3));
    pair("Sequential", stack(), x);
    pair("EncoderDecoder",
         EncoderDecoder{Sequential{GRU<float>{2, 3}}, Sequential{GRU<float>{2, 3}}, {.encoder_steps = 2}}, x);
}

} // namespace

TEST_CASE("tapes: the pass of another layer, a copied tape and one that was used up are refused") {
    each_kind([](const std::string& name, auto& layer, auto other, const Sequence<float>& x) {
        CAPTURE(name);
        using Tape = TapeOf<std::remove_cvref_t<decltype(layer)>, float>;
        Tape tape;
        const auto y = layer.forward(x.view(), tape, {});
        const Sequence<float> dy(Matrix<float>::Ones(y.features(), y.columns()), y.batch());
        REQUIRE_THROWS_WITH(other.backward(dy.view(), tape, {}), name + "::backward" + another);
        auto original = std::make_unique<Tape>();
        layer.forward(x.view(), *original, {});
        Tape copy = *original;
        Tape assigned;
        assigned = *original;
        original.reset();
        REQUIRE_THROWS_WITH(layer.backward(dy.view(), copy, {}), name + "::backward" + is_copy);
        REQUIRE_THROWS_WITH(layer.backward(dy.view(), assigned, {}), name + "::backward" + is_copy);
        layer.backward(dy.view(), tape, {}); // none of these has harmed it
        REQUIRE_THROWS_WITH(layer.backward(dy.view(), tape, {}), name + "::backward" + none_was_made);
        Tape moved;
        {
            Tape before;
            layer.forward(x.view(), before, {});
            moved = std::move(before);
        }
        layer.backward(dy.view(), moved, {});
        layer.forward(x.view(), copy, {}); // a copy is as good as new
        layer.backward(dy.view(), copy, {});
    });
}

TEST_CASE("tapes: a layer that was assigned another size since doesn't take its own tape") {
    LSTM<float> lstm{2, 3};
    Dense<float> dense{2, 3};
    Embedding<float> embedding{9, 3};
    LSTM<float>::Tape lstm_tape;
    Dense<float>::Tape dense_tape;
    Embedding<float>::Tape embedding_tape;
    const Sequence<float> x(2, 4, 3), tokens(1, 4, 3);
    lstm.forward(x, lstm_tape);
    dense.forward(x, dense_tape);
    embedding.forward(tokens, embedding_tape);
    lstm = LSTM<float>{2, 64};
    dense = Dense<float>{64, 3};
    embedding = Embedding<float>{2, 3};
    const Sequence<float> wide(64, 4, 3), dy(3, 4, 3);
    REQUIRE_THROWS_WITH(lstm.backward(wide, lstm_tape), "Recurrent::backward" + another);
    REQUIRE_THROWS_WITH(dense.backward(dy, dense_tape), "Dense::backward" + another);
    REQUIRE_THROWS_WITH(embedding.backward(dy, embedding_tape), "Embedding::backward" + another);
}

TEST_CASE("tapes: the final state of a layer of another size is refused") {
    const LSTM<float> small{1, 4}, large{1, 64};
    const Sequence<float> x(1, 3, 2);
    LSTM<float>::Tape tape;
    Matrix<float> state;
    large.forward(x, tape);
    REQUIRE_THROWS_WITH(small.final_state(tape, state),
                        "Recurrent::final_state: the tape holds the pass of a layer of another size");
    REQUIRE_THROWS_AS(small.final_state(tape, state), std::logic_error);
    CHECK(state.size() == 0);
    large.final_state(tape, state);
    CHECK(state.rows() == 128);
}

TEST_CASE("tapes: where no pass was made, or it threw midway, there is no final state and nothing to go back through") {
    using Model = decltype(stack());
    auto model = stack();
    Model::Tape tape;
    Model::State state;
    const std::string no_pass = ": the tape holds no pass (none was made, or one threw)";
    REQUIRE_THROWS_WITH(model.final_state(tape, state), "Sequential::final_state" + no_pass);
    REQUIRE_THROWS_WITH(LSTM<float>(2, 3).final_state({}, std::get<0>(state)), "Recurrent::final_state" + no_pass);
    REQUIRE_THROWS_WITH(LSTM<float>::Tape().output(), "RecurrentTape::output" + no_pass);

    const Sequence<float> small(2, 3, 2), large(2, 300, 20), dy(3, 3, 2);
    model.forward(small, tape);
    const auto kept = model.layer<2>();
    model.layer<2>().W().value = Matrix<float>(1, 1);
    REQUIRE_THROWS_WITH(model.forward(large, tape), // the first two layers have run
                        "Sequential::forward: layer 2 (Dense): W.value is 1 x 1, expected 3 x 4");
    model.layer<2>() = kept;
    REQUIRE_THROWS_WITH(model.backward(dy, tape), "Sequential::backward" + none_was_made);
    REQUIRE_THROWS_WITH(model.final_state(tape, state), "Sequential::final_state" + no_pass);
    CHECK(gradients(model).isZero(0));
}

TEST_CASE("Embedding: tokens may change between forward and backward") {
    Embedding<float> layer{3, 2};
    Embedding<float>::Tape tape;
    Sequence<float> x(1, 2, 1);
    x.values() << 0, 2;
    layer.forward(x, tape);
    x.values() << 1e9f, std::numeric_limits<float>::quiet_NaN();
    const Sequence<float> dy(Matrix<float>::Ones(2, 2));
    layer.backward(dy, tape);
    CHECK(layer.table().grad.col(0).isOnes(0));
    CHECK(layer.table().grad.col(1).isZero(0));
    CHECK(layer.table().grad.col(2).isOnes(0));
}

TEST_CASE("layers: a parameter or gradient that was assigned another shape is refused") {
    const Sequence<float> x(2, 4, 3), tokens(1, 4, 3), dy(3, 4, 3);
    const auto refused = [&](auto layer, const auto& input, const std::string& name,
                             const std::function<Matrix<float>&(decltype(layer)&)>& part, const std::string& message,
                             bool is_value) {
        typename decltype(layer)::Tape tape;
        layer.forward(input, tape);
        const Matrix<float> kept = part(layer);
        part(layer) = Matrix<float>(3, 3);
        if (is_value) {
            REQUIRE_THROWS_WITH(layer.forward(input, tape), name + "::forward: " + message);
            REQUIRE_THROWS_WITH(layer.infer(input, tape), name + "::forward: " + message);
        } else
            REQUIRE_THROWS_WITH(layer.backward(dy, tape), name + "::backward: " + message);
        part(layer) = kept;
        layer.backward(dy, tape); // the tape is as it was
    };
    using Lstm = LSTM<float>;
    const Lstm lstm{2, 3, {.peephole = true}};
    refused(
        lstm, x, "Recurrent", [](Lstm & l) -> auto& { return l.W().value; }, "W.value is 3 x 3, expected 12 x 2", true);
    refused(
        lstm, x, "Recurrent", [](Lstm & l) -> auto& { return l.U().value; }, "U.value is 3 x 3, expected 12 x 3", true);
    refused(
        lstm, x, "Recurrent", [](Lstm & l) -> auto& { return l.b().value; }, "b.value is 3 x 3, expected 12 x 1", true);
    refused(
        lstm, x, "Recurrent", [](Lstm & l) -> auto& { return l.U().grad; }, "U.grad is 3 x 3, expected 12 x 3", false);
    using Fully = Dense<float>;
    refused(
        Fully{2, 3}, x, "Dense", [](Fully & l) -> auto& { return l.W().value; }, "W.value is 3 x 3, expected 3 x 2",
        true);
    refused(
        Fully{2, 3}, x, "Dense", [](Fully & l) -> auto& { return l.b().value; }, "b.value is 3 x 3, expected 3 x 1",
        true);
    refused(
        Fully{2, 3}, x, "Dense", [](Fully & l) -> auto& { return l.b().grad; }, "b.grad is 3 x 3, expected 3 x 1",
        false);
    using Table = Embedding<float>;
    refused(
        Table{5, 3}, tokens, "Embedding", [](Table & l) -> auto& { return l.table().value; },
        "table.value is 3 x 3, expected 3 x 5", true);
    refused(
        Table{5, 3}, tokens, "Embedding", [](Table & l) -> auto& { return l.table().grad; },
        "table.grad is 3 x 3, expected 3 x 5", false);
}

TEST_CASE("layers: a pass of no steps goes through, forward and backward") {
    const Sequence<float> none(2, 0, 3);
    Dense<float> dense{2, 3, {.activation = Activation::tanh}};
    Dense<float>::Tape dense_tape;
    CHECK(dense.forward(none, dense_tape).columns() == 0);
    const Sequence<float> no_dy(3, 0, 3);
    CHECK(dense.backward(no_dy, dense_tape).columns() == 0);
    for (const Merge merge : {Merge::concatenate, Merge::sum, Merge::average}) {
        Bidirectional both{LSTM<float>{2, 3}, merge};
        decltype(both)::Tape tape;
        CHECK(both.forward(none, tape).columns() == 0);
        CHECK(both.backward({}, tape).columns() == 0);
        CHECK(both.infer(none, tape).columns() == 0);
    }
    auto model = stack();
    decltype(model)::Tape tape;
    const auto y = model.forward(none, tape);
    CHECK(y.columns() == 0);
    CHECK(model.backward(y, tape).columns() == 0);
    CHECK(gradients(model).isZero(0));
}
