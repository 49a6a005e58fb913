// Streams with narrow weights: each type against a reference that rounds the same way.
#include "carousel/stream/stream.hpp"

#include "catch.hpp"
#include "layer/own_cells.hpp"
#include "stream/narrow_reference.hpp"
#include "support.hpp"

#include <bit>
#include <cstdint>
#include <limits>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr WeightType types[] = {WeightType::bfloat16, WeightType::int16, WeightType::int8};

template <class Model, class Part>
[[gnu::noinline]] Matrix<float> outputs(Stream<Model, Part>& stream, const Matrix<float>& x) {
    Matrix<float> y(stream.output_size(), x.cols());
    for (Index t = 0; t < x.cols(); ++t) {
        const auto out = stream(x.col(t));
        std::copy(out.begin(), out.end(), y.col(t).data());
    }
    return y;
}

/// Whether the numbers are the reference's but for roundings of floats. A number of h that stands nearly between two whole ones may
/// become the other one of them in the sums of another compiler: a 32,512th of the largest h, and its consequences.
bool agrees(const Matrix<float>& y, const Doubles& reference) {
    const double rounding = reference.cwiseAbs().maxCoeff() / 32'512;
    return (y.cast<double>() - reference).cwiseAbs().maxCoeff() < 1e-5 + 2 * rounding;
}

template <Cell C>
void check(Index input, Index hidden, C cell = {}) {
    const Recurrent<C> layer(
        input, hidden, cell,
        {.b = initializer::normal(0, 1), .P = initializer::normal(0, 1), .seed = static_cast<std::uint64_t>(hidden)});
    Random random(71);
    const Matrix<float> x = random_matrix<float>(input, 12, random);
    for (const WeightType type : types) {
        CAPTURE(C::name, name(type), input, hidden);
        Stream stream{layer, type};
        const Matrix<float> y = outputs(stream, x);
        CHECK(agrees(y, narrow_reference(layer, x, type)));
        stream.reset();
        CHECK(outputs(stream, x) == y);
    }
}

/// Its U has a row of zeros, huge and tiny ones.
Recurrent<LstmCell<float>> awkward() {
    Recurrent<LstmCell<float>> layer(1, 10, {}, {.seed = 5});
    layer.U().value.row(3).setZero();
    layer.U().value.row(7) *= 1e30F;
    layer.U().value.row(12) *= 1e-30F;
    layer.U().value.row(23) *= 1e-37F;
    return layer;
}

} // namespace

TEST_CASE("Stream: narrow weights are those of a reference that rounds the same way, in every cell") {
    check<LstmCell<float>>(1, 40);
    check<LstmCell<float>>(3, 7);
    check<LstmCell<float, true>>(9, 19, {.peephole = true});
    check<GruCell<float>>(13, 21);
    check<GruCell<float, Reset::before>>(2, 33);
    check<SimpleRnnCell<float>>(5, 70, {Activation::relu});
    check<MinimalGatedCell<float, true>>(2, 23);
    check<LeakyCell<float>>(8, 5);
}

TEST_CASE("Stream: narrow weights of more columns than their products are added up as whole numbers") {
    check<SimpleRnnCell<float>>(1, 1101, {Activation::sigmoid});
    check<SimpleRnnCell<float>>(1030, 6);
}

TEST_CASE("Stream: rows of narrow weights that are zero, huge or tiny") {
    const auto layer = awkward();
    Random random(72);
    const Matrix<float> x = random_matrix<float>(1, 12, random);
    for (const WeightType type : types) {
        CAPTURE(name(type));
        Stream stream{layer, type};
        const Matrix<float> y = outputs(stream, x);
        CHECK(y.allFinite());
        CHECK(agrees(y, narrow_reference(layer, x, type)));
    }
}

TEST_CASE("Stream: a weight that isn't finite makes its unit's row NaN, and finite() says so") {
    for (const WeightType type : types) {
        CAPTURE(name(type));
        auto layer = Recurrent<SimpleRnnCell<float>>(1, 10, {}, {.seed = 5});
        for (const float weight : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
            layer.U().value(3, 4) = weight;
            Stream stream{layer, type};
            stream(1.0F), stream(1.0F), stream(1.0F);
            CHECK_FALSE(stream.finite());
            layer.U().value(3, 4) = 0;
            stream.set_weights(layer);
            stream.reset();
            stream(1.0F);
            CHECK(stream.finite());
        }
    }
}

TEST_CASE("Stream: a step of wider registers than the products has tiles and rows of whole ones of its own") {
    using C = LstmCell<float>; // whose four blocks leave a tile two registers
    stream::NarrowFunctions functions = stream::narrow_functions();
    functions.lanes = 4;
    for (const Index lanes : {4, 8, 16}) {
        stream::NarrowMemory memory{};
        stream::prepare<C>(memory, WeightType::int8, functions, {lanes, nullptr}, 1, 21, true);
        CHECK(memory.layout.tile % lanes == 0);
        CHECK(memory.row == (21 + lanes - 1) / lanes * lanes);
    }
}

TEST_CASE("Stream: int8 weights of more columns than 32 bits take the sums of aren't multiplied by the processor's "
          "instruction") {
    using C = SimpleRnnCell<float>;
    stream::NarrowFunctions functions = stream::narrow_functions();
    functions.has_dot = [](WeightType) { return true; };
    const auto dot = [&](WeightType type, Index input) {
        stream::NarrowMemory memory{};
        stream::prepare<C>(memory, type, functions, {1, nullptr}, input, 1, false);
        return memory.layout.dot;
    };
    CHECK(dot(WeightType::int8, 131'072));
    CHECK_FALSE(dot(WeightType::int8, 131'073));
    CHECK(dot(WeightType::bfloat16, 131'073));
}

TEST_CASE("Stream: bytes of int8 weights stand beside those of the column that the processor's instruction multiplies "
          "them with") {
    if constexpr (std::endian::native != std::endian::little)
        return; // as all processors with the instruction are
    constexpr Index hidden = 75, columns = 37, tile = 64;
    Random random(74);
    const Matrix<float> U = random_matrix<float>(hidden, columns, random);
    const Matrix<float> h = random_matrix<float>(columns, 1, random);
    const stream::NarrowFunctions& functions = stream::narrow_functions_here;
    const stream::NarrowLayout layout{WeightType::int8, &functions, true, hidden, tile};
    stream::NarrowMatrix matrix{1, columns};
    matrix.words.zeros(functions.matrix_words(layout, matrix));
    matrix.scales.zeros(functions.scale_words(layout, matrix));
    functions.pack(layout, matrix, U.data(), hidden);
    stream::NarrowOperand column;
    column.words.zeros(functions.operand_words(layout, columns));
    functions.convert(layout, column, h.data(), columns);

    constexpr Index L = stream::word_lanes, groups = (columns + 3) / 4;
    const Index half = (columns + L - 1) / L * L / 4;
    const std::uint32_t* const x = column.words.data();
    const Doubles expected = narrow(U, WeightType::int8) * operand(h.cast<double>(), WeightType::int8);
    for (Index row = 0; row < hidden; ++row) {
        const Index u = row / tile * tile, r = row - u, registers = stream::registers_of(1, layout.width(u));
        const stream::RowPlace place = stream::place_of(registers, groups, r);
        const std::uint32_t* const words = matrix.words.data() + stream::registers_before(layout, 1, u, 1) * L * groups;
        // What vpdpbusd adds: bytes without a sign times those with one.
        auto upper = static_cast<std::int32_t>(x[2 * half]), lower = static_cast<std::int32_t>(x[2 * half + 1]);
        for (Index k = 0; k < groups; ++k)
            for (int byte = 0; byte < 32; byte += 8) {
                const auto w = static_cast<std::int32_t>(words[place.first + k * place.stride] >> byte & 0xffU);
                upper += w * static_cast<std::int8_t>(x[k] >> byte & 0xffU);
                lower += w * static_cast<std::int8_t>(x[half + k] >> byte & 0xffU);
            }
        const std::uint32_t scales =
            matrix.scales.data()[(stream::registers_before(layout, 1, u, 2) + r / L) / 2 * L + r % L];
        const auto scale =
            double(std::bit_cast<float>(r / L % 2 != 0 ? scales & 0xffff0000U : scales << 16) * column.scale);
        CHECK(scale * (256.0 * upper + lower) == Approx(expected(row, 0)).margin(1e-6));
    }
}
