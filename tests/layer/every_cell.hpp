// The list of every_cell.
#pragma once

#include "any_recurrent.hpp"
#include "layer/reference.hpp"
#include "own_cells.hpp"

#include "carousel/stream/stream.hpp"

namespace carousel::test {

template <class C>
class RecurrentOf final : public AnyRecurrent<typename C::Scalar> {
    using S = typename C::Scalar;
    using Layer = Recurrent<C>;

  public:
    explicit RecurrentOf(const Layer& layer) : layer_(layer) {}
    std::unique_ptr<AnyRecurrent<S>> copy() const override { return std::make_unique<RecurrentOf>(layer_); }
    std::string name() const override { return layer_.name(); }
    std::vector<NamedParameter<S>> parameters() override { return carousel::parameters(layer_); }
    Index states() const override { return C::states; }

    SequenceView<S> forward(SequenceView<S> x, const Matrix<S>& initial) override {
        return layer_.forward(x, tape_, initial);
    }
    SequenceView<S> infer(SequenceView<S> x, const Matrix<S>& initial) override {
        return layer_.infer(x, tape_, initial);
    }
    Matrix<S> final_state() const override {
        Matrix<S> state;
        layer_.final_state(tape_, state);
        return state;
    }
    SequenceView<S> backward(SequenceView<S> dy, const BackwardOptions<Matrix<S>>& options) override {
        return layer_.backward(dy, tape_, options);
    }

    Outcome<double> reference(const Pass<S>& pass) const override { return carousel::test::reference(layer_, pass); }
    Matrix<S> stream(const Matrix<S>& x, Matrix<S>& state) const override {
        Stream stream{layer_};
        if (state.size() > 0)
            stream.set_state(state);
        Matrix<S> y(layer_.hidden_size(), x.cols());
        for (Index t = 0; t < x.cols(); ++t) {
            const auto h = stream(std::span(x.col(t).data(), static_cast<std::size_t>(x.rows())));
            std::copy(h.begin(), h.end(), y.col(t).data());
        }
        state = stream.state();
        return y;
    }

  private:
    Layer layer_;
    typename Layer::Tape tape_;
};

template <class C>
CellCase<typename C::Scalar> cell_case(const std::string& name, C cell = {}) {
    return {name, [cell](Index input, Index hidden, const RecurrentOptions& options) {
                return std::make_unique<RecurrentOf<C>>(Recurrent<C>(input, hidden, cell, options));
            }};
}

template <class S>
const std::vector<CellCase<S>>& every_cell() {
    static const std::vector<CellCase<S>> cells = [] {
        std::vector<CellCase<S>> list{
            cell_case("SimpleRNN tanh", SimpleRnnCell<S>{}),
            cell_case("SimpleRNN relu", SimpleRnnCell<S>{.activation = Activation::relu}),
            cell_case("SimpleRNN sigmoid", SimpleRnnCell<S>{.activation = Activation::sigmoid}),
            cell_case("SimpleRNN linear", SimpleRnnCell<S>{.activation = Activation::linear}),
            cell_case("LSTM", LstmCell<S>{}),
            cell_case("LSTM with peepholes", LstmCell<S>{.peephole = true}),
            cell_case("coupled LSTM", LstmCell<S, true>{}),
            cell_case("coupled LSTM with peepholes", LstmCell<S, true>{.peephole = true}),
            cell_case("GRU, reset after", GruCell<S, Reset::after>{}),
            cell_case("GRU, reset before", GruCell<S, Reset::before>{}),
        };
        // The same code in float, and time to compile: own cells are among the long tests there, and other functions are left out.
        constexpr bool is_double = std::is_same_v<S, double>;
        if constexpr (is_double || CAROUSEL_LONG_TESTS) {
            list.push_back(cell_case("own cell: leaky RNN", LeakyCell<S>{}));
            list.push_back(cell_case("own cell: minimal gated unit", MinimalGatedCell<S>{}));
            list.push_back(
                cell_case("own cell: minimal gated unit with a blind candidate", MinimalGatedCell<S, true>{}));
        }
        if constexpr (is_double) {
            const ChosenGates gates{Activation::hard_sigmoid(), Activation::softsign.clipped(1.2), Activation::elu()};
            list.push_back(cell_case("LSTM, other functions", LstmCell<S, false, ChosenGates>{true, gates}));
            list.push_back(
                cell_case("GRU, reset after, other functions", GruCell<S, Reset::after, ChosenGates>{gates}));
            list.push_back(
                cell_case("GRU, reset before, other functions", GruCell<S, Reset::before, ChosenGates>{gates}));
        }
        return list;
    }();
    return cells;
}

} // namespace carousel::test
