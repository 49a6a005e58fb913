// Every gradient of every cell against central differences.
#include "catch.hpp"
#include "layer/any_recurrent.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

struct Size {
    Index input, hidden, steps, batch;
};

/// Σ y∘dy + Σ final∘d_final: its gradients are what a pass that is given dy and d_final returns.
double loss(AnyRecurrent<double>& layer, const Pass<double>& pass) {
    const auto y = layer.forward(pass.x, pass.initial);
    return y.values().cwiseProduct(pass.dy).sum() + layer.final_state().cwiseProduct(pass.d_final).sum();
}

void check(const CellCase<double>& cell, Size size, Variant variant) {
    Random random(1);
    const auto layer = cell.make(size.input, size.hidden, {.reverse = variant.reverse});
    layer->randomize(random);
    auto pass = random_pass(*layer, size.input, size.hidden, size.steps, size.batch, variant, random);
    const Outcome<double> exact = (*layer)(pass);
    const auto value = [&] { return loss(*layer, pass); };

    INFO(cell.name << ", " << to_string(variant) << ", input " << size.input << ", hidden " << size.hidden << ", steps "
                   << size.steps << ", batch " << size.batch);
    CHECK(worst_error((*layer)["W"].value, exact.dW, value) < 1e-6);
    CHECK(worst_error((*layer)["U"].value, exact.dU, value) < 1e-6);
    CHECK(worst_error((*layer)["b"].value, exact.db, value) < 1e-6);
    if (auto* P = layer->parameter("P"))
        CHECK(worst_error(P->value, exact.dP, value) < 1e-6);
    CHECK(worst_error(pass.x.values(), exact.dx, value) < 1e-6);
    if (!variant.initial) // a state that wasn't given is zero, and has a gradient all the same
        pass.initial = Matrix<double>::Zero(exact.d_initial.rows(), exact.d_initial.cols());
    CHECK(worst_error(pass.initial, exact.d_initial, value) < 1e-6);
}

void check_all(Size size) {
    for (const auto& cell : every_cell<double>())
        for (const Variant variant : every_variant)
            check(cell, size, variant);
}

} // namespace

TEST_CASE("every cell: one unit's backward matches central differences") {
    check_all({1, 1, 4, 1});
    check_all({2, 1, 3, 5});
}

TEST_CASE("every cell: backward of a few units matches central differences") {
    check_all({2, 3, 5, 5});
}

TEST_CASE("every cell: backward of more units than a register holds matches central differences") {
    check_all({6, 17, 3, 4}); // W·x of all steps is one product here
}

TEST_CASE("every cell: backward of a batch of many columns matches central differences") {
    check_all({1, 2, 3, 16});
}
