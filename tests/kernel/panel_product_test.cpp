// Products with panels for a factor or a result, against Eigen's of the same numbers as matrices.
#include "carousel/kernel/panel_product.hpp"

#include "catch.hpp"
#include "support.hpp"

using namespace carousel;
using namespace carousel::kernel;
using namespace carousel::test;

namespace {

constexpr int rows = 4, first = 1, some = 3; // the products are about rows 1 … 3 of 4

template <class S>
constexpr double bound = std::is_same_v<S, float> ? 3e-6 : 1e-14;

/// Steps of Panels and the same numbers as a matrix, some · hidden × (steps · columns).
template <class S, Index units>
struct Example {
    Panels<S, units> layout;
    Index steps;
    Vector<S> memory;
    Matrix<S> matrix;

    Example(Index hidden, Index columns, Index count, Random& random)
        : layout{rows, columns, hidden}, steps(count), memory(count * layout.size() + lanes<S>),
          matrix(some * hidden, count * columns) {
        for (S& x : memory)
            x = static_cast<S>(random.normal());
        read();
    }
    void read() {
        for (Index t = 0; t < steps; ++t)
            for (int g = 0; g < some; ++g) {
                Matrix<S> row(layout.hidden, layout.columns);
                from_panels(memory.data() + t * layout.size(), layout, first + g, row.data(), row.rows());
                matrix.block(g * layout.hidden, t * layout.columns, layout.hidden, layout.columns) = row;
            }
    }
    StepPanels<S, units> panels() { return {memory.data(), layout, steps, layout.size()}; }
};

template <class S, class F>
void for_examples(F&& f) {
    Random random(3);
    constexpr Index L = lanes<S>;
    for (const Index hidden : {Index(1), L, L + 3, 4 * L + 1})
        for (const auto& [columns, steps] :
             {std::pair(1, 1), std::pair(1, 9), std::pair(5, 3), std::pair(13, 2), std::pair(530, 1)}) {
            INFO("hidden " << hidden << ", columns " << columns << ", steps " << steps);
            Example<S, L> narrow(hidden, columns, steps, random);
            Example<S, 2 * L> wide(hidden, columns, steps, random);
            f(narrow, random);
            f(wide, random);
        }
}

} // namespace

TEMPLATE_TEST_CASE("add_outer_product: adds da·xᵀ over all steps", "", float, double) {
    using S = TestType;
    for_examples<S>([](auto& example, Random& random) {
        for (const Index inputs : {1, 6, 17}) {
            const Matrix<S> x = random_matrix<S>(inputs, example.matrix.cols(), random);
            Matrix<S> c = random_matrix<S>(example.matrix.rows() + 2, inputs, random);
            Matrix<S> expected = c;
            expected.topRows(example.matrix.rows()) += example.matrix * x.transpose();
            Buffer<S> scratch;
            add_outer_product<first, some>(c.data(), c.rows(), inputs, example.panels(), x.data(), 1,
                                           scratch.get(outer_product_scratch<S>(inputs, x.cols())));
            CHECK(difference(c, expected) < 40 * bound<S>);
        }
    });
}

TEMPLATE_TEST_CASE("multiply_into_panels: writes W·x of all steps", "", float, double) {
    using S = TestType;
    for_examples<S>([](auto& example, Random& random) {
        const Index depth = 7;
        const Matrix<S> W = random_matrix<S>(example.matrix.rows(), depth, random),
                        x = random_matrix<S>(depth, example.matrix.cols(), random);
        constexpr Index units = decltype(example.layout)::panel_units;
        Vector<S> packed(gate_panels<S>(some, example.layout.hidden, depth));
        pack_gates<units>(packed.data(), operand(W), some, example.layout.hidden, depth);
        multiply_into_panels<first, some>(example.panels(), depth, packed.data(), x.data());
        example.read();
        CHECK(difference(example.matrix, Matrix<S>(W * x)) < bound<S>);
    });
}

TEMPLATE_TEST_CASE("multiply_transposed and multiply_transposed_lane: Wᵀ·da of a step, and of all steps", "", float,
                   double) {
    using S = TestType;
    for_examples<S>([](auto& example, Random& random) {
        const auto [H, B, T] = std::tuple(example.layout.hidden, example.layout.columns, example.steps);
        for (const Index inputs : {Index(1), Index(2), lanes<S> - 1, lanes<S>, 2 * lanes<S> + 5}) {
            const Matrix<S> W = random_matrix<S>(some * H, inputs, random);
            const Matrix<S> expected = W.transpose() * example.matrix;
            constexpr Index units = decltype(example.layout)::panel_units;
            Vector<S> packed(transposed_panels<S>(some, H, inputs)), gates(gate_panels<S>(some, H, inputs));
            pack_transposed<units>(packed.data(), operand(W), some, H, inputs);
            pack_gates<units>(gates.data(), operand(W), some, H, inputs);

            Matrix<S> by_step(inputs, T * B), along_steps(inputs, T * B), dots(inputs, T * B);
            for (Index t = 0; t < T; ++t) {
                const S* const da = example.memory.data() + t * example.layout.size();
                multiply_transposed(by_step.data() + t * B * inputs, inputs, inputs, B, packed.data(), example.layout,
                                    da, first, some, 0);
                for (Index b = 0; b < B; ++b)
                    for (Index i = 0; i < inputs; i += lanes<S>)
                        store(&dots(i, t * B + b),
                              multiply_transposed_lane<some>(gates.data(), inputs, i, example.layout, da, first, b),
                              inputs - i);
            }
            for (Index b = 0; b < B; ++b)
                multiply_transposed(along_steps.data() + b * inputs, B * inputs, inputs, T, packed.data(),
                                    example.layout, example.memory.data(), first, some, b, example.layout.size());
            CHECK(difference(by_step, expected) < 10 * bound<S>);
            CHECK(difference(along_steps, expected) < 10 * bound<S>);
            CHECK(difference(dots, expected) < 10 * bound<S>);
        }
    });
}
