#include "catch.hpp"
#include "support.hpp"

#include <carousel/io/recurrent_weights.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Of H units and I features, every number another one: 100 · gate + 10 · unit + column, the gate by its letter.
Matrix<double> gate_rows(std::string_view order, Index hidden, Index columns, double offset) {
    Matrix<double> m(static_cast<Index>(order.size()) * hidden, columns);
    for (Index row = 0; row < m.rows(); ++row)
        for (Index column = 0; column < columns; ++column)
            m(row, column) = offset + 100.0 * order[static_cast<std::size_t>(row / hidden)] +
                             10.0 * static_cast<double>(row % hidden) + static_cast<double>(column);
    return m;
}

RecurrentWeights<double> weights_of(const RecurrentLayout& layout, std::string_view order) {
    RecurrentWeights<double> w{gate_rows(order, 2, 3, 0), gate_rows(order, 2, 2, 0.25), gate_rows(order, 2, 1, 0.5),
                               gate_rows(order, 2, 1, 0.75)};
    if (!layout.gates_in_rows) {
        w.W = Matrix<double>(w.W.transpose());
        w.U = Matrix<double>(w.U.transpose());
    }
    return w;
}

const std::vector<RecurrentLayout> layouts{pytorch_layout, keras_layout, onnx_layout};

} // namespace

TEST_CASE("recurrent weights: whatever a library's order of gates is, a layer gets the same") {
    for (const RecurrentLayout& layout : layouts) {
        LSTM<double> lstm{3, 2};
        set_recurrent_weights(lstm, weights_of(layout, layout.lstm), layout, "test");
        CHECK(lstm.W().value == gate_rows("ifgo", 2, 3, 0));
        CHECK(lstm.U().value == gate_rows("ifgo", 2, 2, 0.25));
        CHECK(lstm.b().value == gate_rows("ifgo", 2, 1, 0.5) + gate_rows("ifgo", 2, 1, 0.75));

        GRU<double> after{3, 2};
        set_recurrent_weights(after, weights_of(layout, layout.gru), layout, "test");
        CHECK(after.W().value == gate_rows("nrz", 2, 3, 0));
        CHECK(after.U().value == gate_rows("rzn", 2, 2, 0.25));
        Matrix<double> b(8, 1);
        b << gate_rows("n", 2, 1, 0.5), gate_rows("rz", 2, 1, 0.5) + gate_rows("rz", 2, 1, 0.75),
            gate_rows("n", 2, 1, 0.75);
        CHECK(after.b().value == b);

        GRU<double, Dynamic, Dynamic, Reset::before> before{3, 2};
        set_recurrent_weights(before, weights_of(layout, layout.gru), layout, "test");
        CHECK(before.W().value == gate_rows("rzn", 2, 3, 0));
        CHECK(before.b().value == gate_rows("rzn", 2, 1, 0.5) + gate_rows("rzn", 2, 1, 0.75));
    }
}

TEST_CASE("recurrent weights: what is written in a library's layout is read back the same") {
    Random random(1);
    const auto goes_round = [&]<class L>(L layer) {
        for (const auto& named : parameters(layer))
            named.parameter->value =
                random_matrix<double>(named.parameter->value.rows(), named.parameter->value.cols(), random);
        for (const RecurrentLayout& layout : layouts) {
            L other = layer;
            for (const auto& named : parameters(other))
                named.parameter->value.setZero();
            set_recurrent_weights(other, recurrent_weights(layer, layout), layout, "test");
            for (std::size_t k = 0; k < parameters(layer).size(); ++k)
                CHECK(parameters(other)[k].parameter->value == parameters(layer)[k].parameter->value);
        }
    };
    goes_round(SimpleRNN<double>{3, 2});
    goes_round(LSTM<double>{3, 2});
    goes_round(LSTM<double>{3, 2, {.peephole = true}});
    goes_round(CoupledLSTM<double>{3, 2, {.peephole = true}});
    goes_round(GRU<double>{3, 2});
    goes_round(GRU<double, Dynamic, Dynamic, Reset::before>{3, 2});
}

TEST_CASE("recurrent weights: without biases they are zero") {
    GRU<double> layer{3, 2};
    layer.b().value.setOnes();
    RecurrentWeights<double> weights = weights_of(pytorch_layout, "rzn");
    weights.b.resize(0, 0);
    weights.b_recurrent.resize(0, 0);
    set_recurrent_weights(layer, weights, pytorch_layout, "test");
    CHECK(layer.b().value.isZero(0));
}

TEST_CASE("recurrent weights: other shapes are refused before anything is changed") {
    LSTM<double> layer{3, 2};
    const auto before = layer;
    RecurrentWeights<double> weights = weights_of(keras_layout, "ifgo");
    REQUIRE_THROWS_WITH(set_recurrent_weights(layer, weights, pytorch_layout, "load: lstm"),
                        "load: lstm: W is 3 x 8, expected 8 x 3 for 4 gates of 2 units");
    weights.b_recurrent.resize(6, 1);
    REQUIRE_THROWS_WITH(set_recurrent_weights(layer, weights, keras_layout, "load: lstm"),
                        "load: lstm: the recurrent bias is 6 x 1, expected 8 x 1 for 4 gates of 2 units");
    weights = weights_of(keras_layout, "ifgo");
    weights.P = Matrix<double>::Zero(2, 3);
    REQUIRE_THROWS_WITH(set_recurrent_weights(layer, weights, keras_layout, "load: lstm"),
                        "load: lstm: the weights have peepholes, but the layer has none");
    CHECK(layer.W().value == before.W().value);
    CHECK(layer.b().value == before.b().value);
}
