// Recurrent dropout and zoneout: noise inside the recurrence.
#include "catch.hpp"
#include "layer/any_recurrent.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

const char* const noisy_cells[] = {"SimpleRNN tanh", "LSTM with peepholes", "GRU, reset after", "GRU, reset before"};

/// Σ y∘dy + Σ final∘d_final of a pass with a fresh tape, which draws the masks every fresh tape draws.
double loss(const AnyRecurrent<double>& layer, const Pass<double>& pass) {
    const auto fresh = layer.copy();
    const double sum = fresh->forward(pass.x, pass.initial).values().cwiseProduct(pass.dy).sum();
    return sum + fresh->final_state().cwiseProduct(pass.d_final).sum();
}

void check(const char* cell, RecurrentOptions options, Variant variant, Index hidden = 3, Index batch = 4) {
    Random random(3);
    options.reverse = variant.reverse;
    options.seed = 11;
    const auto layer = make<double>(cell, 2, hidden, options);
    layer->randomize(random);
    auto pass = random_pass(*layer, 2, hidden, 5, batch, variant, random);
    const auto exact =
        (*layer->copy())(pass); // a copy's parameters are its own, so its gradients are read from the outcome
    const auto value = [&] { return loss(*layer, pass); };
    INFO(cell << ", " << to_string(variant) << ", recurrent_dropout " << options.recurrent_dropout << ", zoneout "
              << options.zoneout << ", " << options.zoneout_cell);
    CHECK(worst_error((*layer)["W"].value, exact.dW, value) < 1e-6);
    CHECK(worst_error((*layer)["U"].value, exact.dU, value) < 1e-6);
    CHECK(worst_error((*layer)["b"].value, exact.db, value) < 1e-6);
    if (auto* P = layer->parameter("P"))
        CHECK(worst_error(P->value, exact.dP, value) < 1e-6);
    CHECK(worst_error(pass.x.values(), exact.dx, value) < 1e-6);
    if (variant.initial)
        CHECK(worst_error(pass.initial, exact.d_initial, value) < 1e-6);
}

/// A linear cell whose units each add up their one input.
std::unique_ptr<AnyRecurrent<double>> counter(Index hidden, const RecurrentOptions& options) {
    auto layer = make<double>("SimpleRNN linear", 1, hidden, options);
    (*layer)["W"].value.setOnes();
    (*layer)["U"].value.setIdentity();
    (*layer)["b"].value.setZero();
    return layer;
}

} // namespace

TEST_CASE("recurrent_dropout: gradients match central differences under a fixed mask") {
    for (const char* cell : noisy_cells)
        for (const Variant variant : every_variant)
            check(cell, {.recurrent_dropout = 0.4}, variant);
}

TEST_CASE("zoneout: gradients match central differences under fixed masks, alone and with recurrent_dropout") {
    for (const char* cell : noisy_cells)
        for (const Variant variant : every_variant) {
            check(cell, {.zoneout = 0.3, .zoneout_cell = 0.5}, variant);
            check(cell, {.recurrent_dropout = 0.4, .zoneout = 0.3}, variant);
        }
}

TEST_CASE("recurrent_dropout, zoneout: gradients match central differences in layers of several panels") {
    for (const char* cell : {"LSTM with peepholes", "GRU, reset before"})
        for (const Variant variant : {Variant{false, true, true}, Variant{true, false, false}})
            check(cell, {.recurrent_dropout = 0.4, .zoneout = 0.3, .zoneout_cell = 0.5}, variant, 19, 2);
}

TEST_CASE("recurrent_dropout: U sees mask∘h with one mask a sequence, and inference sees h") {
    // where its mask is 0, the counter forgets
    const Index H = 40, T = 5, B = 6;
    const auto layer = counter(H, {.seed = 1, .recurrent_dropout = 0.25});
    Sequence<double> x(1, T, B);
    x.values().setOnes();

    const Matrix<double> dropped = layer->forward(x).values();
    int zeros = 0;
    for (Index b = 0; b < B; ++b)
        for (Index u = 0; u < H; ++u) {
            const double m = dropped(u, B + b) - 1; // h₂ = 1 + m·h₁, h₁ = 1
            REQUIRE((m == 0 || m == Catch::Approx(1 / 0.75)));
            zeros += m == 0;
            for (Index t = 2; t < T; ++t)
                CHECK(dropped(u, t * B + b) == Catch::Approx(1 + m * dropped(u, (t - 1) * B + b)));
        }
    CHECK(zeros > 30); // of 240, expected 60
    CHECK(zeros < 90);
    const Matrix<double> again = layer->forward(x).values();
    CHECK(again != dropped); // every pass draws anew
    const Matrix<double> inferred = layer->infer(x).values();
    CHECK(inferred.col((T - 1) * B).isConstant(static_cast<double>(T)));
    Matrix<double> state;
    CHECK(layer->stream(Matrix<double>::Ones(1, T), state).col(T - 1).isConstant(static_cast<double>(T)));
}

TEST_CASE("zoneout: a number keeps its old value or takes the new one; inference and streams move by the mean") {
    const Index H = 40, T = 5, B = 6;
    const auto layer = counter(H, {.seed = 1, .zoneout = 0.25});
    Sequence<double> x(1, T, B);
    x.values().setOnes();

    const Matrix<double> y = layer->forward(x).values();
    int kept = 0;
    for (Index k = 0; k < B * (T - 1); ++k)
        for (Index u = 0; u < H; ++u) {
            const double moved = y(u, k + B) - y(u, k);
            REQUIRE((moved == 0 || moved == 1));
            kept += moved == 0;
        }
    CHECK(kept > 180); // of 960, expected 240
    CHECK(kept < 300);
    const Matrix<double> inferred = layer->infer(x).values();
    CHECK(inferred.col((T - 1) * B).isConstant(0.75 * static_cast<double>(T)));
    Matrix<double> state;
    CHECK(layer->stream(Matrix<double>::Ones(1, T), state).col(T - 1).isConstant(0.75 * static_cast<double>(T)));
}

TEST_CASE("zoneout: an LSTM's states have rates of their own") {
    Random random(5);
    const auto layer = make<double>("LSTM", 2, 30, {.seed = 2, .zoneout_cell = 0.5});
    layer->randomize(random);
    const auto x = random_sequence<double>(2, 1, 1, random, {});
    Matrix<double> start = random_matrix<double>(60, 1, random);
    layer->forward(x, start);
    const Matrix<double> end = layer->final_state();
    const auto same = [&](Index first) {
        return (end.middleRows(first, 30).array() == start.middleRows(first, 30).array()).count();
    };
    CHECK(same(0) == 0);
    CHECK(same(30) > 5);
    CHECK(same(30) < 25);
}

TEST_CASE("recurrent_dropout, zoneout: a rate outside 0 … 1 is refused") {
    CHECK_THROWS_WITH(make<double>("LSTM", 1, 1, {.recurrent_dropout = 1}),
                      "LSTM: recurrent_dropout is 1, expected 0 <= recurrent_dropout < 1");
    CHECK_THROWS_WITH(make<double>("LSTM", 1, 1, {.zoneout = -0.5}),
                      "LSTM: zoneout is -0.5, expected 0 <= zoneout < 1");
    CHECK_THROWS_WITH(make<double>("LSTM", 1, 1, {.zoneout_cell = 2}),
                      "LSTM: zoneout_cell is 2, expected 0 <= zoneout_cell < 1");
}
