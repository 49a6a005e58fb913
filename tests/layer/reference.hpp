// A recurrent layer as its definition reads, whatever the cell.
#pragma once

#include "support.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace carousel::test {

/// One step of a unit by a cell's equations over plain numbers, behind virtual functions, so that what is the same for all cells is
/// compiled once. It has so many numbers as the cell says.
class UnitEquations {
  public:
    virtual ~UnitEquations() = default;
    virtual void gate(double* a, const double* prev) const = 0;
    virtual void forward(double* a, const double* prev, double* next, const double* p) const = 0;
    virtual void backward(double* a, const double* prev, const double* next, double* d, const double* p,
                          double* dp) const = 0;
    virtual void gate_backward(double* a, const double* prev, double ds, double* d) const = 0;
};

template <class C>
class UnitEquationsOf final : public UnitEquations {
  public:
    explicit UnitEquationsOf(const C& cell) : cell_(cell) {}
    void gate(double* a, const double* prev) const override {
        if constexpr (TwoProductCell<C>)
            cell_.gate(blocks(a), states(prev));
    }
    void forward(double* a, const double* prev, double* next, const double* p) const override {
        cell_.forward(blocks(a), states(prev), states(next), p);
    }
    void backward(double* a, const double* prev, const double* next, double* d, const double* p,
                  double* dp) const override {
        cell_.backward(blocks(a), states(prev), states(next), states(d), p, dp);
    }
    void gate_backward(double* a, const double* prev, double ds, double* d) const override {
        if constexpr (TwoProductCell<C>)
            cell_.gate_backward(blocks(a), states(prev), ds, states(d));
    }

  private:
    static auto& blocks(double* a) { return *reinterpret_cast<double(*)[C::blocks]>(a); }
    static auto& states(double* s) { return *reinterpret_cast<double(*)[C::states]>(s); }
    static auto& states(const double* s) { return *reinterpret_cast<const double(*)[C::states]>(s); }

    C cell_;
};

/// A recurrent layer as plain numbers.
struct ReferenceLayer {
    Index H, I;
    bool reverse, two_products;
    Index states, blocks, vectors, biased, operand;
    BlockRange input, recurrent, second;
    Matrix<double> W, U, b, P;
};

/// A pass of it as its definition reads: one sequence after the other, over its real steps only, number by number, in double and with
/// the standard library's functions.
class ReferencePass {
  public:
    ReferencePass(ReferenceLayer layer, const UnitEquations& equations) : l_(std::move(layer)), equations_(equations) {}

    Outcome<double> operator()(const Pass<double>& pass) {
        const Index T = pass.x.steps(), B = pass.x.batch();
        out_ = {Matrix<double>::Zero(l_.H, T * B),
                Matrix<double>::Zero(l_.states * l_.H, B),
                Matrix<double>::Zero(l_.W.rows(), l_.W.cols()),
                Matrix<double>::Zero(l_.U.rows(), l_.U.cols()),
                Matrix<double>::Zero(l_.b.rows(), l_.b.cols()),
                Matrix<double>::Zero(l_.P.rows(), l_.P.cols()),
                Matrix<double>::Zero(l_.I, T * B),
                Matrix<double>::Zero(l_.states * l_.H, B)};
        for (Index b = 0; b < B; ++b) {
            std::vector<Index> columns; // of the sequence's real steps, in processing order
            for (Index p = 0, length = pass.x.view().length(b); p < length; ++p)
                columns.push_back((l_.reverse ? length - 1 - p : p) * B + b);
            sequence(pass, b, columns);
        }
        return out_;
    }

  private:
    /// A column a unit.
    struct Units {
        Matrix<double> a, prev, next;
    };

    void sequence(const Pass<double>& pass, Index b, const std::vector<Index>& columns) {
        Matrix<double> state = Matrix<double>::Zero(l_.H, l_.states), d = state;
        for (Index u = 0; u < l_.H; ++u)
            for (Index s = 0; s < l_.states; ++s) {
                state(u, s) = pass.initial.size() > 0 ? pass.initial(s * l_.H + u, b) : 0;
                d(u, s) = pass.d_final.size() > 0 ? pass.d_final(s * l_.H + u, b) : 0;
            }

        std::vector<Units> steps;
        for (const Index column : columns) {
            Units units{Matrix<double>::Zero(l_.blocks, l_.H), Matrix<double>::Zero(l_.states, l_.H),
                        Matrix<double>::Zero(l_.states, l_.H)};
            forward(units, pass.x.values().col(column), state);
            out_.y.col(column) = state.col(0);
            steps.push_back(units);
        }
        out_.final_state.col(b) = state.reshaped();

        for (std::size_t p = columns.size(); p-- > 0;) {
            if (pass.dy.size() > 0)
                d.col(0) += pass.dy.col(columns[p]);
            out_.dx.col(columns[p]) = backward(steps[p], pass.x.values().col(columns[p]), d);
        }
        out_.d_initial.col(b) = d.reshaped();
    }

    /// Its vectors, and zeros in place of those it hasn't.
    Vector<double> vectors_of(Index u) const {
        Vector<double> p = Vector<double>::Zero(l_.vectors + 1);
        for (Index k = 0; k < l_.P.cols(); ++k)
            p(k) = l_.P(u, k);
        return p;
    }

    void forward(Units& units, const Vector<double>& x, Matrix<double>& state) {
        for (Index u = 0; u < l_.H; ++u) {
            for (Index s = 0; s < l_.states; ++s)
                units.prev(s, u) = state(u, s);
            for (Index g = 0; g < l_.biased; ++g)
                units.a(g, u) = l_.b(g * l_.H + u);
            for (Index g = 0; g < l_.input.count; ++g)
                for (Index k = 0; k < l_.I; ++k)
                    units.a(l_.input.first + g, u) += l_.W(g * l_.H + u, k) * x(k);
            for (Index g = 0; g < l_.recurrent.count; ++g)
                for (Index k = 0; k < l_.H; ++k)
                    units.a(l_.recurrent.first + g, u) += l_.U(g * l_.H + u, k) * state(k, 0);
        }
        if (l_.two_products) {
            for (Index u = 0; u < l_.H; ++u)
                equations_.gate(units.a.col(u).data(), units.prev.col(u).data());
            for (Index u = 0; u < l_.H; ++u)
                for (Index g = 0; g < l_.second.count; ++g)
                    for (Index k = 0; k < l_.H; ++k)
                        units.a(l_.second.first + g, u) +=
                            l_.U((l_.recurrent.count + g) * l_.H + u, k) * units.a(l_.operand, k);
        }
        for (Index u = 0; u < l_.H; ++u) {
            const Vector<double> p = vectors_of(u);
            equations_.forward(units.a.col(u).data(), units.prev.col(u).data(), units.next.col(u).data(), p.data());
            for (Index s = 0; s < l_.states; ++s)
                state(u, s) = units.next(s, u);
        }
    }

    /// Returns dx; d becomes the gradient of the state before.
    Vector<double> backward(Units& units, const Vector<double>& x, Matrix<double>& d) {
        for (Index u = 0; u < l_.H; ++u) {
            Vector<double> d_unit = d.row(u), dp = Vector<double>::Zero(l_.vectors + 1);
            const Vector<double> p = vectors_of(u);
            equations_.backward(units.a.col(u).data(), units.prev.col(u).data(), units.next.col(u).data(),
                                d_unit.data(), p.data(), dp.data());
            for (Index k = 0; k < l_.P.cols(); ++k)
                out_.dP(u, k) += dp(k);
            d.row(u) = d_unit;
        }
        if (l_.two_products) {
            Vector<double> d_operand = Vector<double>::Zero(l_.H);
            for (Index g = 0; g < l_.second.count; ++g)
                for (Index u = 0; u < l_.H; ++u)
                    for (Index k = 0; k < l_.H; ++k) {
                        const Index row = (l_.recurrent.count + g) * l_.H + u;
                        d_operand(k) += l_.U(row, k) * units.a(l_.second.first + g, u);
                        out_.dU(row, k) += units.a(l_.second.first + g, u) * units.a(l_.operand, k);
                    }
            for (Index u = 0; u < l_.H; ++u) {
                Vector<double> d_unit = d.row(u);
                equations_.gate_backward(units.a.col(u).data(), units.prev.col(u).data(), d_operand(u), d_unit.data());
                d.row(u) = d_unit;
            }
        }
        Vector<double> dx = Vector<double>::Zero(l_.I);
        for (Index u = 0; u < l_.H; ++u) { // every a is da now
            for (Index g = 0; g < l_.biased; ++g)
                out_.db(g * l_.H + u) += units.a(g, u);
            for (Index g = 0; g < l_.input.count; ++g)
                for (Index k = 0; k < l_.I; ++k) {
                    dx(k) += l_.W(g * l_.H + u, k) * units.a(l_.input.first + g, u);
                    out_.dW(g * l_.H + u, k) += units.a(l_.input.first + g, u) * x(k);
                }
            for (Index g = 0; g < l_.recurrent.count; ++g)
                for (Index k = 0; k < l_.H; ++k) {
                    d(k, 0) += l_.U(g * l_.H + u, k) * units.a(l_.recurrent.first + g, u);
                    out_.dU(g * l_.H + u, k) += units.a(l_.recurrent.first + g, u) * units.prev(0, k);
                }
        }
        return dx;
    }

    ReferenceLayer l_;
    const UnitEquations& equations_;
    Outcome<double> out_;
};

inline Matrix<double> as_double(const auto& matrix) {
    return matrix.template cast<double>();
}
template <class S>
Pass<double> as_double(const Pass<S>& pass) {
    std::vector<Index> lengths;
    for (Index b = 0; b < pass.x.batch(); ++b)
        lengths.push_back(pass.x.view().length(b));
    return {Sequence<double>(as_double(pass.x.values()), pass.x.batch(), lengths), as_double(pass.initial),
            as_double(pass.dy), as_double(pass.d_final)};
}

/// What ReferencePass makes of a Recurrent<Cell>.
template <class C>
Outcome<double> reference(const Recurrent<C>& layer, const Pass<typename C::Scalar>& pass) {
    constexpr bool two_products = TwoProductCell<C>;
    ReferenceLayer plain{.H = layer.hidden_size(),
                         .I = layer.input_size(),
                         .reverse = layer.options().reverse,
                         .two_products = two_products,
                         .states = C::states,
                         .blocks = C::blocks,
                         .vectors = C::vectors,
                         .biased = biased_blocks<C>(),
                         .operand = 0,
                         .input = C::input,
                         .recurrent = C::recurrent,
                         .second = {},
                         .W = as_double(layer.W().value),
                         .U = as_double(layer.U().value),
                         .b = as_double(layer.b().value),
                         .P = as_double(layer.P().value)};
    if constexpr (two_products) {
        plain.operand = C::operand;
        plain.second = C::second;
    }
    return ReferencePass(std::move(plain), UnitEquationsOf<C>(layer.cell()))(as_double(pass));
}

} // namespace carousel::test
