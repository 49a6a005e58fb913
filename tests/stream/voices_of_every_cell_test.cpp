#include "catch.hpp"
#include "layer/own_cells.hpp"
#include "stream/voices_and_streams.hpp"

using namespace carousel;
using namespace carousel::test;

TEST_CASE("Voices: each gives a Stream's numbers, whatever the cell") {
    SECTION("LSTM in double") {
        check_cell(LstmCell<double>{});
    }
    SECTION("LSTM with functions of its own") {
        check_cell(LstmCell<float, false, ChosenGates>{true, {Activation::hard_sigmoid(), Activation::softsign}});
    }
    SECTION("coupled LSTM") {
        check_cell(LstmCell<float, true>{.peephole = true}, {.zoneout = 0.2, .zoneout_cell = 0.4});
    }
    SECTION("GRU, reset after") {
        check_cell(GruCell<float>{}, {.zoneout = 0.3});
    }
    SECTION("GRU, reset before") {
        check_cell(GruCell<float, Reset::before>{}, {.zoneout = 0.3});
    }
    SECTION("GRU, reset before, in double") {
        check_cell(GruCell<double, Reset::before>{});
    }
    SECTION("SimpleRNN") {
        check_cell(SimpleRnnCell<float>{});
    }
    SECTION("own cell with a vector") {
        check_cell(LeakyCell<float>{});
    }
    SECTION("own cell with two products") {
        check_cell(MinimalGatedCell<float>{});
    }
}
