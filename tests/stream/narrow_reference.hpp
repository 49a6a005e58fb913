// A recurrent layer step by step in doubles, its weights rounded as a Stream with narrow weights rounds them.
#pragma once

#include "carousel/layer/recurrent.hpp"
#include "carousel/stream/narrow/product.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace carousel::test {

using Doubles = Eigen::MatrixXd;

/// The nearest number of so many significant bits; upwards in magnitude if `up`.
inline double round_to_bits(double x, int bits, bool up = false) {
    int exponent = 0;
    const double m = std::ldexp(std::frexp(x, &exponent), bits);
    return std::ldexp(up ? std::ceil(m) : std::nearbyint(m), exponent - bits);
}
inline Doubles round_to_bits(const Matrix<float>& m, int bits) {
    return m.cast<double>().unaryExpr([bits](double x) { return x == 0 ? 0 : round_to_bits(x, bits); });
}

/// The weights that the words of this type stand for.
inline Doubles narrow(const Matrix<float>& weights, WeightType type) {
    if (type == WeightType::bfloat16)
        return round_to_bits(weights, 8);
    Doubles out = weights.cast<double>();
    for (Index r = 0; r < out.rows(); ++r) {
        const float largest = weights.row(r).cwiseAbs().maxCoeff();
        const double scale = round_to_bits(double(largest / (type == WeightType::int8 ? 127.0F : 32767.0F)), 8, true);
        for (Index k = 0; k < out.cols(); ++k)
            out(r, k) = largest < 1e-32F ? 0 : scale * std::nearbyint(out(r, k) / scale);
    }
    return out;
}

/// The column that such weights are multiplied with.
inline Doubles operand(const Doubles& x, WeightType type) {
    const bool dot = stream::narrow_functions().has_dot(type);
    if (type == WeightType::bfloat16)
        return dot ? round_to_bits(x.cast<float>(), 8) : x;
    const float largest = x.cast<float>().cwiseAbs().maxCoeff();
    if (largest < 1e-30F)
        return 0 * x;
    return x.unaryExpr([largest](double v) {
        return double(largest) / 32512 * double(std::nearbyint(static_cast<float>(v) * (32512 / largest)));
    });
}

/// h of every step of x, from zero.
template <Cell C>
Doubles narrow_reference(const Recurrent<C>& layer, const Matrix<float>& x, WeightType type) {
    const Index H = layer.hidden_size();
    const bool narrow_W = layer.input_size() >= 8;
    const Doubles W = narrow_W ? narrow(layer.W().value, type) : round_to_bits(layer.W().value, 16),
                  U = narrow(layer.U().value, type), b = round_to_bits(layer.b().value, 16);
    Doubles state = Doubles::Zero(C::states * H, 1), out(H, x.cols());
    for (Index t = 0; t < x.cols(); ++t) {
        const Doubles column = x.col(t).cast<double>();
        Doubles a = Doubles::Zero(C::blocks * H, 1);
        a.topRows(b.rows()) = b;
        a.middleRows(C::input.first * H, C::input.count * H) += W * (narrow_W ? operand(column, type) : column);
        a.middleRows(C::recurrent.first * H, C::recurrent.count * H) +=
            U.topRows(C::recurrent.count * H) * operand(state.topRows(H), type);
        // The cells' equations in floats, unit after unit.
        const auto units = [&](const auto& f) {
            for (Index u = 0; u < H; ++u) {
                float of_unit[C::blocks], before[C::states], after[C::states] = {}, p[C::vectors + 1] = {};
                for (int g = 0; g < C::blocks; ++g)
                    of_unit[g] = static_cast<float>(a(g * H + u));
                for (int s = 0; s < C::states; ++s)
                    before[s] = static_cast<float>(state(s * H + u));
                for (int k = 0; k < C::vectors && has_vectors(layer.cell()); ++k)
                    p[k] = layer.P().value(u, k);
                f(u, of_unit, before, after, p);
                for (int g = 0; g < C::blocks; ++g)
                    a(g * H + u) = double(of_unit[g]);
            }
        };
        if constexpr (TwoProductCell<C>) {
            units([&](Index, auto& of_unit, const auto& before, auto&, auto&) { layer.cell().gate(of_unit, before); });
            a.middleRows(C::second.first * H, C::second.count * H) +=
                U.bottomRows(C::second.count * H) * operand(a.middleRows(C::operand * H, H), type);
        }
        Doubles next = state;
        units([&](Index u, auto& of_unit, const auto& before, auto& after, const auto& p) {
            layer.cell().forward(of_unit, before, after, p);
            for (int s = 0; s < C::states; ++s)
                next(s * H + u) = double(after[s]);
        });
        state = next;
        out.col(t) = state.topRows(H);
    }
    return out;
}

} // namespace carousel::test
