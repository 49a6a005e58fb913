#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/stream/stream.hpp"
#include "carousel/train/check_gradients.hpp"

#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Ragged, from an initial state, in both directions.
template <class L>
void check_layer(L forward, L reverse) {
    Random random(8);
    Sequential model{forward, reverse};
    const std::vector<Index> lengths{5, 0, 3};
    const auto x = random_sequence<double>(2, 5, 3, random, lengths);
    const auto target = random_sequence<double>(3, 5, 3, random, lengths);
    auto initial = model.empty_state();
    std::get<0>(initial) = random_matrix<double>(L::CellType::states * 3, 3, random);
    std::get<1>(initial) = random_matrix<double>(L::CellType::states * 3, 3, random);
    CHECK(check_gradients(model, x, target, MeanSquaredError{}, initial).worst < 1e-6);

    Stream stream{forward};
    typename L::Tape tape;
    const SequenceView<double> y = forward.infer(x.view(), tape);
    for (Index t = 0; t < 5; ++t) {
        const auto h = stream(std::span(x.step(t).col(0).data(), 2));
        for (Index k = 0; k < 3; ++k)
            CHECK(std::abs(h[static_cast<std::size_t>(k)] - y.step(t)(k, 0)) < 1e-13);
    }
}

} // namespace

TEST_CASE("FastGates: gradients through time match central differences, and a stream gives a pass' numbers") {
    using Lstm = LSTM<double, Dynamic, Dynamic, FastGates>;
    check_layer(Lstm{2, 3, {.peephole = true}}, Lstm{3, 3, {.peephole = true}, {.reverse = true}});
    using Gru = GRU<double, Dynamic, Dynamic, Reset::before, FastGates>;
    check_layer(Gru{2, 3}, Gru{3, 3, {}, {.reverse = true}});
    using Coupled = CoupledLSTM<double, Dynamic, Dynamic, FastGates>;
    check_layer(Coupled{2, 3}, Coupled{3, 3, {}, {.reverse = true}});
    using After = GRU<double, Dynamic, Dynamic, Reset::after, FastGates>;
    check_layer(After{2, 3}, After{3, 3, {}, {.reverse = true}});
}
