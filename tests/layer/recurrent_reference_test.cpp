// The layer's register tiles, panels and time loop against the definition, number by number.
#include "catch.hpp"
#include "layer/any_recurrent.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

struct Size {
    Index input, hidden, steps, batch;
};

template <class S>
void check(const CellCase<S>& cell, Size size, Variant variant, double bound) {
    Random random(2);
    const auto layer = cell.make(size.input, size.hidden, {.reverse = variant.reverse});
    layer->randomize(random);
    const auto pass = random_pass(*layer, size.input, size.hidden, size.steps, size.batch, variant, random);
    INFO(cell.name << ", " << to_string(variant) << ", input " << size.input << ", hidden " << size.hidden << ", steps "
                   << size.steps << ", batch " << size.batch);
    const Outcome<double> expected = layer->reference(pass);
    const Outcome<S> outcome = (*layer)(pass);
    CHECK(difference(outcome.y, expected.y) < bound);
    CHECK(difference(outcome.final_state, expected.final_state) < bound);
    CHECK(difference(outcome, expected) < bound);
    const Matrix<S> inferred = layer->infer(pass.x, pass.initial).values();
    CHECK(difference(inferred, expected.y) < bound);
    CHECK(difference(layer->final_state(), expected.final_state) < bound);
}

/// Few and many, odd and whole lanes. With 5 inputs or more and few columns, W·x of all steps is one product.
const std::vector<Size> sizes{{1, 1, 6, 1},   {2, 1, 4, 600}, {40, 1, 5, 5},   {1, 3, 5, 5},
                              {40, 3, 7, 1},  {2, 3, 3, 13},  {2, 17, 3, 600}, {1, 17, 8, 1},
                              {40, 17, 6, 5}, {5, 33, 4, 7},  {8, 16, 5, 12},  {3, 64, 3, 2}};

const std::vector<Variant> two_variants{{false, false, true}, {true, true, true}};

/// Of float: what rounding, 6e-8, adds up to in the longest sums, of 2,400 products of both signs.
template <class S>
constexpr double bound = std::is_same_v<S, float> ? 3e-5 : 1e-12;

} // namespace

TEMPLATE_TEST_CASE("every cell: the layer agrees with its definition in all shapes", "", float, double) {
    using S = TestType;
    for (const auto& cell : every_cell<S>())
        for (const Size size : sizes) {
            const bool large = size.hidden * size.batch > 200;
            for (const Variant variant : large ? two_variants : every_variant)
                check<S>(cell, size, variant, bound<S>);
        }
}

TEMPLATE_TEST_CASE("every cell: the layer agrees with its definition with 300 units", "", float, double) {
    using S = TestType;
    for (const auto& cell : every_cell<S>()) {
        check<S>(cell, {40, 300, 2, 5}, {false, false, true}, bound<S>);
        check<S>(cell, {2, 300, 2, 1}, {true, true, true}, bound<S>);
    }
}

TEST_CASE("every cell: the layer agrees with its definition where a batch is cut into blocks of columns") {
    for (const auto& cell : every_cell<double>())
        if (cell.name == "SimpleRNN tanh" || cell.name == "own cell: leaky RNN")
            check<double>(cell, {1, 300, 2, 170}, {false, true, true}, bound<double>);
        else if (cell.name == "LSTM with peepholes" || cell.name == "GRU, reset before")
            check<double>(cell, {1, 100, 2, 130}, {false, true, true}, bound<double>);
}

TEMPLATE_TEST_CASE("every cell: the layer agrees with its definition over many steps", "", float, double) {
    using S = TestType;
    // more columns, 1,600, than a block of a product takes
    for (const auto& cell : every_cell<S>())
        check<S>(cell, {6, 3, 800, 2}, {false, true, true}, bound<S>);
}
