#include "catch.hpp"

#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/core/random.hpp"
#include "carousel/core/settings.hpp"

#include <cmath>
#include <string>
#include <vector>

using namespace carousel;

namespace {

static_assert(Cell<LstmCell<float, false, FastGates>> && Cell<LstmCell<double, true, FastGates>>);
static_assert(Cell<GruCell<float, Reset::after, FastGates>> &&
              TwoProductCell<GruCell<double, Reset::before, FastGates>>);

/// One unit's step, with the second product of a TwoProductCell replaced by a multiplication with `second`.
template <class C>
struct OneUnit {
    static constexpr double second = 0.7;
    C cell;
    double a[C::blocks], before[C::states], p[C::vectors + 1];

    void forward(double (&gates)[C::blocks], double (&after)[C::states]) const {
        std::copy_n(a, C::blocks, gates);
        if constexpr (TwoProductCell<C>) {
            cell.gate(gates, before);
            gates[C::second.first] += second * gates[C::operand];
        }
        cell.forward(gates, before, after, p);
    }
    /// A number made of all of the next state.
    double loss() const {
        double gates[C::blocks], after[C::states], sum = 0;
        forward(gates, after);
        for (int s = 0; s < C::states; ++s)
            sum += (s + 1) * after[s];
        return sum;
    }
};

/// The largest difference between the gradients of a cell's step and central differences, over pre-activations up to ±`size`.
template <class C>
double largest_difference(C cell, double size) {
    Random random(5);
    double largest = 0;
    for (int run = 0; run < 200; ++run) {
        OneUnit<C> unit{cell, {}, {}, {}};
        for (double& a : unit.a)
            a = random.uniform(-size, size);
        for (double& s : unit.before)
            s = random.uniform(-2, 2);
        for (double& p : unit.p)
            p = random.uniform(-1, 1);

        double a[C::blocks], after[C::states], d[C::states], dp[C::vectors + 1] = {};
        unit.forward(a, after);
        for (int s = 0; s < C::states; ++s)
            d[s] = s + 1;
        cell.backward(a, unit.before, after, d, unit.p, dp);
        if constexpr (TwoProductCell<C>)
            cell.gate_backward(a, unit.before, a[C::second.first] * OneUnit<C>::second, d);

        const auto compare = [&](double gradient, double& number) {
            const double at = number, step = 1e-5;
            number = at + step;
            const double above = unit.loss();
            number = at - step;
            const double below = unit.loss();
            number = at;
            largest = std::max(largest, std::abs((above - below) / (2 * step) - gradient));
        };
        for (int k = 0; k < C::blocks; ++k)
            if (!TwoProductCell<C> || k != C::blocks - 1)
                compare(a[k], unit.a[k]);
        for (int s = 0; s < C::states; ++s) // of h₋ an LSTM's equations know nothing
            compare(d[s], unit.before[s]);
        for (int k = 0; k < C::vectors; ++k)
            compare(dp[k], unit.p[k]);
    }
    return largest;
}

} // namespace

TEST_CASE("FastGates: the gradients of every cell's step are those of the functions used") {
    for (const double size : {1.0, 4.0, 20.0}) {
        CAPTURE(size);
        CHECK(largest_difference(LstmCell<double, false, FastGates>{true, {}}, size) < 1e-9);
        CHECK(largest_difference(LstmCell<double, true, FastGates>{true, {}}, size) < 1e-9);
        CHECK(largest_difference(GruCell<double, Reset::after, FastGates>{}, size) < 1e-9);
        CHECK(largest_difference(GruCell<double, Reset::before, FastGates>{}, size) < 1e-9);
    }
}

TEST_CASE("FastGates: a cell's settings name its functions, so that no file of other functions loads into it") {
    const auto settings = [](const auto& cell) {
        std::vector<std::string> texts;
        detail::each_setting(cell, "", [&](const std::string& name, const auto& value) {
            if constexpr (std::convertible_to<decltype(value), std::string>)
                texts.push_back(name + " " + std::string(value));
        });
        return texts;
    };
    CHECK(settings(LstmCell<float, false, FastGates>{}) ==
          std::vector<std::string>{"gate fast_sigmoid", "candidate fast_tanh", "output fast_tanh"});
    CHECK(settings(GruCell<float, Reset::after, FastGates>{}) ==
          std::vector<std::string>{"reset after", "gate fast_sigmoid", "candidate fast_tanh"});
}
