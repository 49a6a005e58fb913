// Where panels hold their numbers, and what weights packed for them look like.
#include "carousel/kernel/panels.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <set>

using namespace carousel;
using namespace carousel::kernel;
using namespace carousel::test;

namespace {

/// Panels of one lane and of three, with a last one that is whole, nearly whole, or of one unit.
template <class S>
const std::vector<Index> sizes{1, lanes<S> - 1, lanes<S>, lanes<S> + 1, 3 * lanes<S>, 4 * lanes<S> + 3};

/// f(units of a panel)
template <class S, class F>
void for_widths(F&& f) {
    f(std::integral_constant<Index, lanes<S>>());
    f(std::integral_constant<Index, 3 * lanes<S>>());
}

} // namespace

TEMPLATE_TEST_CASE("Panels: every number has a place of its own and none is left over", "", float, double) {
    using S = TestType;
    for_widths<S>([](auto units) {
        for (const Index hidden : sizes<S>) {
            const Panels<S, units> layout{3, 5, hidden};
            std::set<Index> places;
            for (Index u = 0; u < hidden; ++u)
                for (Index column = 0; column < 5; ++column)
                    for (Index row = 0; row < 3; ++row)
                        places.insert(layout.at(u, column) + row * layout.width(u));
            CHECK(static_cast<Index>(places.size()) == layout.size());
            CHECK(*places.begin() == 0);
            CHECK(*places.rbegin() == layout.size() - 1);
        }
    });
}

TEMPLATE_TEST_CASE("Panels: a row goes in and comes out as it was", "", float, double) {
    using S = TestType;
    Random random(4);
    for_widths<S>([&](auto units) {
        for (const Index hidden : sizes<S>) {
            const Panels<S, units> layout{1, 4, hidden};
            const Matrix<S> from = random_matrix<S>(hidden + 2, 4, random);
            Vector<S> panels(layout.size());
            Matrix<S> to = Matrix<S>::Zero(hidden + 1, 4);
            to_panels(panels.data(), layout, from.data() + 1, from.rows());
            from_panels(panels.data(), layout, 0, to.data(), to.rows());
            CHECK(to.topRows(hidden) == from.middleRows(1, hidden));
            CHECK(to.bottomRows(1).isZero());
        }
    });
}

TEMPLATE_TEST_CASE("pack_gates: a panel holds for each column the gates of its units side by side", "", float, double) {
    using S = TestType;
    Random random(5);
    for_widths<S>([&](auto units) {
        for (const Index hidden : sizes<S>)
            for (const int blocks : {1, 3, 4}) {
                const Index depth = 5;
                const Matrix<S> weights = random_matrix<S>(blocks * hidden, depth, random);
                Vector<S> panels(gate_panels<S>(blocks, hidden, depth));
                pack_gates<units>(panels.data(), operand(weights), blocks, hidden, depth);
                const Panels<S, units> layout{blocks, depth, hidden}; // with the columns of W for the columns
                bool right = true;
                for (Index u = 0; u < hidden; ++u)
                    for (Index k = 0; k < depth; ++k)
                        for (Index g = 0; g < blocks; ++g)
                            right =
                                right && panels(layout.at(u, k) + g * layout.width(u)) == weights(g * hidden + u, k);
                INFO("hidden " << hidden << ", blocks " << blocks);
                CHECK(right);
                CHECK(panels.tail(lanes<S>).isZero());
            }
    });
}

TEMPLATE_TEST_CASE("pack_transposed: a panel holds a row for every number that a column of Panels has", "", float,
                   double) {
    using S = TestType;
    constexpr Index L = lanes<S>;
    Random random(6);
    for_widths<S>([&](auto units) {
        for (const Index hidden : sizes<S>)
            for (const Index columns : {Index(1), L, L + 1, 3 * L - 1, 4 * L, 7 * L + 3}) {
                const int blocks = 3;
                const Index padded = round_up_to_lanes<S>(columns), depth = blocks * hidden;
                const Matrix<S> weights = random_matrix<S>(depth, columns, random);
                Vector<S> panels = Vector<S>::Constant(transposed_panels<S>(blocks, hidden, columns), S(99));
                REQUIRE(panels.size() == padded * depth);
                pack_transposed<units>(panels.data(), operand(weights), blocks, hidden, columns);
                const Panels<S, units> layout{blocks, 1, hidden};
                bool right = true;
                for (Index first = 0; first < padded;) {
                    const Index width = next_tile_lanes((padded - first) / L) * L;
                    for (Index u = 0; u < hidden; ++u)
                        for (Index g = 0; g < blocks; ++g)
                            for (Index l = 0; l < width; ++l) {
                                const Index k = layout.at(u, 0) + g * layout.width(u), i = first + l;
                                right = right && panels(first * depth + k * width + l) ==
                                                     (i < columns ? weights(g * hidden + u, i) : S(0));
                            }
                    first += width;
                }
                INFO("hidden " << hidden << ", columns " << columns);
                CHECK(right);
            }
    });
}
