// StateSpan: the State of a layer as a row of matrices, and back.
#pragma once

#include "carousel/layer/layer.hpp"

#include <span>
#include <type_traits>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// A State that is one matrix is read and written where it is. Any other is copied to or from one kept here, whose
/// memory is used again. Spans are of as many matrices as the State has, or empty for zero.
template <class L, class S>
class StateSpan {
    using State = StateOf<L, S>;
    static constexpr bool one_matrix = std::is_same_v<State, Matrix<S>>;

  public:
    explicit StateSpan(const L& layer) : kept_(empty_state<L, S>(layer)) {}
    /// One that needs no other memory for states of these shapes: fill(state) writes one.
    template <class F>
    StateSpan(const L& layer, F&& fill) : StateSpan(layer) {
        if constexpr (!one_matrix)
            fill(kept_);
    }

    const State& read(std::span<const Matrix<S>> from) const {
        if (from.empty())
            return zero_;
        if constexpr (one_matrix)
            return from[0];
        else {
            if constexpr (std::is_same_v<State, std::vector<Matrix<S>>>)
                kept_.resize(from.size()); // a model inside may have other layers than it had
            std::size_t k = 0;
            each_state(kept_, [&](Matrix<S>& part) { assign(part, from[k++]); });
            return kept_;
        }
    }

    /// f(the State), of matrices that may have other shapes than those kept here, which stay as they are.
    template <class F>
    void check(std::span<const Matrix<S>> from, F&& f) const {
        bool alike = true;
        if constexpr (!one_matrix)
            if (std::size_t k = 0; !from.empty())
                each_state(kept_, [&](const Matrix<S>& part) {
                    alike = alike && part.rows() == from[k].rows() && part.cols() == from[k].cols();
                    ++k;
                });
        if (alike)
            f(read(from));
        else
            f(StateSpan(*this).read(from));
    }

    /// f(state) writes a State; its matrices go to `to`, of as many.
    template <class F>
    void write(std::span<Matrix<S>> to, F&& f) const {
        if constexpr (one_matrix)
            f(to[0]);
        else {
            f(kept_);
            std::size_t k = 0;
            each_state(kept_, [&](const Matrix<S>& part) { assign(to[k++], part); });
        }
    }

    /// Bytes that it has on the heap.
    Index memory() const {
        Index bytes = 0;
        each_state(kept_, [&](const Matrix<S>& part) { bytes += part.size() * static_cast<Index>(sizeof(S)); });
        if constexpr (std::is_same_v<State, std::vector<Matrix<S>>>)
            bytes += static_cast<Index>(kept_.capacity() * sizeof(Matrix<S>));
        return bytes;
    }

  private:
    mutable State kept_; ///< copied with what owns it; never shared by threads, as a tape and a stream aren't
    State zero_ = {};    ///< no matrices, or empty ones
};

} // namespace carousel::detail
