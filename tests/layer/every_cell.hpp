// The list of every_cell.
#pragma once

#include "any_recurrent.hpp"
#include "own_cells.hpp"

namespace carousel::test {

template <class C>
CellCase<typename C::Scalar> cell_case(const std::string& name, C cell = {}) {
    return {name, [cell](Index input, Index hidden, const RecurrentOptions& options) {
                return std::make_unique<AnyRecurrent<typename C::Scalar>>(Recurrent<C>(input, hidden, cell, options));
            }};
}

template <class S>
const std::vector<CellCase<S>>& every_cell() {
    static const std::vector<CellCase<S>> cells = [] {
        std::vector<CellCase<S>> list{
            cell_case("SimpleRNN tanh", SimpleRnnCell<S>{}),
            cell_case("SimpleRNN relu", SimpleRnnCell<S>{.activation = Activation::relu}),
            cell_case("SimpleRNN sigmoid", SimpleRnnCell<S>{.activation = Activation::sigmoid}),
            cell_case("SimpleRNN linear", SimpleRnnCell<S>{.activation = Activation::linear}),
            cell_case("LSTM", LstmCell<S>{}),
            cell_case("LSTM with peepholes", LstmCell<S>{.peephole = true}),
            cell_case("coupled LSTM", LstmCell<S, true>{}),
            cell_case("coupled LSTM with peepholes", LstmCell<S, true>{.peephole = true}),
            cell_case("GRU, reset after", GruCell<S, Reset::after>{}),
            cell_case("GRU, reset before", GruCell<S, Reset::before>{}),
            cell_case("own cell: leaky RNN", LeakyCell<S>{}),
            cell_case("own cell: minimal gated unit", MinimalGatedCell<S>{}),
            cell_case("own cell: minimal gated unit with a blind candidate", MinimalGatedCell<S, true>{}),
        };
        if constexpr (std::is_same_v<S, double>) { // the same code in float, and time to compile
            const ChosenGates gates{Activation::hard_sigmoid(), Activation::softsign.clipped(1.2), Activation::elu()};
            list.push_back(cell_case("LSTM, other functions", LstmCell<S, false, ChosenGates>{true, gates}));
            list.push_back(
                cell_case("GRU, reset after, other functions", GruCell<S, Reset::after, ChosenGates>{gates}));
            list.push_back(
                cell_case("GRU, reset before, other functions", GruCell<S, Reset::before, ChosenGates>{gates}));
        }
        return list;
    }();
    return cells;
}

} // namespace carousel::test
