#include "carousel/layer/conv1d.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/train/check_gradients.hpp"

#include <limits>
#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

struct Shape {
    Index input, output, kernel, dilation, stride;
    Padding padding;
};
constexpr Shape shapes[] = {{1, 1, 1, 1, 1, Padding::causal},  {2, 3, 4, 1, 1, Padding::causal},
                            {3, 5, 3, 2, 1, Padding::causal},  {5, 2, 3, 1, 2, Padding::causal},
                            {2, 19, 2, 3, 3, Padding::causal}, {2, 3, 3, 1, 1, Padding::valid},
                            {3, 2, 2, 3, 1, Padding::valid},   {1, 7, 3, 2, 2, Padding::valid}};

std::string to_string(const Shape& s) {
    return std::to_string(s.input) + " -> " + std::to_string(s.output) + ", kernel " + std::to_string(s.kernel) +
           ", dilation " + std::to_string(s.dilation) + ", stride " + std::to_string(s.stride) +
           (s.padding == Padding::valid ? ", valid" : ", causal");
}

template <class S>
Conv1D<S> make(const Shape& s, Activation activation = Activation::tanh) {
    return {s.input,
            s.output,
            s.kernel,
            {.dilation = s.dilation,
             .stride = s.stride,
             .padding = s.padding,
             .activation = activation,
             .b = initializer::normal(0, 1),
             .seed = 1}};
}

/// The layer as its definition reads: number by number, over the real steps of each sequence alone.
template <class S>
Matrix<double> reference(const Conv1D<S>& layer, SequenceView<S> x, const Matrix<S>& initial, Index output_steps) {
    const Index I = layer.input_size(), K = layer.kernel(), d = layer.options().dilation, B = x.batch();
    const bool causal = layer.options().padding == Padding::causal;
    const Index before = (K - 1) * d;
    Matrix<double> y = Matrix<double>::Zero(layer.output_size(), output_steps * B);
    for (Index b = 0; b < B; ++b)
        for (Index k = 0, t = causal ? 0 : before; t < x.length(b); ++k, t += layer.options().stride)
            for (Index o = 0; o < layer.output_size(); ++o) {
                double a = static_cast<double>(layer.b().value(o));
                for (Index j = 0; j < K; ++j)
                    for (Index i = 0; i < I; ++i) {
                        const Index step = t - (K - 1 - j) * d;
                        double seen = 0;
                        if (step >= 0)
                            seen = static_cast<double>(x.values()(i, step * B + b));
                        else if (initial.size() > 0)
                            seen = static_cast<double>(initial((before + step) * I + i, b));
                        a += static_cast<double>(layer.W().value(o, j * I + i)) * seen;
                    }
                y(o, k * B + b) = layer.options().activation(a);
            }
    return y;
}

/// What a causal layer's state may be, or nothing.
template <class S>
Matrix<S> random_state(const Conv1D<S>& layer, Index batch, Random& random) {
    return random_matrix<S>(layer.carried_steps() * layer.input_size(), batch, random);
}

} // namespace

TEMPLATE_TEST_CASE("Conv1D: forward is its definition, ragged or not, from any state", "", float, double) {
    using S = TestType;
    Random random(60);
    for (const Shape& shape : shapes)
        for (const std::vector<Index>& lengths : {std::vector<Index>{}, {12, 0, 5, 1}})
            for (const bool begun : {false, true}) {
                const auto layer = make<S>(shape);
                const auto x = random_sequence<S>(shape.input, 12, 4, random, lengths);
                const Matrix<S> initial = begun ? random_state(layer, 4, random) : Matrix<S>();
                typename Conv1D<S>::Tape tape;
                const auto y = layer.forward(x, tape, initial);
                INFO(to_string(shape));
                CHECK(y.steps() == layer.output_length(12));
                for (Index b = 0; b < 4; ++b)
                    CHECK(y.length(b) == layer.output_length(x.view().length(b)));
                const double bound = std::is_same_v<S, float> ? 2e-6 : 1e-14;
                CHECK(difference(y.values(), reference<S>(layer, x.view(), initial, y.steps())) < bound);
                CHECK(layer.infer(x, tape, initial).values() == layer.forward(x, tape, initial).values());
            }
}

TEST_CASE("Conv1D: a batch of many columns and wide windows, which takes several blocks") {
    Random random(61);
    const Conv1D<float> layer(40, 33, 9, {.dilation = 2, .stride = 2, .seed = 1});
    const auto x = random_sequence<float>(40, 401, 7, random);
    Conv1D<float>::Tape tape;
    const auto y = layer.forward(x, tape);
    CHECK(difference(y.values(), reference<float>(layer, x.view(), {}, y.steps())) < 1e-5);
}

TEST_CASE("Conv1D: backward matches central differences, ragged or not, from a state or not") {
    Random random(62);
    for (const Shape& shape : shapes)
        for (const std::vector<Index>& lengths : {std::vector<Index>{}, {9, 0, 4}})
            for (const bool begun : {false, true}) {
                auto layer = make<double>(shape);
                const auto x = random_sequence<double>(shape.input, 9, 3, random, lengths);
                const auto target = random_sequence<double>(shape.output, layer.output_length(9), 3, random);
                const Matrix<double> initial = begun ? random_state(layer, 3, random) : Matrix<double>();
                const auto check = check_gradients(layer, x, target, MeanSquaredError{}, initial);
                INFO(to_string(shape) << ", " << check.name);
                CHECK(check.worst < 1e-6);
                CHECK(check.all.size() == (initial.size() > 0 ? 4 : 3));
            }
}

TEST_CASE("Conv1D: the final state and its gradient") {
    Random random(63);
    Conv1D<double> layer(2, 3, 3, {.dilation = 2, .seed = 1}); // 4 steps are carried
    const std::vector<Index> lengths{6, 1, 0};
    const auto x = random_sequence<double>(2, 6, 3, random, lengths);
    const Matrix<double> initial = random_state(layer, 3, random), d_final = random_matrix<double>(8, 3, random);
    Conv1D<double>::Tape tape;
    Matrix<double> state, d_initial;
    layer.forward(x, tape, initial);
    layer.final_state(tape, state);
    REQUIRE((state.rows() == 8 && state.cols() == 3));
    for (Index p = 0; p < 4; ++p)
        CHECK(state.col(0).segment(2 * p, 2) == x.values().col((2 + p) * 3));
    CHECK(state.col(1).head(6) == initial.col(1).tail(6));
    CHECK(state.col(1).tail(2) == x.values().col(1));
    CHECK(state.col(2) == initial.col(2));

    const auto dx = layer.backward({}, tape, {.d_final = &d_final, .d_initial = &d_initial});
    Matrix<double> expected = Matrix<double>::Zero(2, 18);
    for (Index p = 0; p < 4; ++p)
        expected.col((2 + p) * 3) = d_final.col(0).segment(2 * p, 2);
    expected.col(1) = d_final.col(1).tail(2);
    CHECK(dx.values() == expected);
    CHECK(d_initial.col(0).isZero(0));
    CHECK(d_initial.col(1).head(2).isZero(0));
    CHECK(d_initial.col(1).tail(6) == d_final.col(1).head(6));
    CHECK(d_initial.col(2) == d_final.col(2));
    CHECK((layer.W().grad.isZero(0) && layer.b().grad.isZero(0)));
}

TEST_CASE("Conv1D: a causal layer goes on from chunk to chunk, with a stride if it divides their lengths") {
    Random random(64);
    for (const Index stride : {1, 2}) {
        const Conv1D<float> layer(2, 3, 4, {.dilation = 3, .stride = stride, .seed = 1});
        const auto x = random_sequence<float>(2, 14, 3, random);
        Conv1D<float>::Tape tape;
        const Matrix<float> whole = layer.infer(x, tape).values();
        Matrix<float> state, chunks(3, whole.cols());
        std::vector<Index> lengths;
        Index column = 0, first = 0;
        for (const Index count : {4, 2, 8}) {
            const auto y = layer.infer(chunk(x.view(), first, count, lengths), tape, state);
            chunks.middleCols(column, y.columns()) = y.values();
            column += y.columns();
            first += count;
            layer.final_state(tape, state);
        }
        CHECK(difference(chunks, whole) < 1e-6);
    }
}

TEST_CASE("Conv1D: what stands past a sequence's end doesn't matter, even if it is NaN") {
    Random random(65);
    Conv1D<double> layer(2, 3, 3, {.seed = 1});
    const std::vector<Index> lengths{4, 2};
    auto x = random_sequence<double>(2, 4, 2, random, lengths);
    auto other = x;
    other.values().col(2 * 2 + 1).setConstant(std::numeric_limits<double>::quiet_NaN());
    Conv1D<double>::Tape tape;
    const auto dy = random_sequence<double>(3, 4, 2, random);
    const Matrix<double> y = layer.forward(x, tape).values(), dx = layer.backward(dy, tape).values(),
                         dW = layer.W().grad;
    CHECK(layer.forward(other, tape).values() == y);
    CHECK(layer.backward(dy, tape).values() == dx);
    CHECK(layer.W().grad == 2 * dW);
    CHECK((y.col(5).isZero(0) && dx.col(5).isZero(0)));
    layer.forward(x, tape);
    CHECK(layer.backward(dy, tape, {.input_gradient = false}).columns() == 0);
    CHECK(difference(layer.W().grad, 3 * dW) < 1e-14);
}

TEST_CASE("Conv1D: outputs and gradients are PyTorch's") {
    const Golden golden("conv1d.txt");
    for (const std::string name : {"causal", "dilated", "strided", "valid"}) {
        const auto of = [&](const char* tensor) { return name + "." + tensor; };
        const Vector<Index> sizes = golden.vector(of("sizes")).cast<Index>();
        Conv1D<double> layer(sizes(0), sizes(1), sizes(2),
                             {.dilation = sizes(3),
                              .stride = sizes(4),
                              .padding = sizes(5) == 1 ? Padding::causal : Padding::valid,
                              .activation = Activation::tanh});
        layer.W().value = golden.matrix(of("W"));
        layer.b().value = golden.vector(of("b"));
        const Sequence<double> x(golden.sequence(of("x")), sizes(6)), dy(golden.sequence(of("dy")), sizes(6));
        Conv1D<double>::Tape tape;
        INFO(name);
        CHECK(difference(layer.forward(x, tape).values(), golden.sequence(of("y"))) < 1e-14);
        CHECK(difference(layer.backward(dy, tape).values(), golden.sequence(of("dx"))) < 1e-14);
        CHECK(difference(layer.W().grad, golden.matrix(of("dW"))) < 1e-14);
        CHECK(difference(layer.b().grad, golden.vector(of("db"))) < 1e-14);
    }
}

TEST_CASE("Conv1D: trains inside a model whose other layers see fewer steps") {
    Random random(66);
    Sequential model{Conv1D<double>{1, 4, 3, {.stride = 2, .padding = Padding::valid, .activation = Activation::tanh}},
                     LSTM<double>{4, 3}, Conv1D<double>{3, 2, 2}};
    CHECK((model.output_length(9) == 4 && model.least_steps() == 3));
    const auto x = random_sequence<double>(1, 9, 2, random, {9, 5});
    CHECK(check_gradients(model, x, random_sequence<double>(2, 4, 2, random), MeanSquaredError{}).worst < 1e-6);
}

TEST_CASE("Conv1D: starts with Glorot's numbers, the same for the same seed") {
    const Conv1D<double> a(10, 20, 4, {.seed = 3}), b(10, 20, 4, {.seed = 3}), none(10, 20, 4, {.initialize = false});
    CHECK(a.W().value == b.W().value);
    CHECK(a.W().value.cwiseAbs().maxCoeff() < std::sqrt(6.0 / 120)); // fans 4 · 10 and 4 · 20
    CHECK(a.W().value.cwiseAbs().maxCoeff() > 0.9 * std::sqrt(6.0 / 120));
    CHECK((a.b().value.isZero(0) && none.W().value.isZero(0)));
    CHECK((a.W().value.rows() == 20 && a.W().value.cols() == 40));
}

TEST_CASE("Conv1D: sizes that don't fit are refused") {
    REQUIRE_THROWS_AS(Conv1D<float>(0, 1, 1), std::invalid_argument);
    REQUIRE_THROWS_WITH(Conv1D<float>(0, 1, 1), "Conv1D: input size is 0, expected at least 1");
    REQUIRE_THROWS_WITH(Conv1D<float>(1, -1, 1), "Conv1D: output size is -1, expected at least 1");
    REQUIRE_THROWS_WITH(Conv1D<float>(1, 1, 0), "Conv1D: kernel is 0, expected at least 1");
    REQUIRE_THROWS_WITH(Conv1D<float>(1, 1, 1, {.dilation = 0}), "Conv1D: dilation is 0, expected at least 1");
    REQUIRE_THROWS_WITH(Conv1D<float>(1, 1, 1, {.stride = -2}), "Conv1D: stride is -2, expected at least 1");
    constexpr Index huge = std::numeric_limits<Index>::max() / 32;
    REQUIRE_THROWS_WITH(Conv1D<float>(3, 1, 4, {.dilation = huge}),
                        "Conv1D: kernel 4, dilation " + std::to_string(huge) +
                            " and input size 3 make a window of more numbers than any memory holds");
}

TEST_CASE("Conv1D: what doesn't fit its sizes is refused") {
    Conv1D<float> layer(2, 3, 2);
    const Conv1D<float> valid(2, 3, 4, {.padding = Padding::valid});
    Conv1D<float>::Tape tape;
    const Sequence<float> x(2, 3, 2), longer(2, 4, 2), wrong(5, 3, 2), dy(3, 3, 2), short_dy(3, 2, 2);
    const Matrix<float> state(4, 2);
    REQUIRE_THROWS_WITH(layer.output_size(5), "Conv1D: x has 5 features, expected 2");
    REQUIRE_THROWS_WITH(layer.forward(wrong, tape), "Conv1D::forward: x has 5 features, expected 2");
    REQUIRE_THROWS_WITH(layer.forward(x, tape, state), "Conv1D::forward: initial: state is 4 x 2, expected 2 x 2");
    REQUIRE_THROWS_WITH(valid.forward(x, tape),
                        "Conv1D::forward: x has 3 steps, expected at least 4, for padding is valid");
    REQUIRE_THROWS_WITH(
        valid.forward(longer, tape, state),
        "Conv1D::forward: initial: state is 4 x 2, expected none: padding is valid, so every chunk begins anew");

    const std::string no_pass = "Conv1D::backward: the tape holds no forward pass (none was made, it was inference, or "
                                "backward has consumed it)";
    REQUIRE_THROWS_AS(layer.backward(dy, tape), std::logic_error);
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), no_pass);
    layer.forward(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(short_dy, tape), "Conv1D::backward: dy is 3 x 4, expected 3 x 6");
    REQUIRE_THROWS_WITH(layer.backward(dy, tape, {.d_final = &state}),
                        "Conv1D::backward: d_final: state is 4 x 2, expected 2 x 2");
    layer.W().grad.resize(1, 1);
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), "Conv1D::backward: W.grad is 1 x 1, expected 3 x 4");
    layer.W().grad.setZero(3, 4);
    REQUIRE_NOTHROW(layer.backward(dy, tape));
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), no_pass);
    layer.infer(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), no_pass);
    layer.forward(x, tape);
    layer = Conv1D<float>(2, 3, 2, {.dilation = 2}); // the same shapes, other windows
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), "Conv1D::backward: the tape holds the forward pass of another layer, "
                                                  "or of this one before it was moved or assigned");
    layer.b().value.resize(1, 1);
    REQUIRE_THROWS_WITH(layer.forward(x, tape), "Conv1D::forward: b.value is 1 x 1, expected 3 x 1");
    Matrix<float> out;
    REQUIRE_THROWS_WITH(layer.final_state(Conv1D<float>::Tape{}, out),
                        "Conv1D::final_state: the tape holds no pass (none was made, or one threw)");
}
