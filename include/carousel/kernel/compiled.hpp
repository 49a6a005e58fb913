// What carousel::compiled holds of the rooms that depend on the instruction set: tables of functions, once for each set.
#pragma once

#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/cell/simple_rnn.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel {

/// Whether the library holds the passes and streams of this cell, or all else of this scalar: all cells of float and double, with the papers' functions, with
/// chosen ones and with FastGates. A cell of a user's, and gates of his own, are compiled where they are used.
template <class C>
inline constexpr bool in_library = false;

#ifdef CAROUSEL_COMPILED
template <std::floating_point S>
inline constexpr bool in_library<SimpleRnnCell<S>> = true;
template <std::floating_point S, bool coupled>
inline constexpr bool in_library<LstmCell<S, coupled, StandardGates>> = true;
template <std::floating_point S, bool coupled>
inline constexpr bool in_library<LstmCell<S, coupled, ChosenGates>> = true;
template <std::floating_point S, Reset reset>
inline constexpr bool in_library<GruCell<S, reset, StandardGates>> = true;
template <std::floating_point S, Reset reset>
inline constexpr bool in_library<GruCell<S, reset, ChosenGates>> = true;
template <std::floating_point S, bool coupled>
inline constexpr bool in_library<LstmCell<S, coupled, FastGates>> = true;
template <std::floating_point S, Reset reset>
inline constexpr bool in_library<GruCell<S, reset, FastGates>> = true;
template <>
inline constexpr bool in_library<float> = true;
template <>
inline constexpr bool in_library<double> = true;
#endif

/// The library's table of this type, of the instruction set that is chosen now. Throws as instruction_set().
template <class Functions>
const Functions& chosen();

} // namespace carousel::kernel

/// f(cell) for each cell of S that the library holds.
#define CAROUSEL_EACH_CELL(f, S)    \
    CAROUSEL_EACH_EXACT_CELL(f, S); \
    CAROUSEL_EACH_FAST_CELL(f, S)
#define CAROUSEL_EACH_EXACT_CELL(f, S)        \
    f(SimpleRnnCell<S>);                      \
    f(LstmCell<S>);                           \
    f(LstmCell<S, true>);                     \
    f(LstmCell<S, false, ChosenGates>);       \
    f(LstmCell<S, true, ChosenGates>);        \
    f(GruCell<S, Reset::after>);              \
    f(GruCell<S, Reset::before>);             \
    f(GruCell<S, Reset::after, ChosenGates>); \
    f(GruCell<S, Reset::before, ChosenGates>)
#define CAROUSEL_EACH_FAST_CELL(f, S)       \
    f(LstmCell<S, false, FastGates>);       \
    f(LstmCell<S, true, FastGates>);        \
    f(GruCell<S, Reset::after, FastGates>); \
    f(GruCell<S, Reset::before, FastGates>)
