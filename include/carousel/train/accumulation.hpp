// Accumulation: the gradients of several batches on their way to one step of the optimizer.
#pragma once

#include "carousel/core/parameter.hpp"
#include "carousel/train/training_state.hpp"

#ifdef CAROUSEL_BODIES
#    include "carousel/kernel/vectors.hpp"
#endif

#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Of batches with means ∇₁, ∇₂, … over targets that weigh w₁, w₂, … the mean over all is Σ wᵦ∇ᵦ / Σ wᵦ. The parameters hold the mean of
/// the batches so far, of weight W: before the next one's backward pass adds to it, it is multiplied by W / (W + w), and the gradient of
/// the loss by w / (W + w). So weights may be as small and as large as they like.
template <class S>
class Accumulation {
  public:
    explicit Accumulation(const std::vector<NamedParameter<S>>& list) : list_(list) {}

    /// The parameters' gradients become those which an epoch that has begun was left with.
    void go_on(const AccumulatedGradient<S>& from) const {
        zero_gradients(list_);
        for (std::size_t k = 0; k < from.gradients.size(); ++k) {
            Parameter<S>& parameter = *list_[k].parameter;
            const Matrix<S>& gradient = from.gradients[k];
            if (!parameter.is_trained() || gradient.size() == 0)
                continue;
            if (!parameter.is_sparse())
                parameter.grad = gradient;
            for (std::size_t c = 0; c < from.columns[k].size(); ++c)
                parameter.grad_column(from.columns[k][c]) = gradient.col(static_cast<Index>(c));
        }
    }

    /// A gradient of a loss times its part of the weight.
    static void weigh(Matrix<S>& dy, double part) {
        kernel::vector_functions<S>().scale(static_cast<S>(part), dy.data(), dy.size());
    }
    /// The parameters' gradients, likewise.
    void weigh(double part) const {
        for (const auto& [name, parameter] : list_)
            parameter->each_gradient([&](auto gradient) {
                kernel::vector_functions<S>().scale(static_cast<S>(part), gradient.data(), gradient.size());
            });
    }

    /// As they are now, after so many batches of this weight.
    AccumulatedGradient<S> kept(Index batches, double weight) const {
        AccumulatedGradient<S> kept{batches, weight, {}, {}};
        for (const auto& [name, parameter] : list_) {
            auto& columns = kept.columns.emplace_back();
            auto& gradient = kept.gradients.emplace_back();
            if (!parameter->is_trained())
                continue;
            if (!parameter->is_sparse()) {
                gradient = parameter->grad;
                continue;
            }
            const Index rows = parameter->grad.rows();
            if (rows > 0)
                parameter->each_run([&](Index first, Index) { columns.push_back(first / rows); });
            gradient.resize(rows, static_cast<Index>(columns.size()));
            for (std::size_t c = 0; c < columns.size(); ++c)
                gradient.col(static_cast<Index>(c)) = parameter->grad.col(columns[c]);
        }
        return kept;
    }

  private:
    const std::vector<NamedParameter<S>>& list_;
};

} // namespace carousel::detail
