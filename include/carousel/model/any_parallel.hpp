// AnyParallel: branches over the same input, decided at run time; itself a layer.
#pragma once

#include "carousel/layer/parallel_row.hpp"
#include "carousel/model/any_layers.hpp"
#include "carousel/model/row_states.hpp"

#include <span>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What Parallel is where the branches are known only when the program runs:
///
///     std::vector<AnyLayer<float>> branches;
///     for (const Index kernel : {2, 4, 8})
///         branches.push_back(AnyLayer<float>{Conv1D<float>{1, 8, kernel}});
///     Model<float> model{AnyParallel<float>{branches}, GRU<float>{24, 16}, Dense<float>{16, 1}};
///
/// Equations, names of parameters and what it says of itself are Parallel's. State: the matrices of all branches' States in turn; an
/// empty list means zero.
template <std::floating_point S>
class AnyParallel : public detail::ParallelRow<AnyParallel<S>, S>, public detail::AnyLayers<S> {
    using detail::AnyLayers<S>::layers_;

  public:
    using detail::AnyLayers<S>::size, detail::AnyLayers<S>::states, detail::AnyLayers<S>::each_layer;
    using Scalar = S;
    using State = std::vector<Matrix<S>>;
    static constexpr const char* kind = "Parallel";

    class Tape {
        friend AnyParallel;
        detail::ParallelPass<S> pass_;
        std::vector<typename AnyLayer<S>::Tape> layers_;
    };

    /// Throws std::invalid_argument if there is no branch or, naming the branch, if one takes another number of features or gives
    /// another number of steps than the first.
    explicit AnyParallel(std::vector<AnyLayer<S>> branches) : detail::AnyLayers<S>(std::move(branches)) {
        require(!layers_.empty(), "Parallel", "there is no branch, expected at least one");
        this->check_branches();
    }

    /// Throws std::invalid_argument unless 0 <= k < size().
    AnyLayer<S>& layer(Index k) { return layers_[this->place("AnyParallel::layer", k)]; }
    const AnyLayer<S>& layer(Index k) const { return layers_[this->place("AnyParallel::layer", k)]; }

    bool takes_tokens() const {
        bool any = false;
        for (const auto& layer : layers_)
            any = any || layer.takes_tokens();
        return any;
    }
    /// f(random) for every generator of the branches' masks.
    template <class F>
    void each_random(Tape& tape, F&& f) const {
        tape.layers_.resize(layers_.size());
        each_layer([&](std::size_t k, const auto& layer) { layer.each_random(tape.layers_[k], f); });
    }

    /// As Parallel's, and std::invalid_argument if a state has another number of matrices.
    SequenceView<S> forward(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        return run("Parallel::forward", x, tape, initial, true);
    }
    SequenceView<S> infer(SequenceView<S> x, Tape& tape, const State& initial = {}) const {
        return run("Parallel::infer", x, tape, initial, false);
    }

    /// Throws std::logic_error if the tape holds no pass.
    void final_state(const Tape& tape, State& out) const {
        tape.pass_.record.require_pass("Parallel::final_state", size());
        out.resize(static_cast<std::size_t>(states()));
        std::span<Matrix<S>> rest(out);
        each_layer(
            [&](std::size_t k, const auto& layer) { layer.final_state(tape.layers_[k], detail::taken(rest, layer)); });
    }

    /// Throws what backward would throw, but for dy.
    void check_backward(const Tape& tape, const BackwardOptions<State>& options) const {
        const char* const where = "Parallel::backward";
        tape.pass_.record.require_recorded(where, this, 0, size());
        if (options.d_final)
            this->require_state("Parallel::backward: d_final", *options.d_final);
        auto d_final = detail::all_matrices(options.d_final);
        each_layer([&](std::size_t k, const auto& layer) {
            detail::in_layer(where, k, layer,
                             [&] { layer.check_backward(tape.layers_[k], detail::taken(d_final, layer)); });
        });
    }

    /// As Parallel's.
    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        check_backward(tape, options);
        this->split("Parallel::backward", dy, tape.pass_);
        if (options.d_initial)
            options.d_initial->resize(static_cast<std::size_t>(states()));
        auto d_final = detail::all_matrices(options.d_final);
        auto d_initial = detail::all_matrices(options.d_initial);
        bool has_dx = options.input_gradient;
        each_layer([&](std::size_t k, auto& layer) {
            const auto dx = detail::in_layer("Parallel::backward", k, layer, [&] {
                return layer.backward(this->dy_of(tape.pass_, k), tape.layers_[k], detail::taken(d_final, layer),
                                      detail::taken(d_initial, layer), options.input_gradient);
            });
            has_dx = has_dx && this->add(tape.pass_, k, dx);
        });
        tape.pass_.record.consume();
        return has_dx ? tape.pass_.dx_like_x() : SequenceView<S>();
    }

  private:
    SequenceView<S> run(const char* where, SequenceView<S> x, Tape& tape, const State& initial, bool record) const {
        this->require_state(where, initial);
        tape.pass_.begin(x);
        tape.layers_.resize(layers_.size());
        std::span<const Matrix<S>> rest(initial);
        each_layer([&](std::size_t k, const auto& layer) {
            tape.pass_.outputs.push_back(detail::in_layer(
                where, k, layer, [&] { return layer.run(x, tape.layers_[k], detail::taken(rest, layer), record); }));
        });
        const auto y = this->stack(where, tape.pass_);
        tape.pass_.record.end(record, this, 0, size());
        return y;
    }
};

} // namespace carousel

#include "carousel/model/any_parallel_part.hpp" // how a Stream and Voices run it
