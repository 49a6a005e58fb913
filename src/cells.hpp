// The cells that carousel::compiled holds.
#pragma once

#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/cell/simple_rnn.hpp"

namespace carousel::inline CAROUSEL_ABI {

template <class... Cells>
struct CellList {};

template <class S>
using LibraryCells = CellList<SimpleRnnCell<S>, LstmCell<S>, LstmCell<S, true>, LstmCell<S, false, ChosenGates>,
                              LstmCell<S, true, ChosenGates>, GruCell<S, Reset::after>, GruCell<S, Reset::before>,
                              GruCell<S, Reset::after, ChosenGates>, GruCell<S, Reset::before, ChosenGates>>;

} // namespace carousel

/// f(cell) for each of them, for what takes no list: explicit instantiations.
#define CAROUSEL_EACH_CELL(f, S)              \
    f(SimpleRnnCell<S>);                      \
    f(LstmCell<S>);                           \
    f(LstmCell<S, true>);                     \
    f(LstmCell<S, false, ChosenGates>);       \
    f(LstmCell<S, true, ChosenGates>);        \
    f(GruCell<S, Reset::after>);              \
    f(GruCell<S, Reset::before>);             \
    f(GruCell<S, Reset::after, ChosenGates>); \
    f(GruCell<S, Reset::before, ChosenGates>)
