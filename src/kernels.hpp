// Kernels: the tables of functions that carousel::compiled holds of one instruction set.
#pragma once

#include "carousel/kernel/arrays.hpp"
#include "carousel/kernel/pass.hpp"
#include "carousel/stream/dense_column.hpp"
#include "carousel/stream/recurrent_column.hpp"

#include <tuple>

namespace carousel::inline CAROUSEL_ABI::kernel {

template <class... Cells>
struct CellList {};

template <class S>
using LibraryCells = CellList<SimpleRnnCell<S>, LstmCell<S>, LstmCell<S, true>, LstmCell<S, false, ChosenGates>,
                              LstmCell<S, true, ChosenGates>, GruCell<S, Reset::after>, GruCell<S, Reset::before>,
                              GruCell<S, Reset::after, ChosenGates>, GruCell<S, Reset::before, ChosenGates>>;

/// Declared for its type alone.
template <class S, class... Cells>
std::tuple<ArrayFunctions<S>, SoftmaxFunctions<S>, stream::DenseFunctions<S>, PassFunctions<Cells>...,
           stream::RecurrentFunctions<Cells>...>
    kernels_for(CellList<Cells...>);

template <class S>
using Kernels = decltype(kernels_for<S>(LibraryCells<S>()));

} // namespace carousel::kernel
