// AnyRecurrent: a recurrent layer of whichever cell behind virtual functions, so that every property is checked on every cell and
// each cell is compiled once. every_cell.hpp fills the list.
#pragma once

#include "support.hpp"

#include "carousel/layer/recurrent.hpp"

#include <functional>
#include <memory>
#include <string>

namespace carousel::test {

/// A recurrent layer of whichever cell, its tape, and its cell's equations over plain numbers.
template <class S>
class AnyRecurrent {
  public:
    virtual ~AnyRecurrent() = default;
    /// The same layer with a fresh tape.
    virtual std::unique_ptr<AnyRecurrent> copy() const = 0;
    virtual std::string name() const = 0;
    virtual std::vector<NamedParameter<S>> parameters() = 0;
    /// Numbers of state a unit has.
    virtual Index states() const = 0;

    virtual SequenceView<S> forward(SequenceView<S> x, const Matrix<S>& initial = {}) = 0;
    virtual SequenceView<S> infer(SequenceView<S> x, const Matrix<S>& initial = {}) = 0;
    virtual Matrix<S> final_state() const = 0;
    virtual SequenceView<S> backward(SequenceView<S> dy, const BackwardOptions<Matrix<S>>& options = {}) = 0;

    virtual Outcome<double> reference(const Pass<S>& pass) const = 0;
    /// A sequence sample by sample, through a Stream; `state` is the one it starts from (empty: zero) and becomes the
    /// one it ends in.
    virtual Matrix<S> stream(const Matrix<S>& x, Matrix<S>& state) const = 0;

    /// W, U, b or P; null if there is none.
    Parameter<S>* parameter(const std::string& name) {
        for (const auto& named : parameters())
            if (named.name == name)
                return named.parameter;
        return nullptr;
    }
    Parameter<S>& operator[](const std::string& name) { return *parameter(name); }

    /// Every parameter drawn anew; U's spectral radius is some 0.7, so that nothing explodes in many steps.
    void randomize(Random& random) {
        for (const auto& [name, p] : parameters()) {
            const double width = std::sqrt(static_cast<double>(p->value.cols()));
            const double deviation = name == "W" ? 1 / width : name == "U" ? 0.7 / width : 0.5;
            p->value = random_matrix<S>(p->value.rows(), p->value.cols(), random, deviation);
        }
    }

    /// Forward and backward.
    Outcome<S> operator()(const Pass<S>& pass) {
        zero_gradients(parameters());
        Outcome<S> out;
        out.y = forward(pass.x, pass.initial).values();
        out.final_state = final_state();
        const SequenceView<S> dy(pass.dy.data(), pass.dy.rows(), pass.dy.cols() / pass.x.batch(), pass.x.batch());
        out.dx = backward(dy, {.d_final = &pass.d_final, .d_initial = &out.d_initial}).values();
        for (const auto& [name, p] : parameters())
            (name == "W" ? out.dW : name == "U" ? out.dU : name == "b" ? out.db : out.dP) = p->grad;
        return out;
    }
};

template <class S>
struct CellCase {
    std::string name;
    std::function<std::unique_ptr<AnyRecurrent<S>>(Index input, Index hidden, const RecurrentOptions&)> make;
};

/// The library's cells with every option, and the own cells.
template <class S>
const std::vector<CellCase<S>>& every_cell();

/// The cell of that name.
template <class S>
std::unique_ptr<AnyRecurrent<S>> make(const std::string& name, Index input, Index hidden,
                                      const RecurrentOptions& options = {}) {
    for (const auto& cell : every_cell<S>())
        if (cell.name == name)
            return cell.make(input, hidden, options);
    throw std::out_of_range(name);
}

/// How a pass may differ besides its sizes.
struct Variant {
    bool reverse, ragged, initial;
};
inline const std::vector<Variant> every_variant{{false, false, false}, {false, false, true}, {false, true, false},
                                                {false, true, true},   {true, false, false}, {true, false, true},
                                                {true, true, false},   {true, true, true}};
inline std::string to_string(Variant v) {
    return std::string(v.reverse ? "reverse, " : "forward, ") + (v.ragged ? "ragged, " : "full lengths, ") +
           (v.initial ? "initial state" : "zero state");
}

/// Lengths with a 0, a full one and others between.
inline std::vector<Index> ragged_lengths(Index steps, Index batch) {
    std::vector<Index> lengths;
    for (Index b = 0; b < batch; ++b)
        lengths.push_back(b == 0 ? (batch > 1 ? steps : steps / 2) : (b * 3 + 1) % 4 == 0 ? 0 : 1 + b * 5 % steps);
    return lengths;
}

/// A pass with gradients from every output and the final state.
template <class S>
Pass<S> random_pass(const AnyRecurrent<S>& layer, Index input, Index hidden, Index steps, Index batch, Variant variant,
                    Random& random) {
    return {random_sequence<S>(input, steps, batch, random,
                               variant.ragged ? ragged_lengths(steps, batch) : std::vector<Index>{}),
            variant.initial ? random_matrix<S>(layer.states() * hidden, batch, random, 0.5) : Matrix<S>(),
            random_matrix<S>(hidden, steps * batch, random), random_matrix<S>(layer.states() * hidden, batch, random)};
}

/// The error of `analytic` relative to the largest difference quotient of `values`, numbers the loss depends on.
template <class Loss>
double worst_error(Matrix<double>& values, const Matrix<double>& analytic, const Loss& loss) {
    const double h = 1e-5;
    Matrix<double> numeric(values.rows(), values.cols());
    for (Index k = 0; k < values.size(); ++k) {
        double& value = values.data()[k];
        const double kept = value;
        value = kept + h;
        const double above = loss();
        value = kept - h;
        const double below = loss();
        value = kept;
        numeric.data()[k] = (above - below) / (2 * h);
    }
    return difference(analytic, numeric, 1e-3); // relative, unless all are tiny
}

} // namespace carousel::test
